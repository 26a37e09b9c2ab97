"""Rows of a person read from where he stands and faces: a pose has the same tokens wherever it is. Not published.

InterHuman rows hold joints in the world: the same step to the north and to the west has nothing in common but its local
rotations. Here the pelvis alone carries place and facing, and all other joints are seen from it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import ROTATIONS, WIDTH, WORLD

_ACROSS = ((2, 1), (17, 16))
"""From right to left: hips, and shoulders."""
_POSITION_SCALE = 4.0
"""Of joints seen from the pelvis, in metres, to numbers of size one."""
_VELOCITY_SCALE = 60.0
"""Of velocities in metres a frame."""


class BodyFrame(nn.Module):
    """Normalised rows (B, T, 262) to nodes (B, T, 22, 12) seen from the pelvis, and back.

    A node is position, velocity and local rotation (6). The pelvis has its place in the world, normalised, its velocity
    seen from its facing, and its facing as a direction (x, z) where others have their rotation.
    """

    statistics: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("statistics", torch.stack((torch.zeros(WIDTH), torch.ones(WIDTH))))

    def nodes(self, rows: Tensor) -> Tensor:
        """(B, T, 262) to (B, T, 22, 12)."""
        mean, std = self.statistics
        world = (rows * std + mean)[..., WORLD].unflatten(-1, (2, 22, 3))  # (B, T, 2, 22, 3)
        ahead = facing(world[:, :, 0])  # (B, T, 2)
        positions, velocities = world.unbind(2)
        place = rows[..., :3][:, :, None]  # (B, T, 1, 3)
        positions = turned(positions[:, :, 1:] - positions[:, :, :1], ahead, -1.0) * _POSITION_SCALE
        velocities = turned(velocities, ahead, -1.0) * _VELOCITY_SCALE
        velocities = torch.cat((velocities[:, :, :1], velocities[:, :, 1:] - velocities[:, :, :1]), 2)
        rotations = rows[..., ROTATIONS].unflatten(-1, (21, 6))
        first = functional.pad(ahead, (0, 4))[:, :, None]  # (B, T, 1, 6)
        return torch.cat((torch.cat((place, positions), 2), velocities, torch.cat((first, rotations), 2)), -1)

    def rows(self, nodes: Tensor) -> Tensor:
        """(B, T, 22, 12) to (B, T, 262) with contacts of zero."""
        mean, std = self.statistics
        ahead = functional.normalize(nodes[:, :, 0, 6:8], dim=-1, eps=1e-6)
        place = nodes[:, :, :1, :3] * std[:3] + mean[:3]
        positions = torch.cat((place, place + turned(nodes[:, :, 1:, :3] / _POSITION_SCALE, ahead, 1.0)), 2)
        velocities = nodes[..., 3:6]
        velocities = torch.cat((velocities[:, :, :1], velocities[:, :, 1:] + velocities[:, :, :1]), 2)
        velocities = turned(velocities / _VELOCITY_SCALE, ahead, 1.0)
        world = torch.stack((positions, velocities), 2).flatten(2)  # (B, T, 132)
        rotations = nodes[:, :, 1:, 6:].flatten(2)  # (B, T, 126)
        return functional.pad(torch.cat(((world - mean[WORLD]) / std[WORLD], rotations), -1), (0, 4))


def facing(joints: Tensor) -> Tensor:
    """Joints (..., 22, 3) to the horizontal unit direction (x, z) that the body faces, (..., 2)."""
    across = sum((joints[..., left, :] - joints[..., right, :] for right, left in _ACROSS), torch.zeros(()))
    return functional.normalize(torch.stack((-across[..., 2], across[..., 0]), -1), dim=-1, eps=1e-6)


def turned(vectors: Tensor, ahead: Tensor, way: float) -> Tensor:
    """Vectors (..., J, 3) about the vertical: by ``way`` 1 from facing +Z to facing (x, z), by -1 back."""
    x, y, z = vectors.unbind(-1)
    s, c = (way * ahead[..., :1], ahead[..., 1:])
    return torch.stack((c * x + s * z, y, c * z - s * x), -1)
