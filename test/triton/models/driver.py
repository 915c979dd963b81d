"""What the models need of the CUDA driver API, called through ctypes as any program may do."""

import ctypes
import os
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p

CU_STREAM_NON_BLOCKING = 1


class DriverError(RuntimeError):
    """A call of the driver that did not return CUDA_SUCCESS."""


class Driver:
    """The process's CUDA driver with the primary context of device 0."""

    def __init__(self):
        # A stand-in for the driver is named by its path: on the loader's path the server would find
        # it too, and its CUDA runtime refuses to start on any driver but a real one.
        self._library = ctypes.CDLL(os.environ.get("TRITON_TEST_DRIVER", "libcuda.so.1"))
        self.call("cuInit", c_uint(0))
        device = c_int()
        self.call("cuDeviceGet", byref(device), c_int(0))
        self._context = c_void_p()
        self.call("cuDevicePrimaryCtxRetain", byref(self._context), device)
        self.make_current()

    def make_current(self):
        """Makes the context current on the calling thread."""
        self.call("cuCtxSetCurrent", self._context)

    def call(self, name, *arguments):
        """Calls a function of the driver; raises DriverError unless it returns 0."""
        result = getattr(self._library, name)(*arguments)
        if result == 0:
            return
        text = c_char_p()
        self._library.cuGetErrorName(c_int(result), byref(text))
        raise DriverError(f"{name} returned {result} ({(text.value or b'?').decode()})")

    def load_kernel(self, source, name):
        """Loads PTX text and returns its kernel of that name; the module lives as long as we do."""
        module, function = c_void_p(), c_void_p()
        self.call("cuModuleLoadData", byref(module), c_char_p(source))
        self.call("cuModuleGetFunction", byref(function), module, c_char_p(name.encode()))
        return function

    def create_stream(self):
        """A stream that does not wait for the legacy default stream."""
        stream = c_void_p()
        self.call("cuStreamCreate", byref(stream), c_uint(CU_STREAM_NON_BLOCKING))
        return stream

    def allocate(self, size):
        """Device memory of `size` bytes."""
        address = c_uint64()
        self.call("cuMemAlloc_v2", byref(address), c_size_t(size))
        return address

    def copy_in(self, address, array, stream):
        """Copies a numpy array to the device, in stream order."""
        source = array.ctypes.data_as(c_void_p)
        self.call("cuMemcpyHtoDAsync_v2", address, source, c_size_t(array.nbytes), stream)

    def copy_out(self, array, address, stream):
        """Copies from the device into a numpy array, in stream order."""
        target = array.ctypes.data_as(c_void_p)
        self.call("cuMemcpyDtoHAsync_v2", target, address, c_size_t(array.nbytes), stream)

    def launch(self, function, arguments, stream):
        """Launches one thread; `arguments` comes from `pack_arguments`."""
        one, none = c_uint(1), c_uint(0)
        grid_and_block = (one, one, one, one, one, one)
        self.call("cuLaunchKernel", function, *grid_and_block, none, stream, arguments, None)

    def synchronize(self, stream):
        """Waits until all work on the stream is done."""
        self.call("cuStreamSynchronize", stream)


def pack_arguments(*values):
    """The array of pointers to a kernel's arguments (ctypes values), which it keeps alive."""
    packed = (c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    packed.values = values
    return packed
