"""Where palms are, and how far from the partner's palms and skin: bodies as capsules, by their joints alone."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..kinematics.capsules import CAPSULES, PALM_RADIUS, WRIST_TO_PALM
from ..kinematics.limbs import ARMS
from ..motion.representation import JOINTS

NEARNESS = 2 * 2 + 2
"""Numbers a frame of one person: metres from each palm to each of the partner's, and to other skin of the partner."""
_BODY = [part for part in CAPSULES if part.part != "hand" and max(part.start, part.stop) < JOINTS]
"""All but the hands, and the skull's top, which no joint marks."""


def palms(joints: Tensor) -> Tensor:
    """Left and right palm (..., 2, 3) of joints (..., 22, 3), metres."""
    hinges, wrists = (joints[..., [getattr(arm, name) for arm in ARMS], :] for name in ("hinge", "end"))
    return wrists + WRIST_TO_PALM * functional.normalize(wrists - hinges, dim=-1)


def to_palms(joints: Tensor) -> Tensor:
    """Ways (B, 2, T, 2, 2, 3) from each palm of each person to the left and right one of the partner, skin to skin.

    Args:
        joints: (B, 2, T, 22, 3) metres.
    """
    own = palms(joints)
    return _to_skin(own.flip(1)[..., None, :, :] - own[..., :, None, :], own.new_tensor(PALM_RADIUS))


def to_body(joints: Tensor) -> Tensor:
    """Ways (B, 2, T, 2, 3) from each palm of each person to the partner's nearest skin that is no hand."""
    own, partner = palms(joints)[..., :, None, :], joints.flip(1)
    starts, stops = (
        partner[..., None, [getattr(part, name) for part in _BODY], :] for name in ("start", "stop")
    )  # (B, 2, T, 1, C, 3)
    along = stops - starts
    share = ((own - starts) * along).sum(-1, keepdim=True) / along.square().sum(-1, keepdim=True).clamp_min(1e-9)
    ways = _to_skin(starts + share.clamp(0, 1) * along - own, own.new_tensor([part.radius for part in _BODY]))
    nearest = ways.norm(dim=-1).argmin(-1)[..., None, None].expand(*ways.shape[:-2], 1, 3)
    return ways.gather(-2, nearest)[..., 0, :]


def nearness(joints: Tensor) -> Tensor:
    """(B, 2, T, NEARNESS) of joints (B, 2, T, 22, 3)."""
    return torch.cat((to_palms(joints).norm(dim=-1).flatten(-2), to_body(joints).norm(dim=-1)), -1)


def _to_skin(ways: Tensor, radius: Tensor) -> Tensor:
    """Ways (..., 3) from a palm to an axis, without what is inside the two skins; none where they touch."""
    length = ways.norm(dim=-1)
    left = (length - radius - PALM_RADIUS).clamp_min(0)
    return ways * (left / length.clamp_min(1e-6))[..., None]
