"""PyTorch on streams of several priorities, with events, pinned copies and a captured graph."""

import torch
from common import digest, run


def work() -> None:
    low, high = torch.cuda.Stream(priority=0), torch.cuda.Stream(priority=-5)
    generator = torch.Generator().manual_seed(2)
    host = [torch.randn(1024, 1024, generator=generator).pin_memory() for _ in range(8)]
    results = [torch.empty(1024, 1024, pin_memory=True) for _ in host]
    ready = [torch.cuda.Event() for _ in host]
    parts = []
    for index, values in enumerate(host):
        with torch.cuda.stream(low):
            device = values.to("cuda", non_blocking=True)
            product = device @ device
            ready[index].record(low)
        with torch.cuda.stream(high):
            high.wait_event(ready[index])
            total = product.sum(dim=0, keepdim=True) + product
            product.record_stream(high)
            results[index].copy_(total, non_blocking=True)
            parts.append(total)
    high.synchronize()
    print("streams", digest(*results))

    static = torch.zeros(512, 512, device="cuda")
    weight = torch.randn(512, 512, generator=generator).cuda()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            torch.tanh(static @ weight)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(4):
            static_out = torch.tanh(static @ weight)
    outputs = []
    for index in range(50):
        static.fill_(index / 50)
        with torch.cuda.stream(high if index % 2 else low):
            torch.cuda.current_stream().wait_stream(torch.cuda.default_stream())
            graph.replay()
            outputs.append(static_out.clone())
        torch.cuda.default_stream().wait_stream(high if index % 2 else low)
    torch.cuda.synchronize()
    print("graph", digest(*outputs))


run(work)
