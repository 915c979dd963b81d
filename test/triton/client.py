"""Drives one model of a Triton server over gRPC and checks every answer.

Prints a line of JSON for each thing that happens: `ready` once, `answer` for each request in the order
of their numbers, `done` at the end. Ends after --count requests, or when its standard input ends: it
then finishes the requests that are under way, so none is given up.
"""

import argparse
import json
import os
import sys
import threading
import time

import tritonclient.grpc as triton
from client_models import open_model

# How often the server is asked again whether its statistics know of the last request.
STATISTICS_POLL_S = 0.005


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
    parser.add_argument(
        "--sleep-ms",
        type=float,
        default=0,
        help="time from an answer to the start of the next request, at least",
    )
    parser.add_argument(
        "--concurrency",
        type=int,
        default=1,
        help="requests in flight; each keeps the pauses above for itself",
    )
    parser.add_argument("--count", type=int, default=0, help="0: until standard input ends")
    parser.add_argument("--warmup", type=int, default=2, help="requests before the first that counts")
    parser.add_argument(
        "--statistics",
        action="store_true",
        help="report the server's own times of each request, asked for in the pause after it; the model "
        "must have no other client",
    )
    parser.add_argument("--expect", metavar="FILE.npz", help="what a bert model must answer")
    parser.add_argument(
        "--write-expected", metavar="FILE.npz", help="write what a bert model answered, at the end"
    )
    arguments = parser.parse_args()
    if arguments.concurrency < 1:
        parser.error(f"--concurrency is {arguments.concurrency}; at least 1 is needed")
    if arguments.statistics and arguments.concurrency != 1:
        parser.error("--statistics needs --concurrency 1: it tells requests apart by their order")
    return arguments


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def watch_input(ended):
    # Not through Python's own buffer, whose lock would be held when the process ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    ended.set()


class Journal:
    """Numbers the requests of all threads and reports their answers in the order of the numbers."""

    def __init__(self, count):
        self._count = count
        self._lock = threading.Lock()
        self._taken = 0
        self._said = 0
        self._waiting = {}
        self.right = 0

    @property
    def sent(self):
        return self._taken

    def take(self):
        """The number of the next request; None when all are taken."""
        with self._lock:
            if self._count and self._taken == self._count:
                return None
            self._taken += 1
            return self._taken - 1

    def report(self, index, answer):
        """Prints this answer and those that waited for it."""
        with self._lock:
            self.right += answer["problem"] is None
            self._waiting[index] = answer
            while self._said in self._waiting:
                say("answer", index=self._said, **self._waiting.pop(self._said))
                self._said += 1


class ServerTimes:
    """The server's own times of one request after the other, from its sums over all of them."""

    def __init__(self, client, name):
        self._client = client
        self._name = name
        self._last = self._ask()

    def _ask(self):
        answer = self._client.get_inference_statistics(self._name, as_json=True)
        sums = answer["model_stats"][0]["inference_stats"]

        def read(part, field):
            # Numbers of 64 bits are text in this JSON, and what is 0 is left out.
            return int(sums.get(part, {}).get(field, 0))

        parts = ("compute_input", "compute_infer", "compute_output")
        return {
            "answered": read("success", "count") + read("fail", "count"),
            "queue": read("queue", "ns"),
            "compute": sum(read(part, "ns") for part in parts),
        }

    def measure(self, until):
        """
        Times of the request that was just answered. A server counts a request after it has sent the
        answer, so it is asked until it knows it, at most until the moment `until`; without times when
        it does not, and when somebody else's requests were counted as well.
        """
        now = self._ask()
        while now["answered"] == self._last["answered"] and time.monotonic() < until:
            time.sleep(STATISTICS_POLL_S)
            now = self._ask()
        last, self._last = self._last, now
        if now["answered"] != last["answered"] + 1:
            return {"queueMs": None, "computeMs": None}
        return {
            "queueMs": (now["queue"] - last["queue"]) / 1e6,
            "computeMs": (now["compute"] - last["compute"]) / 1e6,
        }


def measure(model, index):
    """Sends the request with this index and says how it went."""
    request = model.prepare(index)
    started_ms = time.time() * 1e3
    begin = time.perf_counter()
    try:
        result = model.send(request)
    except triton.InferenceServerException as error:
        result, problem = None, str(error)
    latency_ms = (time.perf_counter() - begin) * 1e3
    if result is not None:
        problem = model.check(index, result)
    return {"startedMs": started_ms, "latencyMs": latency_ms, "problem": problem}


def work(arguments, model, journal, ended, times):
    """Sends one request after the other until there are no more to send."""
    next_start = time.monotonic()
    while not ended.wait(max(0, next_start - time.monotonic())):
        index = journal.take()
        if index is None:
            break
        began = max(next_start, time.monotonic())
        answer = measure(model, index)
        pause_ends = time.monotonic() + arguments.sleep_ms / 1e3
        next_start = max(began + arguments.interval_ms / 1e3, pause_ends)
        if times is not None and answer["problem"] is None:
            try:
                answer.update(times.measure(next_start))
            except triton.InferenceServerException as error:
                answer["problem"] = f"the server does not tell its times: {error}"
        journal.report(index, answer)


def work_alone(arguments, model, journal, ended):
    """The same with a connection of its own: a client serves one thread at a time."""
    with triton.InferenceServerClient(arguments.url) as client:
        work(arguments, model.through(client), journal, ended, None)


def main():
    arguments = read_arguments()
    ended = threading.Event()
    threading.Thread(target=watch_input, args=(ended,), daemon=True).start()
    with triton.InferenceServerClient(arguments.url) as client:
        model = open_model(client, arguments.model, arguments.expect)
        for index in range(arguments.warmup):
            model.send(model.prepare(index))
        times = ServerTimes(client, arguments.model) if arguments.statistics else None
        journal = Journal(arguments.count)
        say("ready", serverVersion=client.get_server_metadata().version)
        others = [
            threading.Thread(target=work_alone, args=(arguments, model, journal, ended))
            for _ in range(1, arguments.concurrency)
        ]
        for thread in others:
            thread.start()
        work(arguments, model, journal, ended, times)
        for thread in others:
            thread.join()
        if arguments.write_expected:
            model.write_expected(arguments.write_expected)
        say("done", sent=journal.sent, right=journal.right)


if __name__ == "__main__":
    main()
