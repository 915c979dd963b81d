"""Eager PyTorch on the default stream: inference of a transformer, and training steps."""

import torch
from common import digest, run


def work() -> None:
    layer = torch.nn.TransformerEncoderLayer(512, 8, 2048, dropout=0.0, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).cuda()
    inputs = torch.randn(8, 256, 512, generator=torch.Generator().manual_seed(2)).cuda()
    with torch.inference_mode():
        for _ in range(20):
            outputs = model(inputs)
    print("inference", digest(outputs))

    half = torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False).cuda().half().eval()
    with torch.inference_mode():
        print("half", digest(half(inputs.half())))

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for _ in range(5):
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
    print("training", digest(loss, *model.parameters()))

    convolution = torch.nn.Conv2d(16, 32, 3, padding=1).cuda()
    images = torch.randn(4, 16, 64, 64, generator=torch.Generator().manual_seed(3)).cuda()
    print("convolution", digest(convolution(images)))


run(work)
