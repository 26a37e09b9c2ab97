"""Two people as each of them sees both: what networks read that judge or move pairs of joints."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..motion.representation import JOINTS
from ..motion.types import FPS
from .body_frame import facing, turned

PAIR_VIEW = 4 * 3 * JOINTS + 2
"""Numbers a frame of one person: places and velocities of the own joints and the partner's, the partner's facing."""


def pair_view(joints: Tensor) -> Tensor:
    """What each person sees from the own place, facing +Z: (B, 2, T, PAIR_VIEW) of joints (B, 2, T, 22, 3), metres."""
    ahead = facing(joints)  # (B, 2, T, 2)
    steps = functional.pad(joints.diff(dim=2), (0, 0, 0, 0, 0, 1)) * FPS
    parts = [seen_from_each(joints, points) for points in (joints, joints.flip(1))]
    parts += [turned(vectors, ahead, -1.0) for vectors in (steps, steps.flip(1))]
    other = ahead.flip(1)
    across = other[..., 0] * ahead[..., 1] - other[..., 1] * ahead[..., 0]
    relative = torch.stack((across, (other * ahead).sum(-1)), -1)
    return torch.cat((*(part.flatten(-2) for part in parts), relative), -1)


def seen_from_each(people: Tensor, points: Tensor) -> Tensor:
    """Points (B, 2, T, J, 3) from the spot on the floor under each of the people (B, 2, T, 22, 3), facing +Z."""
    return turned(points - spot(people), facing(people), -1.0)


def spot(people: Tensor) -> Tensor:
    """(..., 1, 3) on the floor under the pelvis of joints (..., 22, 3)."""
    return people[..., :1, :] * people.new_tensor((1.0, 0.0, 1.0))
