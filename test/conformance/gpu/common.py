"""What the PyTorch programs share: digests of results, and what a profiler counted.

A program prints lines that do not change from run to run. With `--counts FILE` it runs its work
under PyTorch's profiler, which counts by CUPTI what the device executed, and writes the sums there
as JSON: the ledger of the shim must hold as many.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Callable

import torch

# Work that a graph launches is not the program's own call; CUPTI tells it by its correlation.
KERNEL, COPY, SET = "kernel", "gpu_memcpy", "gpu_memset"


def digest(*tensors: torch.Tensor) -> str:
    """A digest of values, to the bit."""
    sha = hashlib.sha256()
    for tensor in tensors:
        flat = tensor.detach().contiguous().cpu().reshape(-1)
        sha.update(flat.view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()[:16]


def be_deterministic() -> None:
    """The same bits in each run, also from cuBLAS and from sums over many threads."""
    # What cuBLAS asks of those who use it on several streams.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False


def attend_in_order() -> None:
    """Plain attention: the fused kinds add their gradients up in any order."""
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)


def sharded_transformer() -> torch.nn.Module:
    """Eight layers with their parameters spread over the ranks of the process group (FSDP2)."""
    from torch.distributed.fsdp import fully_shard

    layers = [
        torch.nn.TransformerEncoderLayer(1024, 16, 4096, dropout=0.0, batch_first=True)
        for _ in range(8)
    ]
    model = torch.nn.Sequential(*layers).cuda()
    for layer in model:
        fully_shard(layer)
    fully_shard(model)
    return model


def count_work(work: Callable[[], None], path: str) -> None:
    """Runs `work` under the profiler and writes how many of what the device has executed."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        work()
        torch.cuda.synchronize()
    counts: dict[str, int] = {KERNEL: 0, COPY: 0, SET: 0}
    for event in profiler.profiler.kineto_results.events():
        if event.device_type() != torch.autograd.DeviceType.CUDA:
            continue
        name = event.name()
        kind = COPY if name.startswith("Memcpy") else SET if name.startswith("Memset") else KERNEL
        counts[kind] += 1
    with open(path, "w", encoding="utf-8") as file:
        json.dump(counts, file)


def run(work: Callable[[], None]) -> None:
    """The program's main: does its work, counted if it is asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts")
    arguments = parser.parse_args()
    be_deterministic()
    if arguments.counts:
        count_work(work, arguments.counts)
    else:
        work()
