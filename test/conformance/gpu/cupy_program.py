"""CuPy: its own kernels, cuBLAS and streams."""

import hashlib

import cupy


def main() -> None:
    state = cupy.random.RandomState(1)
    left, right = state.standard_normal((1024, 1024)), state.standard_normal((1024, 1024))
    kernel = cupy.RawKernel(
        r"""extern "C" __global__ void mix(double *values, int count, double factor) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < count) values[i] = values[i] * factor + i;
        }""",
        "mix",
    )
    streams = [cupy.cuda.Stream(non_blocking=True) for _ in range(4)]
    parts = []
    for index, stream in enumerate(streams):
        with stream:
            part = (left @ right)[index::4].copy()
            for step in range(20):
                kernel((part.size // 256 + 1,), (256,), (part, part.size, 1 + step / 100))
            parts.append(part.sum(axis=0))
    for stream in streams:
        stream.synchronize()
    total = cupy.asnumpy(sum(parts))
    print("cupy", hashlib.sha256(total.tobytes()).hexdigest()[:16])


main()
