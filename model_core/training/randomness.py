"""Random numbers that depend on nothing but a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw random numbers from a seed inside the block; the state of the generators is restored afterwards."""
    cuda = device.type == "cuda"
    state, device_state = torch.get_rng_state(), torch.cuda.get_rng_state(device) if cuda else None
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)
        if device_state is not None:
            torch.cuda.set_rng_state(device_state, device)
