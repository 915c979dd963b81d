"""FSDP2 on two GPUs: steps of a sharded model over NCCL, their results and their time.

`torchrun --nproc-per-node 2 torch_fsdp.py [--steps N]`. Rank 0 prints a digest, and on standard
error the median time of a step in milliseconds.
"""

import argparse
import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
from common import attend_in_order, be_deterministic, digest, sharded_transformer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=60)
    steps = parser.parse_args().steps
    rank = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", device_id=torch.device("cuda", rank))
    be_deterministic()
    attend_in_order()
    model = sharded_transformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    generator = torch.Generator().manual_seed(10 + rank)
    inputs = torch.randn(8, 256, 1024, generator=generator).cuda()
    times = []
    for _ in range(steps):
        began = time.monotonic()
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        torch.cuda.synchronize()
        times.append(1000 * (time.monotonic() - began))
    sums = torch.stack([p.to_local().double().sum() for p in model.parameters()])
    dist.all_reduce(sums)
    if rank == 0:
        print("fsdp", digest(loss, sums), flush=True)
        print(f"step {statistics.median(times[10:]):.3f} ms", file=sys.stderr)
    dist.destroy_process_group()


main()
