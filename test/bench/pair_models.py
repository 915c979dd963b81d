"""The models of `pair_worker.py`, and what they run on.

Models are TorchScript traces: they run without Python's lock, so that threads of one process do not
wait for each other because of Python, and each of their kernels is a launch of its own. One may be
recorded as a CUDA graph, so that a request is a single launch and waits for the GPU, not for the host.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

# The tensors of a model that is loaded: those of a transformer have some megabytes each.
TENSOR_MEGABYTES = 8
# A trace is compiled when it first runs, and a graph goes to the GPU.
WARM_RUNS = 10
WORDS = 30_000


@dataclass(frozen=True)
class Size:
    """What the layers of all models have in common."""

    hidden: int
    heads: int
    length: int


class NoStream:
    """Stands for a stream and for an event where the processor does the work at once."""

    cuda_stream = 0

    def synchronize(self) -> None:
        """Nothing is under way."""

    def record(self) -> None:
        """Nothing to record."""


class Processor:
    """Runs the same programs without a GPU: only to see that they do."""

    name = "processor"
    kind = "cpu"
    dtype = torch.float32
    size = Size(hidden=64, heads=4, length=16)

    def __init__(self) -> None:
        torch.set_num_threads(1)

    def stream(self, _priority: int) -> NoStream:
        return NoStream()

    def event(self) -> NoStream:
        return NoStream()

    def on(self, _stream: NoStream) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext()

    def host(self, tensor: torch.Tensor, pinned: bool) -> torch.Tensor:
        del pinned
        return tensor

    def record(self, _stream: NoStream, launch: Callable[[], None]) -> Callable[[], None]:
        """There are no graphs: it runs as it is."""
        return launch

    def settle(self) -> None:
        """Nothing is under way."""

    def release(self) -> None:
        """Memory is given back when it is free."""


class Gpu:
    """The first GPU that this process may use."""

    kind = "cuda"
    dtype = torch.float16
    # A layer of BERT-large; its kernels last long enough for launches to stay ahead of them.
    size = Size(hidden=1024, heads=16, length=512)

    def __init__(self) -> None:
        self.name = torch.cuda.get_device_name()

    def stream(self, priority: int) -> torch.cuda.Stream:
        return torch.cuda.Stream(priority=priority)

    def event(self) -> torch.cuda.Event:
        return torch.cuda.Event()

    def on(self, stream: torch.cuda.Stream) -> contextlib.AbstractContextManager:
        return torch.cuda.stream(stream)

    def host(self, tensor: torch.Tensor, pinned: bool) -> torch.Tensor:
        return tensor.pin_memory() if pinned else tensor

    def record(self, stream: torch.cuda.Stream, launch: Callable[[], None]) -> Callable[[], None]:
        """Makes a graph of what is launched, for streams of this one's priority: kernels keep it."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            launch()
        return graph.replay

    def settle(self) -> None:
        """Waits for all streams: those of other threads do not wait for this one's."""
        torch.cuda.synchronize()

    def release(self) -> None:
        """Gives freed memory back to the driver, so that the next model has to ask for it."""
        torch.cuda.empty_cache()


Device = Processor | Gpu
Stream = torch.cuda.Stream | NoStream


class Layer(nn.Module):
    """A layer of a transformer's encoder; shapes are constants of its trace."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.before_attention = nn.LayerNorm(size.hidden)
        self.before_wide = nn.LayerNorm(size.hidden)
        self.project = nn.Linear(size.hidden, 3 * size.hidden)
        self.join = nn.Linear(size.hidden, size.hidden)
        self.widen = nn.Linear(size.hidden, 4 * size.hidden)
        self.narrow = nn.Linear(4 * size.hidden, size.hidden)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        size = self.size
        projected = self.project(self.before_attention(values))
        heads = projected.view(-1, size.length, 3, size.heads, size.hidden // size.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(query, key, value)
        joined = attended.transpose(1, 2).reshape(-1, size.length, size.hidden)
        values = values + self.join(joined)
        return values + self.narrow(functional.gelu(self.widen(self.before_wide(values))))


class Encoder(nn.Module):
    """Words in, a vector for each text out."""

    def __init__(self, size: Size, layers: int) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, size.hidden)
        self.layers = nn.Sequential(*(Layer(size) for _ in range(layers)))

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        return self.layers(self.words(texts))[:, 0]


class Model:
    """A traced encoder with the buffers that requests come and go by."""

    def __init__(self, device: Device, layers: int, batch: int) -> None:
        torch.manual_seed(1)
        with torch.device(device.kind):
            encoder = Encoder(device.size, layers)
        encoder = encoder.to(device.dtype).eval().requires_grad_(False)
        texts = torch.randint(0, WORDS, (batch, device.size.length))
        self._texts = device.host(texts, pinned=True)
        self._input = texts.to(device.kind)
        traced = torch.jit.trace(encoder, self._input, check_trace=False)
        self._traced = torch.jit.freeze(traced)
        vectors = torch.empty(batch, device.size.hidden, dtype=device.dtype)
        self._vectors = device.host(vectors, pinned=True)
        device.settle()

    def warm(self, stream: Stream) -> None:
        """Makes it ready for a stream, which has to be the current one: each has memory of its own."""
        for _ in range(WARM_RUNS):
            self.launch(stream)
        stream.synchronize()

    def launch(self, _stream: Stream) -> None:
        """Puts a request into the current stream: copies its input, runs, copies its output."""
        self._run()

    def _run(self) -> None:
        self._input.copy_(self._texts, non_blocking=True)
        self._vectors.copy_(self._traced(self._input), non_blocking=True)


class GraphModel(Model):
    """The same as a CUDA graph with both copies in it."""

    def __init__(self, device: Device, layers: int, batch: int) -> None:
        super().__init__(device, layers, batch)
        self._device = device
        # By the handle of the stream.
        self._graphs: dict[int, Callable[[], None]] = {}

    def warm(self, stream: Stream) -> None:
        """Runs as a trace first: what is compiled or allocated then must not be while it records."""
        for _ in range(WARM_RUNS):
            self._run()
        stream.synchronize()
        self._graphs[stream.cuda_stream] = self._device.record(stream, self._run)
        super().warm(stream)

    def launch(self, stream: Stream) -> None:
        """Puts a request into the current stream, for which it has to be warm, as one launch."""
        self._graphs[stream.cuda_stream]()


class Load:
    """The tensors of a model in the host's memory, which go onto the GPU again and again."""

    def __init__(self, device: Device, megabytes: int, pinned: bool) -> None:
        self._device = device
        self._pinned = pinned
        # What the driver may read by itself it can be given at once.
        part = megabytes if pinned else TENSOR_MEGABYTES
        count = max(1, megabytes // part)
        ones = (torch.ones(part * 10**6 // 2, dtype=torch.float16) for _ in range(count))
        self._tensors = [device.host(tensor, pinned) for tensor in ones]

    def run(self, stream: Stream) -> None:
        """Loads all and waits for it; then frees it."""
        kind = self._device.kind
        loaded = [tensor.to(kind, non_blocking=self._pinned, copy=True) for tensor in self._tensors]
        stream.synchronize()
        loaded.clear()
        self._device.release()
