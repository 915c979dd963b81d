"""One process of `end-to-end.ts`: models on a GPU, and what is asked of them.

Reads requests from standard input, a JSON object a line, and answers each with a line of JSON that
carries its `id`. Ends with its standard input. It knows of no scheduler. The first line that it
prints says what it runs on, with the handles of its streams.

`calibrate` how many layers a model needs for so many milliseconds;
            `{"ms": {NAME: MS}, "graph": BOOL}`
`build`     the models that the others name; `{"models": {NAME: {"layers": N, "batch": N,
            "graph": BOOL}}, "loads": [NAME], "megabytes": N}`
`measure`   answers requests that come at fixed moments, whether it is free or not;
            `{"model", "stream", "seconds", "rate", "arrivals", "seed"}`
`flood`     runs a model, or loads one, without pause from now on; `{"model", "stream"}`
`stop`      ends that; the moments at which each inference or load was done

Two threads do this: one measures and one floods, also at once. Moments are nanoseconds of
CLOCK_MONOTONIC, which all processes share; how long things took is in microseconds.
"""

import argparse
import ctypes
import gc
import json
import os
import random
import signal
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from pair_models import Device, Gpu, GraphModel, Load, Model, Processor, Stream

PR_SET_TIMERSLACK = 29
# A thread that slept this much too long would begin a request late: the rest it waits awake.
SLEEP_SPARE_NS = 80_000
# Requests before a phase, of a thread that has slept since the last one.
PHASE_WARM_RUNS = 5
# One in a row with others takes less: the host launches it while the GPU runs the one before, and
# all of it is in the processor's caches still.
CALIBRATION_RUNS = 100
CALIBRATION_PAUSE_NS = 1_000_000
CALIBRATION_LAYERS = (2, 10)
# A GPU that was idle needs so long for its full clock.
CLOCK_SECONDS = 0.5
MOST_LAYERS = 64
# What a thread that is busy when the input ends may still take.
END_SECONDS = 3.0


def wait_until(moment: int) -> None:
    """Waits without keeping Python's lock, and to some microseconds."""
    while (left := moment - time.monotonic_ns()) > 0:
        time.sleep(max(0, left - SLEEP_SPARE_NS) / 1e9)


def draw_moments(seconds: float, rate: float, arrivals: str, seed: int) -> Iterator[int]:
    """When requests come, in nanoseconds from the beginning."""
    drawn = random.Random(seed)
    moment = 0.0
    while True:
        # Even ones keep no step with what they share the GPU with: a quarter more or less.
        gap = drawn.expovariate(1) if arrivals == "poisson" else drawn.uniform(0.75, 1.25)
        moment += gap / rate
        if moment >= seconds:
            return
        yield int(moment * 1e9)


def make_model(device: Device, layers: int, batch: int, graph: bool) -> Model:
    """A model whose requests are launches of its kernels, or one of a graph."""
    return (GraphModel if graph else Model)(device, layers, batch)


class Worker:
    def __init__(self, device: Device) -> None:
        self._device = device
        self._models: dict[str, Model] = {}
        self._loads: dict[str, Load] = {}
        self.streams = {
            "high": device.stream(0),
            "high-priority": device.stream(-1),
            "low": device.stream(0),
        }
        self._stop = threading.Event()

    def calibrate(self, ms: dict[str, float], graph: bool) -> dict:
        """Layers that come next to so many milliseconds; a layer's time, also on the host alone."""
        runs = [self._time_runs(layers, graph) for layers in CALIBRATION_LAYERS]
        (few_ms, few_host_ms), (many_ms, many_host_ms) = runs
        more = CALIBRATION_LAYERS[1] - CALIBRATION_LAYERS[0]
        layer_ms = max((many_ms - few_ms) / more, 1e-6)
        base_ms = few_ms - CALIBRATION_LAYERS[0] * layer_ms

        def count(wanted: float) -> int:
            return max(1, min(MOST_LAYERS, round((wanted - base_ms) / layer_ms)))

        return {
            "layers": {name: count(wanted) for name, wanted in ms.items()},
            "layerMs": layer_ms,
            "layerHostMs": (many_host_ms - few_host_ms) / more,
            "baseMs": base_ms,
        }

    def _time_runs(self, layers: int, graph: bool) -> tuple[float, float]:
        """Milliseconds of a request that comes alone, and what of that it takes to launch it."""
        model = make_model(self._device, layers, 1, graph)
        stream = self.streams["high"]
        hosts, wholes = [], []
        with self._device.on(stream), torch.inference_mode():
            model.warm(stream)
            end = time.monotonic() + CLOCK_SECONDS
            while time.monotonic() < end:
                model.launch(stream)
                stream.synchronize()
            for _ in range(CALIBRATION_RUNS):
                began = time.monotonic_ns() + CALIBRATION_PAUSE_NS
                wait_until(began)
                model.launch(stream)
                hosts.append(time.monotonic_ns() - began)
                stream.synchronize()
                wholes.append(time.monotonic_ns() - began)
        return statistics.median(wholes) / 1e6, statistics.median(hosts) / 1e6

    def build(self, models: dict[str, dict], loads: list[str], megabytes: int) -> dict:
        """Makes what is named, and warms each model on each stream."""
        for name, what in models.items():
            self._models[name] = make_model(self._device, **what)
        for name in loads:
            pinned = name.endswith("pinned")
            self._loads[name] = Load(self._device, megabytes, pinned)
        for stream in self.streams.values():
            with self._device.on(stream), torch.inference_mode():
                for model in self._models.values():
                    model.warm(stream)
        gc.collect()
        # What is there now stays; a collection is no part of a request.
        gc.freeze()
        gc.disable()
        return {}

    def measure(
        self, model: str, stream: str, seconds: float, rate: float, arrivals: str, seed: int
    ) -> dict:
        """How long requests took, each from when it came, and what of that went where."""
        # Sleeps end to the microsecond; this holds for the thread that says it.
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
        runner, queue = self._models[model], self.streams[stream]
        moments = list(draw_moments(seconds, rate, arrivals, seed))
        rows: list[tuple[int, int, int, int]] = []
        with self._device.on(queue), torch.inference_mode():
            for _ in range(PHASE_WARM_RUNS):
                runner.launch(queue)
                queue.synchronize()
            start = time.monotonic_ns()
            # Where the GPU does not keep up, requests come ever later.
            last = start + int(2 * seconds * 1e9)
            for moment in moments:
                due = start + moment
                wait_until(due)
                began = time.monotonic_ns()
                if began > last:
                    break
                runner.launch(queue)
                launched = time.monotonic_ns()
                queue.synchronize()
                rows.append((due, began, launched, time.monotonic_ns()))
        return {
            "from": start,
            "to": time.monotonic_ns(),
            "missed": len(moments) - len(rows),
            "lateUs": [(began - due) / 1e3 for due, began, _, _ in rows],
            "launchUs": [(launched - began) / 1e3 for _, began, launched, _ in rows],
            "waitUs": [(ended - launched) / 1e3 for _, _, launched, ended in rows],
        }

    def prepare_flood(self, model: str, stream: str, begun: threading.Event) -> Callable[[], dict]:
        """What the other thread is to do until `end_flood`; says when it is in full swing."""
        queue = self.streams[stream]
        self._stop.clear()
        if model in self._loads:
            steps = self._load_steps(self._loads[model], queue)
        else:
            steps = self._model_steps(self._models[model], queue)

        def flood() -> dict:
            ends = []
            try:
                with self._device.on(queue), torch.inference_mode():
                    # One that begins when all has ended is there to say what went on until then.
                    stopping = False
                    while not stopping:
                        stopping = self._stop.is_set()
                        next(steps)
                        ends.append(time.monotonic_ns())
                        if len(ends) == 2:
                            begun.set()
            finally:
                begun.set()
            queue.synchronize()
            return {"ends": ends}

        return flood

    def _load_steps(self, load: Load, queue: Stream) -> Iterator[None]:
        while True:
            load.run(queue)
            yield

    def _model_steps(self, model: Model, queue: Stream) -> Iterator[None]:
        """One inference ahead: the GPU never waits for the host, nor the host runs far ahead."""
        finished = [self._device.event(), self._device.event()]
        model.launch(queue)
        finished[0].record()
        while True:
            model.launch(queue)
            finished[1].record()
            finished[0].synchronize()
            finished.reverse()
            yield

    def end_flood(self) -> None:
        self._stop.set()


def serve(worker: Worker) -> None:
    """Gives each request to the thread that it is for, until the input ends."""
    high, low = ThreadPoolExecutor(1, "high"), ThreadPoolExecutor(1, "low")
    lock = threading.Lock()
    flood = None

    def answer(number: int, work: Callable[[], dict]) -> None:
        try:
            said = work()
        except Exception as error:
            traceback.print_exc()
            said = {"error": f"{type(error).__name__}: {error}"}
        with lock:
            print(json.dumps({"id": number, **said}), flush=True)

    def begin_flood(given: dict) -> dict:
        nonlocal flood
        begun = threading.Event()
        flood = low.submit(worker.prepare_flood(**given, begun=begun))
        begun.wait()
        if flood.done():
            flood.result()
        return {}

    def stop_flood(_given: dict) -> dict:
        worker.end_flood()
        return flood.result()

    for line in sys.stdin:
        given = json.loads(line)
        number, name = given.pop("id"), given.pop("do")
        if name == "flood":
            answer(number, lambda given=given: begin_flood(given))
        elif name == "stop":
            answer(number, lambda given=given: stop_flood(given))
        else:
            work = {"calibrate": worker.calibrate, "build": worker.build, "measure": worker.measure}
            high.submit(answer, number, lambda given=given, do=work[name]: do(**given))
    worker.end_flood()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    arguments = parser.parse_args()
    # Ctrl-C reaches all processes of the terminal; whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Fused kernels are compiled when a model first runs, which takes longer than all else.
    torch._C._jit_set_texpr_fuser_enabled(False)
    # A thread that comes back from a model gets Python's lock soon.
    sys.setswitchinterval(1e-4)
    device = Gpu() if arguments.device == "cuda" else Processor()
    worker = Worker(device)
    streams = {name: stream.cuda_stream for name, stream in worker.streams.items()}
    about = {"device": device.name, "torch": torch.__version__, "streams": streams}
    print(json.dumps({"id": 0, **about}), flush=True)
    try:
        serve(worker)
    finally:
        # Threads that are busy are not waited for without end: whoever asked is gone.
        late = threading.Timer(END_SECONDS, os._exit, (0,))
        late.daemon = True
        late.start()


main()
