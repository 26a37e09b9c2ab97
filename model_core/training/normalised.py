"""Input normalisation of the networks whose inputs are joints."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

_LEAST_SPREAD = 0.05
"""Lowest deviation of a feature, in metres or in components of a 6D rotation. Joints that hardly move in the data
(wrists, toes) would otherwise dominate once the solver has moved them."""


class Normalising(Protocol):
    """A network with the mean and standard deviation (N,) of its inputs."""

    mean: Tensor
    spread: Tensor


@torch.no_grad()
def set_normalisation(network: Normalising, seen: Tensor) -> None:
    """Set the network's mean and standard deviation to those of inputs (B, 2, T, N)."""
    network.mean.copy_(seen.mean((0, 1, 2)))
    network.spread.copy_(seen.std((0, 1, 2)).clamp_min(_LEAST_SPREAD))
