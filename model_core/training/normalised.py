"""How a network that looks at joints normalises what it sees."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

_LEAST_SPREAD = 0.05
"""Of any feature, metres or parts of a rotation's six numbers: what hardly moves in the data (wrists, toes) must not
become all that matters once the solver has touched it."""


class Normalising(Protocol):
    """A network with a mean and a spread (N,) of its features."""

    mean: Tensor
    spread: Tensor


@torch.no_grad()
def normalise_by(network: Normalising, seen: Tensor) -> None:
    """Set mean and spread to those of features (B, 2, T, N)."""
    network.mean.copy_(seen.mean((0, 1, 2)))
    network.spread.copy_(seen.std((0, 1, 2)).clamp_min(_LEAST_SPREAD))
