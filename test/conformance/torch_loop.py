"""One of the two PyTorch programs whose sharing of a GPU is measured.

`--role high` answers requests of batch 1 from a CUDA graph and sleeps between them; `--role low`
runs eager batches without pause until SIGTERM. Both are BERT-large (random weights from a fixed
seed), fp16. Nothing here knows of a scheduler.

Prints `ready` on standard output once it is warm, begins when the file `--go` exists, and writes
one JSON object to `--output`: times of CLOCK_MONOTONIC in nanoseconds, and a digest of the output
for a fixed input, which must not depend on who else used the GPU.
"""

import argparse
import hashlib
import json
import os
import signal
import time

import torch
from transformers import BertConfig, BertModel

SEQUENCE = 384


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=["high", "low"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sleep", type=float, default=0.1, help="seconds between requests of high")
    parser.add_argument("--go", required=True)
    parser.add_argument("--output", required=True)
    return parser.parse_args()


def build_model(layers: int) -> torch.nn.Module:
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=1024,
        num_hidden_layers=layers,
        num_attention_heads=16,
        intermediate_size=4096,
    )
    return BertModel(config, add_pooling_layer=False).half().cuda().eval()


def make_input(batch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 30000, (batch, SEQUENCE), generator=generator)


def digest(output: torch.Tensor) -> str:
    return hashlib.sha256(output.cpu().numpy().tobytes()).hexdigest()


def wait_for_go(path: str) -> None:
    print("ready", flush=True)
    while not os.path.exists(path):
        time.sleep(0.01)


def run_high(model: torch.nn.Module, arguments: argparse.Namespace) -> dict:
    host_input = make_input(arguments.batch).pin_memory()
    device_input = host_input.cuda()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            model(device_input)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        device_output = model(device_input).last_hidden_state
    host_output = torch.empty(device_output.shape, dtype=device_output.dtype, pin_memory=True)
    stream = torch.cuda.Stream()

    def answer() -> None:
        with torch.cuda.stream(stream):
            device_input.copy_(host_input, non_blocking=True)
            graph.replay()
            host_output.copy_(device_output, non_blocking=True)
            stream.synchronize()

    for _ in range(20):
        answer()
    wait_for_go(arguments.go)
    requests = []
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        begin = time.monotonic_ns()
        answer()
        requests.append((begin, time.monotonic_ns()))
        time.sleep(arguments.sleep)
    return {"requests": requests, "digest": digest(host_output)}


def run_low(model: torch.nn.Module, arguments: argparse.Namespace) -> dict:
    stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    device_input = make_input(arguments.batch).cuda()
    output = model(device_input).last_hidden_state
    torch.cuda.synchronize()
    wait_for_go(arguments.go)
    requests = []
    previous = None
    while not stopped:
        begin = time.monotonic_ns()
        output = model(device_input).last_hidden_state
        finished = torch.cuda.Event()
        finished.record()
        # One batch ahead: the GPU never waits for the host, and the host not far ahead of it.
        if previous is not None:
            previous[1].synchronize()
            requests.append((previous[0], time.monotonic_ns()))
        previous = (begin, finished)
    torch.cuda.synchronize()
    return {"requests": requests, "digest": digest(output)}


def main() -> None:
    arguments = parse_arguments()
    model = build_model(arguments.layers)
    with torch.inference_mode():
        result = (run_high if arguments.role == "high" else run_low)(model, arguments)
    result["gpu"] = torch.cuda.get_device_name()
    result["torch"] = torch.__version__
    with open(arguments.output, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
