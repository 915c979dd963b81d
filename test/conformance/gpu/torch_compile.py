"""torch.compile with CUDA graphs, and Triton kernels written by hand."""

import torch
import triton
import triton.language as tl
from common import digest, run


@triton.jit
def add_scaled(left, right, out, count, scale, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < count
    values = tl.load(left + offsets, mask=mask) + scale * tl.load(right + offsets, mask=mask)
    tl.store(out + offsets, values, mask=mask)


def work() -> None:
    generator = torch.Generator().manual_seed(2)
    left = torch.randn(1_000_003, generator=generator).cuda()
    right = torch.randn(1_000_003, generator=generator).cuda()
    out = torch.empty_like(left)
    for step in range(20):
        add_scaled[(triton.cdiv(left.numel(), 1024),)](
            left, right, out, left.numel(), step / 10, BLOCK=1024
        )
    print("triton", digest(out))

    model = torch.nn.Sequential(
        torch.nn.Linear(1024, 1024), torch.nn.GELU(), torch.nn.Linear(1024, 1024)
    ).cuda()
    compiled = torch.compile(model, mode="reduce-overhead")
    inputs = torch.randn(64, 1024, generator=generator).cuda()
    with torch.inference_mode():
        for _ in range(30):
            outputs = compiled(inputs).clone()
    print("compiled", digest(outputs))


run(work)
