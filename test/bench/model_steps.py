"""A model whose steps are timed on demand: what `model-cost.ts` runs under the shim.

Prints `ready` once it is warm. For each line `N` on standard input it takes N rounds of a turn of steps
through the shim, one past it and one past it again, in any order, and with `--calls` of one in which
each call goes by one of the three ways, at random, half of them through the shim. Prints a line of JSON,
by rank 0 alone: the median milliseconds of the steps of each way, and what the calls of each take
(below). The line `N shim` or `N past` is for N turns of that kind. Ends with its standard input.

On a machine that others share, whole steps differ by more than the shim costs even in turns. Calls that
take their way at random do not: what comes and goes falls on all ways alike within microseconds. Calls
are launches, copies and memsets, those of stamps.c. What one costs is the time from its beginning to the
beginning of the next, which holds what it does to the processor's caches for that long; for each call of
a step that is a median, and their sum is what the calls of a step cost the thread that makes them. It is
what the step takes longer where that thread, not the GPU, is what the step waits for. The wait at the
end is left out.

The steps of `fsdp` are of all ranks together: each is told the same.
"""

import argparse
import ctypes
import gc
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WARM_STEPS = 20
# The ways of a call, by their numbers in stamps.h, and that by which it takes any of them.
WAYS = {"shim": 0, "past": 1, "again": 2}
MIXED = 3
# Steps of a turn. The first ones are not timed: the processor foresees the branches of the turn before.
SKIPPED, TIMED = 2, 4
MIXED_STEPS = 40
# More than the calls of any step.
MOST_STAMPS = 65536
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


class Stamp(ctypes.Structure):
    """A call that was timed: `struct stamp` of stamps.h."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("began", "ended", "way", "function")]


# How long the time of a call is taken: to its own end, to the beginning of the next one, and to that
# of the one after it, which shows whether a call costs anything beyond the next one's beginning.
KINDS = ("inside", "taken", "onward")
# The nanoseconds of each kind.
Times = tuple[int, int, int]


class Calls:
    """The calls of steps in which each goes its own way."""

    def __init__(self) -> None:
        # By what a step calls: the times of each of its calls, by way.
        self._steps: dict[tuple[int, ...], list[dict[int, list[Times]]]] = {}

    def add(self, stamps: list[Stamp]) -> None:
        if not stamps:
            return
        functions = tuple(stamp.function for stamp in stamps)
        places = self._steps.setdefault(functions, [{} for _ in stamps])
        # Behind the last one the step waits for the GPU.
        begins = [stamp.began for stamp in stamps] + [stamps[-1].ended] * 2
        for index, (place, stamp) in enumerate(zip(places, stamps, strict=True)):
            inside, taken, onward = (
                until - stamp.began for until in (stamp.ended, begins[index + 1], begins[index + 2])
            )
            place.setdefault(stamp.way, []).append((inside, taken, onward))

    def summary(self) -> dict[str, dict[str, float]] | None:
        """
        Milliseconds of all calls of a step, by way and kind: sums of medians. None where steps do not make the same calls, or a call never went one of the ways.
        """
        if len(self._steps) != 1:
            return None
        [places] = self._steps.values()
        if any(len(place) < len(WAYS) for place in places):
            return None

        def total(number: int, kind: int) -> float:
            medians = (statistics.median(times[kind] for times in place[number]) for place in places)
            return sum(medians) / 1e6

        return {
            way: {name: total(number, kind) for kind, name in enumerate(KINDS)}
            for way, number in WAYS.items()
        }


class Detour:
    """The way past the shim, and the times of calls: `libdetour.so`."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)
        self._library.stamps_take.restype = ctypes.c_size_t
        self._stamps = (Stamp * MOST_STAMPS)()
        if self._library.detour_prepare() == 0:
            sys.exit("no library holds a function of the shim")

    def switch(self, way: int) -> None:
        """Leads all calls another way, and forgets the calls so far."""
        self._library.detour_switch(way)

    def take_stamps(self) -> list[Stamp]:
        """The calls since the last time."""
        count = self._library.stamps_take(self._stamps, ctypes.c_size_t(MOST_STAMPS))
        if count > MOST_STAMPS:
            sys.exit(f"a step made {count} calls, over {MOST_STAMPS}")
        return self._stamps[:count]


def take_turn(step: Callable[[], None], detour: Detour, way: str) -> list[int]:
    """Nanoseconds of the timed steps of a turn."""
    detour.switch(WAYS[way])
    times = []
    for turn_step in range(SKIPPED + TIMED):
        began = time.monotonic_ns()
        step()
        if turn_step >= SKIPPED:
            times.append(time.monotonic_ns() - began)
    return times


def take_mixed(step: Callable[[], None], detour: Detour, calls: Calls) -> None:
    detour.switch(MIXED)
    for _ in range(MIXED_STEPS):
        step()
        calls.add(detour.take_stamps())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["bert", "bert-graph", "fsdp"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--world", type=int, default=1)
    parser.add_argument("--processors", help="those it runs on, FIRST-LAST")
    parser.add_argument("--meeting", default="", help="a file that does not exist yet")
    parser.add_argument("--calls", action="store_true", help="also calls at random ways")
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
    detour = Detour(arguments.detour)
    # The same in all ranks.
    orders = random.Random(1)
    # A collection is no part of a step, and comes in any.
    gc.disable()
    print("ready", flush=True)
    for line in sys.stdin:
        count, *only = line.split()
        times: dict[str, list[int]] = {way: [] for way in only or WAYS}
        calls = Calls()
        gc.collect()
        for _ in range(int(count)):
            for way in orders.sample(list(times), len(times)):
                times[way] += take_turn(step, detour, way)
            if arguments.calls and not only:
                take_mixed(step, detour, calls)
        if arguments.rank == 0:
            steps = {way: statistics.median(times[way]) / 1e6 for way in times}
            print(json.dumps({"steps": steps, "calls": calls.summary()}), flush=True)
    # What it destroys at its end the shim is to hear of.
    detour.switch(WAYS["shim"])


main()
