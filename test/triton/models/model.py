"""A model of the Python backend whose work runs on the GPU through the CUDA driver API.

A request is a number; its answer is what a chain of kernels makes of it, each of which lasts as long
as the configuration says. The order of the kernels changes the answer.
"""

import json
import os
import sys
from ctypes import c_uint32, c_uint64

# The stub that runs this file ignores PYTHONPATH, and the next imports need numpy.
sys.path.insert(0, os.environ["TRITON_TEST_SITE"])

import numpy as np
import triton_python_backend_utils as pb_utils
from driver import Driver, pack_arguments

# mix(u64 ns, u32 *word, u32 value): lasts `ns` nanoseconds, then word = word * 31 + value.
KERNEL = "mix"


class TritonPythonModel:
    """One instance: a stream of its own, one word of device memory."""

    def initialize(self, args):
        """Loads the kernel and takes the number and length of the launches from the configuration."""
        parameters = json.loads(args["model_config"])["parameters"]
        launches = int(parameters["launches"]["string_value"])
        duration = c_uint64(int(parameters["launch_ns"]["string_value"]))
        self._driver = Driver()
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.ptx")
        with open(source, "rb") as file:
            self._kernel = self._driver.load_kernel(file.read(), KERNEL)
        self._stream = self._driver.create_stream()
        self._word = self._driver.allocate(4)
        # Packed once: the launches differ in their numbers only.
        self._launches = [
            pack_arguments(duration, self._word, c_uint32(number)) for number in range(launches)
        ]

    def execute(self, requests):
        """Answers the requests one after the other."""
        self._driver.make_current()
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        # By DLPack: the stub copies numpy arrays by the layout that numpy had before version 2. The
        # result takes the place of the seed, since it also names a capsule of numpy's wrongly when it
        # has read it, of which numpy complains in the log; one of its own it knows.
        seed = pb_utils.get_input_tensor_by_name(request, "SEED")
        word = np.from_dlpack(seed)
        driver, stream = self._driver, self._stream
        driver.copy_in(self._word, word, stream)
        for arguments in self._launches:
            driver.launch(self._kernel, arguments, stream)
        driver.copy_out(word, self._word, stream)
        driver.synchronize(stream)
        result = pb_utils.Tensor.from_dlpack("RESULT", seed.to_dlpack())
        return pb_utils.InferenceResponse(output_tensors=[result])
