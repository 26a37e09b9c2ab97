"""Two hands that hand something over hold it at two places: one lower, one higher, around one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..kinematics.filters import hann_smoothed, upper_envelope
from ..kinematics.hands import rotations_with_moved_hands
from ..kinematics.pose import PoseBatch
from ..motion.rotations import (
    axis_angle_from_quaternion,
    limited,
    matrix_from_axis_angle,
    normalized,
    rotate,
    shortest_arc,
)
from .clasping import nearest_touch
from .hand_capsules import HandPlace
from .handle import fingers_around, handle_middle
from .holds import palm_of
from .states import CLASP, HANDLE
from .wrists import bent_at_most, hand_of, with_turned_hand

PASSED_RADIUS = 0.03
"""Metres, of the thing that fingers close around while it is handed over: as thick as a bottle."""
_APART = 0.115
"""Metres along the thing between two hands that hold it, at which neither is inside the other."""
_REACH = 0.3
"""Metres between the palms of hands that hand something over."""
_CHANGES = 1.0
"""How much of the clip, of both people's together, one has closed fingers only before and the other only after."""
_AHEAD = 12
"""Frames by which hands are turned and moved before they hold the same thing."""
_CLEAR = 12
"""Frames from the handover to the time before and after it."""
_BLEND = 4
_LARGEST_TURN = 1.2
"""Radians by which a wrist is turned at most."""
_PASSES = 3


@dataclass(frozen=True)
class Handover:
    """Two hands that hold the same thing, which goes from one to the other.

    Attributes:
        sides: 0 left, 1 right: of the first and of the second person.
        weight: (T,) 1 while both hold it.
        begin: frame in which the hands come together.
    """

    sides: tuple[int, int]
    weight: np.ndarray
    begin: int

    @property
    def shaping(self) -> np.ndarray:
        """(T,) 1 while both hold it and shortly before and after."""
        return hann_smoothed(upper_envelope(self.weight, _AHEAD), 2)


@cache
def passing_shape() -> np.ndarray:
    """(20,) angles of fingers around what is handed over, degrees."""
    return fingers_around(PASSED_RADIUS)


def find_handovers(weights: np.ndarray, pose: PoseBatch, sizes: tuple[float, float]) -> list[Handover]:
    """Hands that hand something over, by weights (2, T, 2, S) of their states.

    Both hold a handle and are near; one of them does so before and not after, or the other one after and not before.
    Meanwhile both may as well be seen as holding each other.
    """
    joints, rotations = pose.world()
    hands = [[hand_of(joints[one], rotations[one], side, sizes[one]) for side in (0, 1)] for one in (0, 1)]
    found = []
    for first in (0, 1):
        for second in (0, 1):
            held = weights[0, :, first, HANDLE], weights[1, :, second, HANDLE]
            closed = held[0] + weights[0, :, first, CLASP], held[1] + weights[1, :, second, CLASP]
            palms = palm_of(hands[0][first]), palm_of(hands[1][second])
            apart = np.linalg.norm(palms[0] - palms[1], axis=-1)
            near = hann_smoothed((np.minimum(*closed) * (apart < _REACH))[None], _BLEND)[0]
            inside = np.flatnonzero(near > 0.5)
            if len(inside) < 2:
                continue
            before, after = slice(None, max(int(inside[0]) - _CLEAR, 1)), slice(int(inside[-1]) + _CLEAR, None)
            gives = [_mean(one[before]) - _mean(one[after]) for one in held]
            if abs(gives[0] - gives[1]) >= _CHANGES:
                found.append((float(apart[inside].mean()), Handover((first, second), near, int(inside[0]))))
    return [handover for _, handover in sorted(found, key=lambda item: item[0])[:1]]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.5


def handed_over(
    pose: PoseBatch, handovers: Sequence[Handover], sizes: tuple[float, float], held: int | None
) -> PoseBatch:
    """The pose of two people (2, T) whose hands hold one thing at two places, one below the other.

    Args:
        pose: two people.
        handovers: where.
        sizes: of both bodies.
        held: index of a person who stays.
    """
    if not handovers:
        return pose
    joints, rotations = pose.world()
    orders = [_order(_hands(joints, rotations, handover, sizes), handover) for handover in handovers]
    for _ in range(_PASSES):
        joints, rotations = pose.world()
        rotations = rotations.copy()
        moves = np.zeros((*joints.shape[:2], 2, 3))
        for handover, order in zip(handovers, orders, strict=True):
            hands = _hands(joints, rotations, handover, sizes)
            axes, touching, shaping = _axes(hands, handover, held), nearest_touch(handover.weight), handover.shaping
            for person, side in enumerate(handover.sides):
                if person == held:
                    continue
                turn = axis_angle_from_quaternion(shortest_arc(hands[person].orientation[..., 2], axes[person]))
                turn = limited(turn, _LARGEST_TURN)
                turned = matrix_from_axis_angle(turn[touching] * shaping[:, None]) @ hands[person].orientation
                turned = np.where(shaping[:, None, None] > 0, bent_at_most(turned, rotations[person], side), turned)
                rotations[person] = with_turned_hand(rotations[person], turned, side)
                hands[person] = HandPlace(hands[person].wrist, turned, side, sizes[person])
            for person, way in enumerate(_ways(hands, order * axes[0], held)):
                moves[person, :, handover.sides[person]] = shaping[:, None] * way[touching]
        moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
        pose = pose.with_world_rotations(moved)
    return pose


def _hands(
    joints: np.ndarray, rotations: np.ndarray, handover: Handover, sizes: tuple[float, float]
) -> list[HandPlace]:
    return [hand_of(joints[one], rotations[one], side, sizes[one]) for one, side in enumerate(handover.sides)]


def _order(hands: Sequence[HandPlace], handover: Handover) -> float:
    """1 if the first person's hand is further along the thing when the hands come together, else -1."""
    come = slice(max(handover.begin - _BLEND, 0), handover.begin + 1)
    grips = [_grip(hand) for hand in hands]
    along = ((grips[0] - grips[1]) * _axes(hands, handover, None)[0])[come].sum()
    return 1.0 if along >= 0 else -1.0


def _axes(hands: Sequence[HandPlace], handover: Handover, held: int | None) -> list[np.ndarray]:
    """(T, 3) along the thing, towards the thumb of each hand."""
    thumbs = [hand.orientation[..., 2] for hand in hands]
    # Thumbs may look the same way or, with both palms down, against each other.
    sign = 1.0 if (handover.weight * (thumbs[0] * thumbs[1]).sum(-1)).sum() >= 0 else -1.0
    if held is not None:
        axis = thumbs[held] if held == 0 else sign * thumbs[held]
    else:
        axis = normalized(hann_smoothed((thumbs[0] + sign * thumbs[1]).T, _BLEND).T)
    return [axis, sign * axis]


def _grip(hand: HandPlace) -> np.ndarray:
    """(T, 3) the middle of what a hand holds."""
    local = hand.size * handle_middle(PASSED_RADIUS) * (1.0 - 2 * hand.side, 1.0, 1.0)
    return np.asarray(hand.wrist + rotate(hand.orientation, np.broadcast_to(local, hand.wrist.shape)))


def _ways(hands: Sequence[HandPlace], axis: np.ndarray, held: int | None) -> list[np.ndarray]:
    """Where the hands of both people move, (T, 3) each; the first person's is further along the axis (T, 3)."""
    grips = [_grip(hand) for hand in hands]
    offsets = [sign * _APART * 0.5 * (hands[0].size + hands[1].size) * axis for sign in (0.5, -0.5)]
    middle = 0.5 * (grips[0] + grips[1]) if held is None else grips[held] - offsets[held]
    return [
        np.zeros_like(grip) if person == held else middle + offset - grip
        for person, (grip, offset) in enumerate(zip(grips, offsets, strict=True))
    ]
