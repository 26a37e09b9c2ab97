"""Palms brought to what they should touch: both arms of two who hold hands, one of who lays a hand on the other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..kinematics.limbs import ARMS
from ..networks.palms import to_body, to_palms

_LIKELY = (0.45, 0.65)
"""Up to the first probability a palm is left alone, from the second on it is brought to what it should touch."""
_CLEAR = 0.03
"""Metres between skins that a palm stays away from a body: the solver lays it on, and the wrist needs room."""
_REACH = (0.45, 0.6)
"""Metres of way up to which palms go all of it, and from which on they go none."""
_STEADY, _EASE, _ROUND = 3.0, 3.0, 1.5
"""Frames: spreads of the averages over time of probabilities, of how much of a way is gone, and of moves."""
_TIMES = 3
"""A palm continues its forearm, which turns as the wrist goes: what is left is gone again."""
_STRETCHED = 0.995
"""Share of an arm's length that it reaches."""


def reach_contacts(joints: Tensor, touch: Tensor, fixed: Tensor) -> Tensor:
    """Joints of two people whose palms touch what they should.

    Args:
        joints: (B, 2, T, 22, 3) metres.
        touch: (B, 2, T, 2, TOUCHED) logits of ``ContactClassifier``.
        fixed: (B, 2) true for people who stay.

    Returns:
        (B, 2, T, 22, 3), of which elbows and wrists have moved.
    """
    likely = touch.softmax(-1)
    hands = likely[..., 1:3]
    # What one hand touches touches it; two people seldom say so with the same weight.
    hands = _gone(0.5 * (hands + hands.flip(1).transpose(-1, -2)), to_palms(joints))
    hands = hands / hands.sum(-1, keepdim=True).clamp_min(1)
    body = _gone(likely[..., 3], to_body(joints)) * (1 - hands.sum(-1))
    hands = hands * (torch.where(fixed.flip(1), 1.0, 0.5) * ~fixed)[..., None, None, None]
    body = body * ~fixed[..., None, None]
    for _ in range(_TIMES):
        moves = (to_palms(joints) * hands[..., None]).sum(-2) + _short_of(to_body(joints)) * body[..., None]
        joints = _reached(joints, _averaged(moves, _ROUND))
    return joints


def _short_of(ways: Tensor) -> Tensor:
    """Ways (..., 3) that end so much earlier."""
    length = ways.norm(dim=-1, keepdim=True)
    return ways * ((length - _CLEAR).clamp_min(0) / length.clamp_min(1e-6))


def _gone(likely: Tensor, ways: Tensor) -> Tensor:
    """How much of ways (B, 2, T, ..., 3) is gone, by their probabilities (B, 2, T, ...) and lengths."""
    least, sure = _LIKELY
    wanted = ((_averaged(likely[..., None], _STEADY)[..., 0] - least) / (sure - least)).clamp(0, 1)
    near, far = _REACH
    within = ((far - ways.norm(dim=-1)) / (far - near)).clamp(0, 1)
    return _averaged((wanted * within)[..., None], _EASE)[..., 0]


def _averaged(values: Tensor, spread: float) -> Tensor:
    """Values (B, 2, T, ...) averaged over time by a bell of so many frames; the ends last on."""
    reach = round(3 * spread)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=values.device) / spread) ** 2)
    series = values.movedim(2, -1)
    padded = functional.pad(series.reshape(-1, 1, series.shape[-1]), (reach, reach), mode="replicate")
    return functional.conv1d(padded, (bell / bell.sum())[None, None]).view_as(series).movedim(-1, 2)


def _reached(joints: Tensor, moves: Tensor) -> Tensor:
    """Joints whose wrists have moved by (B, 2, T, 2, 3), metres, as far as their arms reach; elbows keep their side."""
    result = joints.clone()
    for side, arm in enumerate(ARMS):
        shoulder, elbow, wrist = (joints[..., joint, :] for joint in (arm.upper, arm.hinge, arm.end))
        upper, lower = ((a - b).norm(dim=-1, keepdim=True) for a, b in ((elbow, shoulder), (wrist, elbow)))
        wanted = wrist + moves[..., side, :] - shoulder
        now = (wrist - shoulder).norm(dim=-1, keepdim=True)
        longest = torch.maximum(_STRETCHED * (upper + lower), now)
        length = torch.minimum(wanted.norm(dim=-1, keepdim=True), longest)
        length = torch.maximum(length, (upper - lower).abs() * 1.001 + 1e-4)
        axis = functional.normalize(wanted, dim=-1)
        along = (upper**2 - lower**2 + length**2) / (2 * length)
        across = (upper**2 - along**2).clamp_min(0).sqrt()
        out = _swung(elbow - shoulder, functional.normalize(wrist - shoulder, dim=-1), axis)
        out = functional.normalize(out - (out * axis).sum(-1, keepdim=True) * axis, dim=-1)
        still = moves[..., side, :].norm(dim=-1, keepdim=True) < 1e-6
        result[..., arm.hinge, :] = torch.where(still, elbow, shoulder + along * axis + across * out)
        result[..., arm.end, :] = torch.where(still, wrist, shoulder + length * axis)
    return result


def _swung(vectors: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Vectors (..., 3) turned as little as brings one unit vector to another (Rodrigues' formula)."""
    axis = torch.linalg.cross(before, after)
    cosine = (before * after).sum(-1, keepdim=True)
    across = torch.linalg.cross(axis, vectors)
    return vectors + across + torch.linalg.cross(axis, across) / (1 + cosine).clamp_min(1e-4)
