"""BERT-large for the Python backend, in PyTorch: eager, or as one CUDA graph.

It has the weights of the in-process backend (`fill` in backend/bert.cu), so that both give the same
answers but for rounding.
"""

import json
import os
import sys

# The stub that runs this file ignores PYTHONPATH.
sys.path.insert(0, os.environ["TRITON_TEST_SITE"])

import torch
import torch.nn.functional as F
import triton_python_backend_utils as pb_utils

HIDDEN, HEADS, INNER, VOCABULARY, PLACES = 1024, 16, 4096, 30522, 512
EPSILON = 1e-12
# Shape and middle of each weight, in the order of their seeds: these, then a layer's for each layer.
WHOLE = [
    ((VOCABULARY, HIDDEN), 0),
    ((PLACES, HIDDEN), 0),
    ((1, HIDDEN), 0),
    ((HIDDEN,), 1),
    ((HIDDEN,), 0),
    ((2, HIDDEN), 0),
    ((2,), 0),
]
LAYER = [
    ((3 * HIDDEN, HIDDEN), 0),
    ((3 * HIDDEN,), 0),
    ((HIDDEN, HIDDEN), 0),
    ((HIDDEN,), 0),
    ((HIDDEN,), 1),
    ((HIDDEN,), 0),
    ((INNER, HIDDEN), 0),
    ((INNER,), 0),
    ((HIDDEN, INNER), 0),
    ((HIDDEN,), 0),
    ((HIDDEN,), 1),
    ((HIDDEN,), 0),
]


def make_weight(shape, middle, seed):
    """Numbers by Chris Wellons' hash "lowbias32", as the in-process backend makes them."""
    mask = 0xFFFFFFFF
    x = torch.arange(torch.Size(shape).numel(), device="cuda", dtype=torch.int64)
    x = (x + seed * 0x9E3779B9) & mask
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & mask
    x = ((x ^ (x >> 15)) * 0x846CA68B) & mask
    x = x ^ (x >> 16)
    uniform = (x >> 8).float() / 8388608.0 - 1
    return (middle + 0.0346 * uniform).half().reshape(shape)


class Bert:
    """The model without its server."""

    def __init__(self, layers):
        shapes = WHOLE + LAYER * layers
        weights = [make_weight(*shape, seed) for seed, shape in enumerate(shapes)]
        self._whole, rest = weights[: len(WHOLE)], weights[len(WHOLE) :]
        self._layers = [rest[i : i + len(LAYER)] for i in range(0, len(rest), len(LAYER))]

    def __call__(self, ids):
        """Two numbers for each token of each text."""
        words, places, kind, gamma, beta, head, head_bias = self._whole
        state = words[ids] + places[: ids.shape[1]] + kind
        state = F.layer_norm(state, (HIDDEN,), gamma, beta, EPSILON)
        for layer in self._layers:
            state = self._layer(state, *layer)
        return F.linear(state, head, head_bias).float()

    @staticmethod
    def _layer(state, qkv, qkv_b, out, out_b, gamma1, beta1, up, up_b, down, down_b, gamma2, beta2):
        batch, sequence, _ = state.shape
        heads = F.linear(state, qkv, qkv_b).view(batch, sequence, 3, HEADS, HIDDEN // HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        mixed = mixed.transpose(1, 2).reshape(batch, sequence, HIDDEN)
        state = F.layer_norm(state + F.linear(mixed, out, out_b), (HIDDEN,), gamma1, beta1, EPSILON)
        inner = F.linear(F.gelu(F.linear(state, up, up_b)), down, down_b)
        return F.layer_norm(state + inner, (HIDDEN,), gamma2, beta2, EPSILON)


class TritonPythonModel:
    """One instance."""

    @torch.inference_mode()
    def initialize(self, args):
        """Makes the weights, and the graph if the configuration asks for one."""
        given = json.loads(args["model_config"])["parameters"]
        wanted = {name: value["string_value"] for name, value in given.items()}
        self._bert = Bert(int(wanted.get("layers", "24")))
        shape = (int(wanted.get("batch", "1")), int(wanted.get("sequence", "384")))
        self._ids = torch.zeros(shape, dtype=torch.int64, device="cuda")
        self._graph = None
        # Libraries choose and load their kernels at first use, which no capture may contain.
        warm = torch.cuda.Stream()
        with torch.cuda.stream(warm):
            for _ in range(3):
                self._bert(self._ids)
        torch.cuda.synchronize()
        if wanted.get("graph", "0") == "1":
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._logits = self._bert(self._ids)

    @torch.inference_mode()
    def execute(self, requests):
        """Answers the requests one after the other."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        given = pb_utils.get_input_tensor_by_name(request, "input_ids")
        self._ids.copy_(torch.from_dlpack(given.to_dlpack()))
        if self._graph is None:
            logits = self._bert(self._ids)
        else:
            self._graph.replay()
            logits = self._logits
        # By DLPack: the stub takes numpy arrays by the layout that numpy had before version 2.
        answer = pb_utils.Tensor.from_dlpack("logits", torch.utils.dlpack.to_dlpack(logits.cpu()))
        return pb_utils.InferenceResponse(output_tensors=[answer])
