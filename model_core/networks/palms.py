"""Positions of palms and their distances to the partner's palms and skin; bodies are capsules around the bones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..kinematics.capsules import CAPSULES, PALM_RADIUS, WRIST_TO_PALM
from ..kinematics.limbs import ARMS
from ..motion.representation import JOINTS

NEARNESS = 2 * 2 + 2
"""Features per frame of one person: metres from each palm to each palm and to other skin of the partner."""
_SKIN = [part for part in CAPSULES if part.part != "hand" and max(part.start, part.stop) < JOINTS]
"""Capsules without the hands, and without the skull, whose top is no joint."""


def palms(joints: Tensor) -> Tensor:
    """Left and right palm (..., 2, 3) of joints (..., 22, 3), metres."""
    hinges, wrists = (joints[..., [getattr(arm, name) for arm in ARMS], :] for name in ("hinge", "end"))
    return wrists + WRIST_TO_PALM * functional.normalize(wrists - hinges, dim=-1)


def to_palms(joints: Tensor) -> Tensor:
    """Displacements (B, 2, T, 2, 2, 3) from each palm of each person to the partner's palms, between skins.

    Args:
        joints: (B, 2, T, 22, 3) metres.
    """
    own = palms(joints)
    return _to_skin(own.flip(1)[..., None, :, :] - own[..., :, None, :], own.new_tensor(PALM_RADIUS))


def to_body(joints: Tensor) -> Tensor:
    """Displacements (B, 2, T, 2, 3) from each palm of each person to the partner's nearest skin other than hands."""
    own, partner = palms(joints)[..., :, None, :], joints.flip(1)
    starts, stops = (
        partner[..., None, [getattr(part, name) for part in _SKIN], :] for name in ("start", "stop")
    )  # (B, 2, T, 1, C, 3)
    along = stops - starts
    share = ((own - starts) * along).sum(-1, keepdim=True) / along.square().sum(-1, keepdim=True).clamp_min(1e-9)
    displacements = _to_skin(starts + share.clamp(0, 1) * along - own, own.new_tensor([part.radius for part in _SKIN]))
    nearest = displacements.norm(dim=-1).argmin(-1)[..., None, None].expand(*displacements.shape[:-2], 1, 3)
    return displacements.gather(-2, nearest)[..., 0, :]


def nearness(joints: Tensor) -> Tensor:
    """(B, 2, T, NEARNESS) distances, metres, for joints (B, 2, T, 22, 3)."""
    return torch.cat((to_palms(joints).norm(dim=-1).flatten(-2), to_body(joints).norm(dim=-1)), -1)


def _to_skin(displacements: Tensor, radius: Tensor) -> Tensor:
    """Displacements (..., 3) from a palm to an axis, shortened to the gap between the skins; zero where they touch."""
    length = displacements.norm(dim=-1)
    gap = (length - radius - PALM_RADIUS).clamp_min(0)
    return displacements * (gap / length.clamp_min(1e-6))[..., None]
