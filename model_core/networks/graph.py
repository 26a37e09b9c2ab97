"""Graph layers over the joints of a body: GraphSAGE with mean aggregation along the five limb chains."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

GraphScope = Literal["first_frame", "none", "every_frame"]
"""Frames that receive messages from neighbouring joints.

``first_frame``: frame 0 of sample 0 of a batch, bit for bit what the published code computes. ``none``: no frame, which
is how the published weights saw nearly all frames in training. ``every_frame``: the graph network as intended.
"""

LIMB_CHAINS = (
    (0, 2, 5, 8, 11),
    (0, 1, 4, 7, 10),
    (0, 3, 6, 9, 12, 15),
    (9, 14, 17, 19, 21),
    (9, 13, 16, 18, 20),
)
"""The kinematic chains of the 22 SMPL joints, as in HumanML3D and InterHuman."""


def neighbour_mean(joints: int = 22) -> Tensor:
    """(J, J) matrix whose row j averages over the neighbours of joint j in the undirected limb chains."""
    edges = torch.zeros(joints, joints)
    for chain in LIMB_CHAINS:
        for a, b in pairwise(chain):
            edges[a, b] = edges[b, a] = 1.0
    return edges / edges.sum(1, keepdim=True)


class GraphLayer(nn.Module):
    """One GraphSAGE layer (Hamilton et al. 2017) on images (B, C, J, T): joints are nodes, frames are independent.

    ``out = from_neighbours(mean of relu(message(x)) over neighbours) + from_self(x)``, without normalisation.
    """

    neighbour_mean: Tensor

    def __init__(self, width_in: int, width_out: int, scope: GraphScope) -> None:
        super().__init__()
        self.scope = scope
        self.message = nn.Linear(width_in, width_in)
        self.from_neighbours = nn.Linear(width_in, width_out)
        self.from_self = nn.Linear(width_in, width_out, bias=False)
        self.register_buffer("neighbour_mean", neighbour_mean(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C_in, J, T) to (B, C_out, J, T)."""
        own = _per_node(x, self.from_self.weight, self.from_neighbours.bias)  # (B, C_out, J, T)
        if self.scope == "none":
            return own
        if self.scope == "every_frame":
            return own + self._messages(x)
        first = torch.zeros_like(own)
        first[:1, :, :, :1] = self._messages(x[:1, :, :, :1])
        return own + first

    def _messages(self, x: Tensor) -> Tensor:
        sent = functional.relu(_per_node(x, self.message.weight, self.message.bias))  # (B, C_in, J, T)
        return _per_node(self.neighbour_mean @ sent, self.from_neighbours.weight, None)  # (B, C_out, J, T)


def _per_node(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Apply a linear layer to the channels of (B, C, J, T), without moving them to the end."""
    return functional.conv2d(x, weight[:, :, None, None], bias)
