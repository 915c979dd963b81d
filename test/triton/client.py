"""Drives one model of a Triton server over gRPC and checks every answer.

Prints a line of JSON for each thing that happens: `ready` once, `answer` for each request, `done` at
the end. Ends after --count requests, or when its standard input ends: it then finishes the request
that is under way, so none is given up.
"""

import argparse
import json
import sys
import threading
import time

import numpy as np
import tritonclient.grpc as triton

REQUEST_TIMEOUT_S = 60


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="host:port of the server's gRPC service")
    parser.add_argument("--model", required=True)
    parser.add_argument(
        "--interval-ms",
        type=float,
        default=0,
        help="time from the start of one request to the start of the next; 0: without pause",
    )
    parser.add_argument("--count", type=int, default=0, help="0: until standard input ends")
    parser.add_argument("--warmup", type=int, default=2, help="requests before the first that counts")
    return parser.parse_args()


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def watch_input(ended):
    sys.stdin.buffer.read()
    ended.set()


def compute_answer(seed, launches):
    """What the chain of kernels makes of a number: each one mixes its own number in."""
    word = seed
    for number in range(launches):
        word = (word * 31 + number) % 2**32
    return word


class Model:
    """One model of the server."""

    def __init__(self, client, name):
        self._client = client
        self._name = name
        config = client.get_model_config(name, as_json=True)["config"]
        parameters = config["parameters"]
        self._launches = int(parameters["launches"]["string_value"])

    def ask(self, seed):
        """Sends one request; returns its answer and what the answer should be."""
        request = triton.InferInput("SEED", [1], "UINT32")
        request.set_data_from_numpy(np.array([seed], dtype=np.uint32))
        result = self._client.infer(self._name, [request], client_timeout=REQUEST_TIMEOUT_S)
        return int(result.as_numpy("RESULT")[0]), compute_answer(seed, self._launches)


def measure(model, index):
    """Sends the request with this index and says how it went."""
    seed = (index * 2654435761 + 12345) % 2**32
    started_ms = time.time() * 1e3
    begin = time.perf_counter()
    problem = None
    try:
        answer, wanted = model.ask(seed)
        if answer != wanted:
            problem = f"the answer to {seed} is {answer} instead of {wanted}"
    except triton.InferenceServerException as error:
        problem = str(error)
    latency_ms = (time.perf_counter() - begin) * 1e3
    say("answer", index=index, startedMs=started_ms, latencyMs=latency_ms, problem=problem)
    return problem is None


def main():
    arguments = read_arguments()
    ended = threading.Event()
    threading.Thread(target=watch_input, args=(ended,), daemon=True).start()
    with triton.InferenceServerClient(arguments.url) as client:
        model = Model(client, arguments.model)
        for index in range(arguments.warmup):
            model.ask(index)
        say("ready")
        index = right = 0
        next_start = time.monotonic()
        while not ended.wait(max(0, next_start - time.monotonic())):
            next_start = max(next_start, time.monotonic()) + arguments.interval_ms / 1e3
            right += measure(model, index)
            index += 1
            if index == arguments.count:
                break
        say("done", sent=index, right=right)


if __name__ == "__main__":
    main()
