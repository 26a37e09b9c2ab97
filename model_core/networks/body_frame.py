"""A person's features relative to position and facing, so that a pose has the same tokens everywhere.

Not part of the published model. InterHuman features hold joints in the world: a step to the north and the same step to
the west have only their local rotations in common. Here only the pelvis has position and facing; all other joints are
relative to it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import ROTATIONS, WIDTH, WORLD

_ACROSS = ((2, 1), (17, 16))
"""Joints (right, left) of the lines across the body: hips and shoulders."""
_POSITION_SCALE = 4.0
"""Factor that brings positions relative to the pelvis, in metres, to a standard deviation of about 1."""
_VELOCITY_SCALE = 60.0
"""The same for velocities in metres per frame."""


class BodyFrame(nn.Module):
    """Converts normalised features (B, T, 262) to nodes (B, T, 22, 12) relative to the pelvis, and back.

    A node is position, velocity and local rotation (6). The pelvis has its position in the world, normalised, its
    velocity relative to its facing, and its facing as a direction (x, z) in place of the rotation.
    """

    statistics: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("statistics", torch.stack((torch.zeros(WIDTH), torch.ones(WIDTH))))

    def nodes(self, features: Tensor) -> Tensor:
        """Convert features (B, T, 262) to nodes (B, T, 22, 12)."""
        mean, std = self.statistics
        world = (features * std + mean)[..., WORLD].unflatten(-1, (2, 22, 3))  # (B, T, 2, 22, 3)
        ahead = facing(world[:, :, 0])  # (B, T, 2)
        positions, velocities = world.unbind(2)
        place = features[..., :3][:, :, None]  # (B, T, 1, 3)
        positions = rotated(positions[:, :, 1:] - positions[:, :, :1], ahead, -1.0) * _POSITION_SCALE
        velocities = rotated(velocities, ahead, -1.0) * _VELOCITY_SCALE
        velocities = torch.cat((velocities[:, :, :1], velocities[:, :, 1:] - velocities[:, :, :1]), 2)
        rotations = features[..., ROTATIONS].unflatten(-1, (21, 6))
        first = functional.pad(ahead, (0, 4))[:, :, None]  # (B, T, 1, 6)
        return torch.cat((torch.cat((place, positions), 2), velocities, torch.cat((first, rotations), 2)), -1)

    def features(self, nodes: Tensor) -> Tensor:
        """Convert nodes (B, T, 22, 12) to features (B, T, 262) with contacts of zero."""
        mean, std = self.statistics
        ahead = functional.normalize(nodes[:, :, 0, 6:8], dim=-1, eps=1e-6)
        place = nodes[:, :, :1, :3] * std[:3] + mean[:3]
        positions = torch.cat((place, place + rotated(nodes[:, :, 1:, :3] / _POSITION_SCALE, ahead, 1.0)), 2)
        velocities = nodes[..., 3:6]
        velocities = torch.cat((velocities[:, :, :1], velocities[:, :, 1:] + velocities[:, :, :1]), 2)
        velocities = rotated(velocities / _VELOCITY_SCALE, ahead, 1.0)
        world = torch.stack((positions, velocities), 2).flatten(2)  # (B, T, 132)
        rotations = nodes[:, :, 1:, 6:].flatten(2)  # (B, T, 126)
        return functional.pad(torch.cat(((world - mean[WORLD]) / std[WORLD], rotations), -1), (0, 4))


def facing(joints: Tensor) -> Tensor:
    """The horizontal unit direction (x, z) that a body faces, (..., 2), from joints (..., 22, 3)."""
    across = sum((joints[..., left, :] - joints[..., right, :] for right, left in _ACROSS), torch.zeros(()))
    return functional.normalize(torch.stack((-across[..., 2], across[..., 0]), -1), dim=-1, eps=1e-6)


def rotated(vectors: Tensor, ahead: Tensor, sign: float) -> Tensor:
    """Vectors (..., J, 3) rotated about Y: from facing +Z to facing ``ahead`` (..., 2) for sign 1, back for -1."""
    x, y, z = vectors.unbind(-1)
    s, c = (sign * ahead[..., :1], ahead[..., 1:])
    return torch.stack((c * x + s * z, y, c * z - s * x), -1)
