"""Moves palms, by inverse kinematics of the arms, to the partner's palm or skin that they should touch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..kinematics.limbs import ARMS
from ..networks.palms import to_body, to_palms

_PROBABILITY = (0.45, 0.65)
"""Probabilities of contact: below the first a palm is not moved, above the second it is moved fully."""
_CLEARANCE = 0.03
"""Metres between a palm and a body: the solver closes the gap, and the wrist needs room."""
_REACH = (0.45, 0.6)
"""Metres between a palm and its target: below the first palms move fully, above the second not at all."""
_SMOOTH_PROBABILITY, _SMOOTH_FRACTION, _SMOOTH_MOVE = 3.0, 3.0, 1.5
"""Standard deviations, in frames, of the smoothing of probabilities, of fractions of displacements, and of moves."""
_ITERATIONS = 3
"""The palm is in line with the forearm, which rotates when the wrist moves: the remaining error is corrected again."""
_MAX_EXTENSION = 0.995
"""Largest extension of an arm, as a fraction of its length."""


def reach_contacts(joints: Tensor, contact: Tensor, fixed: Tensor) -> Tensor:
    """Move the palms of two people into contact.

    Args:
        joints: (B, 2, T, 22, 3) metres.
        contact: (B, 2, T, 2, TOUCHED) logits of ``ContactClassifier``.
        fixed: (B, 2) true for people who are not changed.

    Returns:
        (B, 2, T, 22, 3), with moved elbows and wrists.
    """
    probability = contact.softmax(-1)
    hands = probability[..., 1:3]
    # Contact of two hands is mutual, but the predictions for the two people differ.
    hands = _displacement_fraction(0.5 * (hands + hands.flip(1).transpose(-1, -2)), to_palms(joints))
    hands = hands / hands.sum(-1, keepdim=True).clamp_min(1)
    body = _displacement_fraction(probability[..., 3], to_body(joints)) * (1 - hands.sum(-1))
    hands = hands * (torch.where(fixed.flip(1), 1.0, 0.5) * ~fixed)[..., None, None, None]
    body = body * ~fixed[..., None, None]
    for _ in range(_ITERATIONS):
        moves = (to_palms(joints) * hands[..., None]).sum(-2) + _shortened(to_body(joints)) * body[..., None]
        joints = _move_wrists(joints, _smoothed(moves, _SMOOTH_MOVE))
    return joints


def _shortened(displacements: Tensor) -> Tensor:
    """Displacements (..., 3) that end ``_CLEARANCE`` earlier."""
    length = displacements.norm(dim=-1, keepdim=True)
    return displacements * ((length - _CLEARANCE).clamp_min(0) / length.clamp_min(1e-6))


def _displacement_fraction(probability: Tensor, displacements: Tensor) -> Tensor:
    """Fraction of displacements (B, 2, T, ..., 3) to apply, by probability of contact (B, 2, T, ...) and distance."""
    low, high = _PROBABILITY
    contact = ((_smoothed(probability[..., None], _SMOOTH_PROBABILITY)[..., 0] - low) / (high - low)).clamp(0, 1)
    near, far = _REACH
    within = ((far - displacements.norm(dim=-1)) / (far - near)).clamp(0, 1)
    return _smoothed((contact * within)[..., None], _SMOOTH_FRACTION)[..., 0]


def _smoothed(values: Tensor, spread: float) -> Tensor:
    """Values (B, 2, T, ...) smoothed over time by a Gaussian of ``spread`` frames; the ends are repeated."""
    reach = round(3 * spread)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=values.device) / spread) ** 2)
    series = values.movedim(2, -1)
    padded = functional.pad(series.reshape(-1, 1, series.shape[-1]), (reach, reach), mode="replicate")
    return functional.conv1d(padded, (bell / bell.sum())[None, None]).view_as(series).movedim(-1, 2)


def _move_wrists(joints: Tensor, moves: Tensor) -> Tensor:
    """Joints with wrists moved by (B, 2, T, 2, 3), metres, within the reach of the arms; elbows bend the same way."""
    result = joints.clone()
    for side, arm in enumerate(ARMS):
        shoulder, elbow, wrist = (joints[..., joint, :] for joint in (arm.upper, arm.hinge, arm.end))
        upper, lower = ((a - b).norm(dim=-1, keepdim=True) for a, b in ((elbow, shoulder), (wrist, elbow)))
        target = wrist + moves[..., side, :] - shoulder
        current = (wrist - shoulder).norm(dim=-1, keepdim=True)
        longest = torch.maximum(_MAX_EXTENSION * (upper + lower), current)
        length = torch.minimum(target.norm(dim=-1, keepdim=True), longest)
        length = torch.maximum(length, (upper - lower).abs() * 1.001 + 1e-4)
        axis = functional.normalize(target, dim=-1)
        along = (upper**2 - lower**2 + length**2) / (2 * length)
        across = (upper**2 - along**2).clamp_min(0).sqrt()
        out = _rotated(elbow - shoulder, functional.normalize(wrist - shoulder, dim=-1), axis)
        out = functional.normalize(out - (out * axis).sum(-1, keepdim=True) * axis, dim=-1)
        still = moves[..., side, :].norm(dim=-1, keepdim=True) < 1e-6
        result[..., arm.hinge, :] = torch.where(still, elbow, shoulder + along * axis + across * out)
        result[..., arm.end, :] = torch.where(still, wrist, shoulder + length * axis)
    return result


def _rotated(vectors: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Vectors (..., 3) rotated by the smallest rotation from one unit vector to another (Rodrigues' formula)."""
    axis = torch.linalg.cross(before, after)
    cosine = (before * after).sum(-1, keepdim=True)
    across = torch.linalg.cross(axis, vectors)
    return vectors + across + torch.linalg.cross(axis, across) / (1 + cosine).clamp_min(1e-4)
