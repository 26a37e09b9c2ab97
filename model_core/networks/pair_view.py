"""Features of a pair in each person's own frame: the input of the refiner, contact classifier and reranker."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..motion.representation import JOINTS
from ..motion.types import FPS
from .body_frame import facing, rotated

PAIR_VIEW = 4 * 3 * JOINTS + 2
"""Features per frame of one person: positions and velocities of both people's joints, and the partner's facing."""


def pair_view(joints: Tensor) -> Tensor:
    """(B, 2, T, PAIR_VIEW) features of joints (B, 2, T, 22, 3), metres, in each person's own frame, facing +Z."""
    ahead = facing(joints)  # (B, 2, T, 2)
    steps = functional.pad(joints.diff(dim=2), (0, 0, 0, 0, 0, 1)) * FPS
    parts = [in_own_frames(joints, points) for points in (joints, joints.flip(1))]
    parts += [rotated(vectors, ahead, -1.0) for vectors in (steps, steps.flip(1))]
    other = ahead.flip(1)
    across = other[..., 0] * ahead[..., 1] - other[..., 1] * ahead[..., 0]
    relative = torch.stack((across, (other * ahead).sum(-1)), -1)
    return torch.cat((*(part.flatten(-2) for part in parts), relative), -1)


def in_own_frames(people: Tensor, points: Tensor) -> Tensor:
    """Points (B, 2, T, J, 3) in the frames of people (B, 2, T, 22, 3): origin below the pelvis, facing +Z."""
    return rotated(points - ground_point(people), facing(people), -1.0)


def ground_point(people: Tensor) -> Tensor:
    """(..., 1, 3) the point on the floor below the pelvis of joints (..., 22, 3)."""
    return people[..., :1, :] * people.new_tensor((1.0, 0.0, 1.0))
