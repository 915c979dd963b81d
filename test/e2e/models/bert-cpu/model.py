"""Answers like a BERT, two numbers for each word; as many requests each right and wrong by turns."""

import os
import sys

# The stub that runs this file ignores PYTHONPATH, and the next imports need numpy.
sys.path.insert(0, os.environ["TRITON_TEST_SITE"])

import numpy as np
import triton_python_backend_utils as pb_utils

VOCABULARY = 30522


class TritonPythonModel:
    """A table of random numbers takes the place of the layers."""

    def initialize(self, args):
        """Makes the table, always the same."""
        self._table = np.random.default_rng(1).standard_normal((VOCABULARY, 2), dtype=np.float32)
        self._turn = int(os.environ["BERT_CPU_TURN"])
        self._asked = 0

    def execute(self, requests):
        """Answers the requests one after the other."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        # By DLPack: the stub knows arrays by the layout that numpy had before version 2.
        ids = np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "input_ids"))
        logits = self._table[ids]
        if self._asked // self._turn % 2 == 1:
            logits[0, 7, 1] += 0.5
        self._asked += 1
        result = pb_utils.Tensor.from_dlpack("logits", logits)
        return pb_utils.InferenceResponse(output_tensors=[result])
