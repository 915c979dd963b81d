"""A program in Python that uses the GPU in processes that it makes, by each way that Python has.

    children.py fork | spawn | forkserver     processes of multiprocessing
    children.py subprocess                    this very program, by subprocess
    children.py work                          uses it itself

Prints what each of them made of the GPU. The functions of the driver are called by ctypes.
"""

import ctypes
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import Connection

PROCESSES = 3
LAUNCHES = 20


def check(result: int) -> None:
    if result != 0:
        raise RuntimeError(f"the driver answered {result}")


def work() -> str:
    cuda = ctypes.CDLL("libcuda.so.1")
    context, module, mix, stream = (ctypes.c_void_p() for _ in range(4))
    word, value = ctypes.c_uint64(), ctypes.c_uint32()
    with open(os.environ["CLIENT_PTX"], "rb") as file:
        text = file.read()
    check(cuda.cuInit(0))
    check(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))
    check(cuda.cuCtxSetCurrent(context))
    check(cuda.cuModuleLoadData(ctypes.byref(module), text))
    check(cuda.cuModuleGetFunction(ctypes.byref(mix), module, b"mix"))
    check(cuda.cuStreamCreateWithPriority(ctypes.byref(stream), 1, 0))
    check(cuda.cuMemAlloc_v2(ctypes.byref(word), ctypes.c_size_t(4)))
    check(cuda.cuMemsetD32_v2(word, 0, ctypes.c_size_t(1)))
    check(cuda.cuCtxSynchronize())
    for index in range(LAUNCHES):
        arguments = (ctypes.c_uint64(1000), word, ctypes.c_uint32(index))
        addresses = [ctypes.cast(ctypes.byref(one), ctypes.c_void_p) for one in arguments]
        parameters = (ctypes.c_void_p * 3)(*addresses)
        check(cuda.cuLaunchKernel(mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, None))
    check(cuda.cuStreamSynchronize(stream))
    check(cuda.cuMemcpyDtoH_v2(ctypes.byref(value), word, ctypes.c_size_t(4)))
    return f"{value.value:08x}"


def tell(told: Connection) -> None:
    told.send(work())


def main(way: str) -> None:
    if way == "work":
        print(work())
        return
    if way == "subprocess":
        command = [sys.executable, __file__, "work"]
        for _ in range(PROCESSES):
            print(subprocess.run(command, capture_output=True, check=True).stdout.decode(), end="")
        # With a function to be called in the child, Python forks; else it may use vfork.
        child = subprocess.run(command, capture_output=True, check=True, preexec_fn=os.getpid)
        print(child.stdout.decode(), end="")
    else:
        # Not by a pool: that forks beside threads of its own, and what these hold at that moment is
        # held for ever in the child. Of some hundred such programs one hangs, without the shim too.
        maker = multiprocessing.get_context(way)
        pipes = [maker.Pipe(duplex=False) for _ in range(PROCESSES)]
        children = [maker.Process(target=tell, args=(told,)) for _, told in pipes]
        for child in children:
            child.start()
        for (heard, _), child in zip(pipes, children):
            print(heard.recv())
            child.join()
    print("parent", work())


if __name__ == "__main__":
    main(sys.argv[1])
