"""The processes of one training, which ``torchrun`` starts together; without it there is one.

Each computes some of the shares of every update. Sums go through ``torch.distributed``: gloo between CPUs, nccl between
cards. The first process alone writes files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import UserError

Result = TypeVar("Result")

_PATIENCE = timedelta(hours=6)
"""How long processes wait for each other: the first one may evaluate or read data in the meantime. A process that ends
makes ``torchrun`` end the others at once."""


def join() -> bool:
    """Join the processes that ``torchrun`` started with this one; returns whether there are others."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        return dist.is_initialized()
    cards = torch.cuda.is_available()
    if cards:
        torch.cuda.set_device(local_rank())
    dist.init_process_group("cpu:gloo,cuda:nccl" if cards else "gloo", timeout=_PATIENCE)
    return True


def leave() -> None:
    """Leave the processes, if this one had joined."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def local_rank() -> int:
    """The number of this process on its machine, which is that of its card."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes files and shows progress."""
    return rank() == 0


@contextmanager
def _talking() -> Iterator[None]:
    """What is said where another process does not answer.

    Raises:
        UserError: another process has ended, or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:  # of gloo and of nccl
        raise UserError(
            "Another process of this training has ended or cannot be reached; its own last lines say why. Run the same "
            "command again, with as many processes as you like: it continues from the last checkpoint."
        ) from error


def wait() -> None:
    """Wait for the other processes."""
    if dist.is_initialized():
        with _talking():
            dist.barrier()


def add_up(tensor: Tensor) -> Tensor:
    """Replace a tensor by its sum over the processes, in place."""
    if dist.is_initialized():
        with _talking():
            dist.all_reduce(tensor)
    return tensor


def take_from_first(tensor: Tensor) -> None:
    """Replace a tensor by that of the first process, in place."""
    if dist.is_initialized():
        with _talking():
            dist.broadcast(tensor, 0)


def gathered(value: Any) -> list[Any]:
    """A small value of each process."""
    if not dist.is_initialized():
        return [value]
    values: list[Any] = [None] * count()
    with _talking():
        dist.all_gather_object(values, value)
    return values


def first_alone(work: Callable[[], Result]) -> Result:
    """Do work in the first process, and then in the others, which find the files that it wrote."""
    result = work() if is_first() else None
    wait()
    return work() if result is None else result
