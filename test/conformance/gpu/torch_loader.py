"""DataLoader workers that are forked and spawned, and tensors shared with other processes by CUDA IPC."""

import torch
import torch.multiprocessing as processes
from common import be_deterministic, digest
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __len__(self) -> int:
        return 256

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((64, 64), float(index * index))


def load(context: str) -> str:
    loader = DataLoader(
        Squares(), 16, num_workers=3, pin_memory=True, multiprocessing_context=context
    )
    weight = torch.ones(64, 64, device="cuda")
    sums = [(batch.cuda(non_blocking=True) @ weight).sum(dim=(1, 2)) for batch in loader]
    return digest(*sums)


def double(received: processes.Queue, sent: processes.Queue) -> None:
    """Another process: works on memory of the first one, where it lies."""
    while (tensor := received.get()) is not None:
        tensor.mul_(2)
        torch.cuda.synchronize()
        del tensor
        sent.put(True)


def main() -> None:
    be_deterministic()
    torch.zeros(1).cuda()
    print("forked workers", load("fork"))
    print("spawned workers", load("spawn"))

    context = processes.get_context("spawn")
    there, back = context.Queue(), context.Queue()
    child = context.Process(target=double, args=(there, back))
    child.start()
    tensors = [torch.full((1024,), float(index), device="cuda") for index in range(8)]
    for tensor in tensors:
        there.put(tensor)
        back.get(timeout=120)
    there.put(None)
    child.join(120)
    torch.cuda.synchronize()
    print("shared", child.exitcode, digest(*tensors))


if __name__ == "__main__":
    main()
