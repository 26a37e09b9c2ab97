"""Moves interpenetrating bodies apart; contacts stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion.rotations import normalized
from .capsules import CAPSULES, body_points, penetrations
from .filters import hann_smoothed, upper_envelope
from .pose import PoseBatch
from .settings import SolveSettings

_BODY = np.array([capsule.part in ("trunk", "head") for capsule in CAPSULES])
_RADIUS = 5
"""Frames on each side over which a correction fades in and out."""


def separate_bodies(pose: PoseBatch, settings: SolveSettings) -> PoseBatch:
    """Move two people apart until trunks and heads interpenetrate no deeper than allowed; each moves by half.

    The moves are horizontal and precede the planting of feet.
    """
    depths, directions = penetrations(body_points(*pose.world(), pose.offsets))
    depths, directions = depths[:, _BODY][:, :, _BODY], directions[:, _BODY][:, :, _BODY]
    excess = np.maximum(depths - settings.allowed_depth, 0.0)
    if not excess.any():
        return pose
    amount = settings.separation * upper_envelope(excess.max(axis=(1, 2)), _RADIUS)
    # The direction out of all pairs of capsules, plus a little of that between the pelvises, which is never zero.
    level = np.array([1.0, 0.0, 1.0])
    between = normalized((pose.translation[0] - pose.translation[1]) * level)
    out = (excess[..., None] * directions).sum(axis=(1, 2)) * level + 0.01 * between
    out = normalized(hann_smoothed(out.T, _RADIUS).T)
    share = 0.5 if settings.held is None else float(settings.held)
    step = amount[:, None] * out
    return replace(pose, translation=pose.translation + np.stack((share * step, -(1 - share) * step)))


def arm_separation_moves(pose: PoseBatch, settings: SolveSettings) -> np.ndarray:
    """(2, T, 2, 3) moves of wrists that bring hands and forearms out of the partner's trunk, head and legs."""
    points = body_points(*pose.world(), pose.offsets)
    moves = np.zeros((*pose.translation.shape[:2], 2, 3))
    solid = np.array([capsule.part in ("trunk", "head", "leg") for capsule in CAPSULES])
    hands = [index for index, capsule in enumerate(CAPSULES) if capsule.part == "hand"]
    for person in (0, 1):
        if person == settings.held:
            continue
        depths, directions = penetrations(points if person == 0 else points[::-1])
        for side, hand in enumerate(hands):
            # The forearm's capsule directly precedes the hand's.
            own = [hand - 1, hand]
            deep = np.maximum(depths[:, own][:, :, solid] - settings.allowed_depth, 0.0)
            amount = settings.separation * upper_envelope(deep.max(axis=(1, 2)), _RADIUS)
            out = hann_smoothed((deep[..., None] * directions[:, own][:, :, solid]).sum(axis=(1, 2)).T, _RADIUS).T
            moves[person][:, side] = amount[:, None] * normalized(out)
    return moves
