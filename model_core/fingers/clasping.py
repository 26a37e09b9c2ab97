"""Brings two hands palm to palm: at an angle at which fingers close around the other hand, or flat on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..kinematics.filters import hann_smoothed, upper_envelope
from ..kinematics.hands import rotations_with_moved_hands
from ..kinematics.limbs import ARMS
from ..kinematics.pose import PoseBatch
from ..motion.places import PALM
from ..motion.rotations import (
    axis_angle_from_matrix,
    continuous_signs,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    normalized,
    quaternion_from_matrix,
    rotate,
    shortest_arc,
    slerp,
    transposed,
)
from .hand_capsules import HandPlace, depths, hand_capsules
from .hand_pose import THUMB
from .shapes import SHAPES
from .states import OPEN

_WRISTS = tuple(arm.end for arm in ARMS)
REACH = 0.24
"""Metres between the palms of hands that can hold each other; further apart they are not brought together."""
_LARGEST_TURN = 1.2
"""Radians by which a wrist is turned at most."""
_LARGEST_BEND = 0.95
"""Radians between a forearm and a flat hand at most."""
_SMOOTH = 4
"""Frames on each side over which the hands' targets are smoothed."""
_PASSES = 3
_AHEAD = 6
"""Frames by which hands are turned before they touch; the fingers then pass each other without touching."""
_SWING = 0.05
"""Metres by which open palms are further apart before and after they touch."""
_AHEAD_FLAT = 4
"""The same for hands that lie flat on each other."""
_PASSING = 0.035
"""Metres by which palms are further apart while they pass each other."""


@dataclass(frozen=True)
class _Kind:
    """A hold in numbers, found by trying which one lets all fingers touch the other hand without entering it.

    Attributes:
        first_side: which hand the first person gives; with the other one, the hold is mirrored.
        opposed: whether the fingers look towards each other, or down on both sides.
        tilt: degrees by which the fingers point down, or cross.
        gap: metres between the middles of the palms.
        slide, lift: metres by which the palms are moved along each other.
    """

    first_side: int
    opposed: bool
    tilt: float
    gap: float
    slide: float = 0.0
    lift: float = 0.0


_SHAKE = _Kind(1, True, 15.0, 0.048, -0.02)
_SIDE_BY_SIDE = _Kind(0, False, 45.0, 0.048, -0.015, -0.02)
_FACING = _Kind(1, True, 36.0, 0.042)
_PRESSED_TILTS = (-30.0, -15.0, 0.0, 15.0, 30.0)
"""Degrees by which flat hands on each other cross."""
_THUMB_BACK = -20.0
"""Opposition of the thumb, degrees, at which it is no nearer to the other hand than the palm is."""
_PRESSED_GAPS = np.linspace(0.03, 0.08, 101)
"""Metres between the palms of flat hands on each other, of which the least is taken at which no part is inside."""


@dataclass(frozen=True)
class Clasp:
    """Two hands that hold each other, or lie flat on each other.

    Attributes:
        sides: 0 left, 1 right: of the first and of the second person.
        weight: (T,) 1 while they do.
        flat: whether they lie flat on each other, as in a high five.
    """

    sides: tuple[int, int]
    weight: np.ndarray
    flat: bool = False

    @property
    def shaping(self) -> np.ndarray:
        """(T,) 1 while they do and shortly before and after: hands are turned before they touch."""
        return hann_smoothed(upper_envelope(self.weight, _AHEAD_FLAT if self.flat else _AHEAD), 2)


def hand_of(joints: np.ndarray, rotations: np.ndarray, side: int, size: float) -> HandPlace:
    """The place of a hand from joints (T, 22, 3) and rotations (T, 22, 3, 3) in the world."""
    wrist = _WRISTS[side]
    return HandPlace(joints[:, wrist], rotations[:, wrist], side, size)


def palm_of(hand: HandPlace) -> np.ndarray:
    """(T, 3) the middle of the palm."""
    return hand.wrist + rotate(hand.orientation, np.broadcast_to(_along(hand), hand.wrist.shape))


def _along(hand: HandPlace) -> np.ndarray:
    return np.array(((1 - 2 * hand.side) * PALM * hand.size, 0.0, 0.0))


def clasped(pose: PoseBatch, clasps: list[Clasp], sizes: tuple[float, float], held: int | None) -> PoseBatch:
    """The pose of two people (2, T) whose hands are turned and moved so that they can hold each other.

    Args:
        pose: two people.
        clasps: hands that hold each other.
        sizes: of both bodies.
        held: index of a person who stays.
    """
    joints, rotations = pose.world()
    holds = [
        _best_hold([hand_of(joints[one], rotations[one], clasp.sides[one], sizes[one]) for one in (0, 1)], clasp)
        for clasp in clasps
    ]
    for _ in range(_PASSES):
        joints, rotations = pose.world()
        rotations = rotations.copy()
        moves = np.zeros((*joints.shape[:2], 2, 3))
        for clasp, hold in zip(clasps, holds, strict=True):
            hands = [hand_of(joints[one], rotations[one], clasp.sides[one], sizes[one]) for one in (0, 1)]
            across, targets = _targets(hands, hold, held)
            for person, (orientation, palm) in enumerate(targets):
                if person == held:
                    continue
                hand, wrist = hands[person], _WRISTS[clasp.sides[person]]
                turn = axis_angle_from_matrix(orientation @ transposed(hand.orientation))
                angle = np.linalg.norm(turn, axis=-1, keepdims=True)
                turn = turn * np.minimum(1.0, _LARGEST_TURN / np.maximum(angle, 1e-9)) * clasp.shaping[:, None]
                turned = matrix_from_axis_angle(turn) @ hand.orientation
                if clasp.flat:
                    turned = _bent_at_most(turned, rotations[person, :, ARMS[hand.side].hinge], hand.side)
                rotations[person, :, wrist] = turned
                goal = palm - rotate(turned, np.broadcast_to(_along(hand), palm.shape))
                way = goal - hand.wrist
                aside = (way * across).sum(-1, keepdims=True) * across
                early = clasp.shaping[:, None] - clasp.weight[:, None]
                if clasp.flat:
                    aside = aside - (0.5 - person) * _SWING * early * across
                    # In front of each other first, so that neither passes through the other's edge; never nearer.
                    apart = (aside * across).sum(-1, keepdims=True) * (2 * person - 1) > 0
                    share = np.where(apart, clasp.shaping[:, None], clasp.weight[:, None])
                    moves[person, :, clasp.sides[person]] = share * aside + clasp.shaping[:, None] * (way - aside)
                    continue
                # A little further apart until they hold each other, so that thumbs pass.
                aside = aside - (0.5 - person) * _PASSING * early * across
                moves[person, :, clasp.sides[person]] = (
                    clasp.weight[:, None] * (way - aside) + clasp.shaping[:, None] * aside
                )
        moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
        pose = pose.with_world_rotations(moved)
    for clasp in clasps:
        if clasp.flat:
            for _ in range(_PASSES):
                pose = _parted(pose, clasp, sizes, held)
    return pose


def _bent_at_most(hand: np.ndarray, forearm: np.ndarray, side: int) -> np.ndarray:
    """Orientations (T, 3, 3) of hands that bend no further than a wrist can against forearms (T, 3, 3)."""
    out = np.broadcast_to(np.array((1.0 - 2 * side, 0.0, 0.0)), (len(hand), 3))
    turn = axis_angle_from_matrix(matrix_from_quaternion(shortest_arc(rotate(hand, out), rotate(forearm, out))))
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    share = np.maximum(1.0 - _LARGEST_BEND / np.maximum(angle, 1e-9), 0.0)
    return matrix_from_axis_angle(share * turn) @ hand


def _parted(pose: PoseBatch, clasp: Clasp, sizes: tuple[float, float], held: int | None) -> PoseBatch:
    """The pose with two flat hands apart as far as they are inside each other."""
    joints, rotations = pose.world()
    hands = [hand_of(joints[one], rotations[one], clasp.sides[one], sizes[one]) for one in (0, 1)]
    parts = []
    for hand in hands:
        capsules = hand_capsules(hand, np.tile(OPEN_FOR_SLAP, (len(hand.wrist), 1)))
        parts.append(capsules.fingers.joined(capsules.palm))
    deepest = np.maximum(depths(*parts).max((-1, -2)), 0.0)
    deep = hann_smoothed(upper_envelope(deepest, 2), 2)
    # Along what both palms look at; where they do not face each other, rather from palm to palm.
    facing = hands[1].orientation[..., 1] - hands[0].orientation[..., 1]
    line = normalized(palm_of(hands[1]) - palm_of(hands[0]))
    across = normalized(facing + (2.0 - np.linalg.norm(facing, axis=-1, keepdims=True)) * line)
    moves = np.zeros((*joints.shape[:2], 2, 3))
    for person in (0, 1):
        share = 0.5 if held is None else float(person != held)
        moves[person, :, clasp.sides[person]] = share * (2 * person - 1) * deep[:, None] * across
    moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
    return pose.with_world_rotations(moved)


@dataclass(frozen=True)
class Hold:
    """How two hands hold each other, in a frame of both: X from the first palm to the second.

    Attributes:
        turns: (2, 3, 3) orientations of the hands.
        palms: (2, 3) the middles of the palms for bodies of average size, metres.
    """

    turns: np.ndarray
    palms: np.ndarray


def _hold(sides: tuple[int, int], kind: _Kind) -> Hold:
    """A hold between a left hand (0) or a right one (1) of the first person and one of the second.

    The fingers of the first hand look along Z or, for hands side by side, along -Y.
    """
    mirrored = sides[0] != kind.first_side
    across = np.array((-1.0 if mirrored else 1.0, 0.0, 0.0))
    up, ahead = np.array((0.0, 1.0, 0.0)), np.array((0.0, 0.0, 1.0))
    tilt, turns, palms = np.radians(kind.tilt), [], []
    for sign, side in zip((1.0, -1.0), sides, strict=True):
        if kind.opposed:
            fingers = sign * np.cos(tilt) * ahead - np.sin(tilt) * up
        else:
            fingers = sign * np.sin(tilt) * ahead - np.cos(tilt) * up
        turns.append(_frame(side, fingers, sign * across))
        palms.append(-0.5 * sign * (kind.gap * across + kind.slide * ahead + kind.lift * up))
    return Hold(np.stack(turns), np.stack(palms))


def _exchanged(hold: Hold) -> Hold:
    return Hold(hold.turns[::-1], hold.palms[::-1])


def possible_holds(sides: tuple[int, int]) -> list[Hold]:
    """All ways in which a hand of the first person and one of the second hold each other."""
    if sides[0] == sides[1]:
        return [_hold(sides, _SHAKE)]
    swapped = (sides[1], sides[0])
    kinds = (_SIDE_BY_SIDE, _FACING)
    return [_hold(sides, kind) for kind in kinds] + [_exchanged(_hold(swapped, kind)) for kind in kinds]


def flat_holds(sides: tuple[int, int]) -> list[Hold]:
    """All ways in which a hand of the first person and one of the second lie flat on each other."""
    return [_flat_hold(sides, tilt) for tilt in _PRESSED_TILTS]


def _open_for_slap() -> np.ndarray:
    angles = SHAPES[OPEN].copy()
    angles[4 * THUMB] = _THUMB_BACK
    return angles


OPEN_FOR_SLAP = _open_for_slap()
"""(20,) angles of a hand that touches another one flat, degrees."""


@cache
def _flat_hold(sides: tuple[int, int], tilt: float) -> Hold:
    """The hold in which flat hands at an angle just touch, for bodies of average size."""
    holds = [_hold(sides, _Kind(sides[0], False, tilt, float(gap))) for gap in _PRESSED_GAPS]
    parts = []
    for one, side in enumerate(sides):
        turns, palms = (np.stack([getattr(hold, name)[one] for hold in holds]) for name in ("turns", "palms"))
        hand = HandPlace(palms, turns, side, 1.0)
        hand = replace(hand, wrist=2 * palms - palm_of(hand))
        capsules = hand_capsules(hand, np.tile(OPEN_FOR_SLAP, (len(holds), 1)))
        parts.append(capsules.fingers.joined(capsules.palm))
    apart = depths(*parts).max((-1, -2)) <= 0.0
    return holds[int(apart.argmax())] if apart.any() else holds[-1]


def _best_hold(hands: Sequence[HandPlace], clasp: Clasp) -> Hold:
    """The hold for which the hands are turned least."""

    def misfit(hold: Hold) -> float:
        first, second = (hand.orientation @ turn.T for hand, turn in zip(hands, hold.turns, strict=True))
        angle = np.linalg.norm(axis_angle_from_matrix(transposed(first) @ second), axis=-1)
        return float((angle * clasp.weight).sum())

    return min((flat_holds if clasp.flat else possible_holds)(clasp.sides), key=misfit)


def _targets(
    hands: Sequence[HandPlace], hold: Hold, held: int | None
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The direction (T, 3) from palm to palm; orientation (T, 3, 3) and middle of the palm (T, 3) of both hands."""
    size = 0.5 * (hands[0].size + hands[1].size)
    frames = [hand.orientation @ turn.T for hand, turn in zip(hands, hold.turns, strict=True)]
    places = [palm_of(hand) - size * rotate(frame, np.broadcast_to(palm, hand.wrist.shape))
              for hand, frame, palm in zip(hands, frames, hold.palms, strict=True)]  # fmt: skip
    if held is None:
        quaternions = continuous_signs(quaternion_from_matrix(np.stack(frames, axis=1)))
        middle = slerp(quaternions[:, 0], quaternions[:, 1], 0.5)
        middle = normalized(hann_smoothed(continuous_signs(middle).T, _SMOOTH).T)
        frame = matrix_from_quaternion(middle)
        place = 0.5 * (palm_of(hands[0]) + palm_of(hands[1]))
    else:
        frame, place = frames[held], places[held]
    return frame[..., 0], [
        (frame @ turn, place + size * rotate(frame, np.broadcast_to(palm, place.shape)))
        for turn, palm in zip(hold.turns, hold.palms, strict=True)
    ]


def _frame(side: int, fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """(3, 3) orientation of a hand whose fingers and palm look in two directions."""
    across = fingers * (1.0 - 2 * side)
    return np.stack((across, -palm, np.cross(across, -palm)), axis=-1)
