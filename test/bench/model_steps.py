"""A model whose steps are timed on demand: what `model-cost.ts` runs under the shim.

Prints `ready` once it is warm. For each line `N` on standard input it takes N rounds of a turn through
the shim, one past it and one past it again, in any order, and prints the median milliseconds of the steps
of each of the three, by rank 0 alone. The line `N shim` or `N past` is for N turns of that kind. Ends
with its standard input.

The steps of `fsdp` are of all ranks together: each is told the same.
"""

import argparse
import ctypes
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WARM_STEPS = 20
# Steps of a turn. The first ones are not timed: the processor still foresees the branches of the turn
# before, and what it foresees best is the way that is taken two times of three.
SKIPPED, TIMED = 2, 4
# The models are those of the conformance suite's programs.
PROGRAMS = Path(__file__).parents[1] / "conformance"
sys.path += [str(PROGRAMS), str(PROGRAMS / "gpu")]


def make_bert(batch: int, graph: bool) -> Callable[[], None]:
    """Inference of BERT-large, fp16, sequence 384; eager, or as one CUDA graph."""
    import torch

    from torch_loop import build_model, make_input

    model = build_model(24)
    inputs = make_input(batch).cuda()
    stream = torch.cuda.current_stream()

    @torch.inference_mode()
    def eager() -> None:
        model(inputs)
        stream.synchronize()

    if not graph:
        return eager
    side = torch.cuda.Stream()
    with torch.cuda.stream(side), torch.inference_mode():
        for _ in range(3):
            model(inputs)
    side.synchronize()
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded), torch.inference_mode():
        model(inputs)

    def replay() -> None:
        recorded.replay()
        stream.synchronize()

    return replay


def make_fsdp(batch: int, rank: int, world: int, meeting: str) -> Callable[[], None]:
    """A training step of a sharded transformer (FSDP2), each rank with a device of its own."""
    import torch
    import torch.distributed as dist
    from common import sharded_transformer

    device = torch.device("cuda", rank)
    torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl", init_method=f"file://{meeting}", rank=rank, world_size=world, device_id=device
    )
    model = sharded_transformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    inputs = torch.randn(batch, 256, 1024, device=device)

    def step() -> None:
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
        torch.cuda.synchronize()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["bert", "bert-graph", "fsdp"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--world", type=int, default=1)
    parser.add_argument("--processors", help="those it runs on, FIRST-LAST")
    parser.add_argument("--meeting", default="", help="a file that does not exist yet")
    parser.add_argument("--detour", required=True, help="libdetour.so")
    arguments = parser.parse_args()
    if arguments.processors:
        first, last = map(int, arguments.processors.split("-"))
        # Before anything starts a thread.
        os.sched_setaffinity(0, range(first, last + 1))
    if arguments.model == "fsdp":
        step = make_fsdp(arguments.batch, arguments.rank, arguments.world, arguments.meeting)
    else:
        step = make_bert(arguments.batch, arguments.model == "bert-graph")
    for _ in range(WARM_STEPS):
        step()
    detour = ctypes.CDLL(arguments.detour)
    if detour.detour_prepare() == 0:
        sys.exit("no library holds a function of the shim")
    # The same in all ranks.
    orders = random.Random(1)
    print("ready", flush=True)
    for line in sys.stdin:
        count, *only = line.split()
        ways = only or ["shim", "past", "again"]
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(int(count)):
            for way in orders.sample(ways, len(ways)):
                detour.detour_switch(way != "shim")
                for turn_step in range(SKIPPED + TIMED):
                    began = time.perf_counter_ns()
                    step()
                    if turn_step >= SKIPPED:
                        times[way].append((time.perf_counter_ns() - began) / 1e6)
        if arguments.rank == 0:
            print(*(statistics.median(times[way]) for way in ways), flush=True)
    # What it destroys at its end the shim is to hear of.
    detour.detour_switch(0)


main()
