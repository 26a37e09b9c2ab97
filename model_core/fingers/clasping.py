"""Brings two hands together: at an angle at which fingers close around the other hand, palm on palm, fist on fist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..kinematics.filters import hann_smoothed, upper_envelope
from ..kinematics.hands import rotations_with_moved_hands
from ..kinematics.limbs import ARMS
from ..kinematics.pose import PoseBatch
from ..motion.rotations import (
    angle_between,
    axis_angle_from_matrix,
    continuous_signs,
    limited,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    normalized,
    quaternion_from_matrix,
    rotate,
    slerp,
    transposed,
)
from .hand_capsules import HandPlace, depths
from .holds import Hold, Manner, shaped_capsules
from .wrists import bent_at_most, hand_of, with_turned_hand

_LARGEST_TURN = 1.2
"""Radians by which a wrist is turned at most."""
_SMOOTH = 4
"""Frames on each side over which the hands' targets are smoothed."""
_PASSES = 3
_FULL = 0.9
"""Weight, as a share of the largest, from which on hands touch each other."""
_EASED = 4
"""Frames on each side over which the paths of hands that come and go are smoothed."""


@dataclass(frozen=True)
class Meeting:
    """Two hands that hold or touch each other.

    Attributes:
        sides: 0 left, 1 right: of the first and of the second person.
        weight: (T,) 1 while they do.
        manner: how they do.
    """

    sides: tuple[int, int]
    weight: np.ndarray
    manner: Manner

    @property
    def shaping(self) -> np.ndarray:
        """(T,) 1 while they do and shortly before and after: hands are turned before they touch."""
        return hann_smoothed(upper_envelope(self.weight, self.manner.ahead), 2)

    @property
    def touching(self) -> np.ndarray:
        """(T,) for each frame the nearest one in which they do.

        Before and after a touch, a hand keeps the correction of the touch, which fades: where it should be then depends
        on hands that are far from each other.
        """
        return nearest_touch(self.weight)


def nearest_touch(weight: np.ndarray) -> np.ndarray:
    """(T,) for each frame the nearest one in which a weight (T,) is near its largest."""
    frames = np.flatnonzero(weight >= _FULL * weight.max())
    return np.asarray(frames[np.abs(frames[:, None] - np.arange(len(weight))).argmin(0)])


def brought_together(
    pose: PoseBatch, meetings: Sequence[Meeting], sizes: tuple[float, float], held: int | None
) -> PoseBatch:
    """The pose of two people (2, T) whose hands are turned and moved so that they can hold or touch each other.

    Args:
        pose: two people.
        meetings: hands that hold or touch each other.
        sizes: of both bodies.
        held: index of a person who stays.
    """
    joints, rotations = pose.world()
    holds = [
        _best_hold([hand_of(joints[one], rotations[one], meeting.sides[one], sizes[one]) for one in (0, 1)], meeting)
        for meeting in meetings
    ]
    for _ in range(_PASSES):
        joints, rotations = pose.world()
        rotations = rotations.copy()
        moves = np.zeros((*joints.shape[:2], 2, 3))
        for meeting, hold in zip(meetings, holds, strict=True):
            hands = [hand_of(joints[one], rotations[one], meeting.sides[one], sizes[one]) for one in (0, 1)]
            across, targets = _targets(hands, hold, meeting.manner, held)
            for person, (orientation, place) in enumerate(targets):
                if person == held:
                    continue
                hand = hands[person]
                turned = _turned(hand, orientation, meeting, rotations[person])
                rotations[person] = with_turned_hand(rotations[person], turned, hand.side)
                after = HandPlace(hand.wrist, turned, hand.side, hand.size)
                way = (place - meeting.manner.from_wrist(after) - hand.wrist)[meeting.touching]
                moves[person, :, hand.side] = _move(way, across[meeting.touching], meeting, person)
        moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
        pose = pose.with_world_rotations(moved)
    for meeting in meetings:
        if meeting.manner.shape is not None:
            pose = _eased(pose, meeting, held)
            for _ in range(_PASSES):
                pose = _parted(pose, meeting, sizes, held)
    return pose


def _turned(hand: HandPlace, orientation: np.ndarray, meeting: Meeting, rotations: np.ndarray) -> np.ndarray:
    """Orientations (T, 3, 3) of a hand that is turned to a target as far as it can be."""
    turn = axis_angle_from_matrix(orientation @ transposed(hand.orientation))
    turn = limited(turn, _LARGEST_TURN)[meeting.touching] * meeting.shaping[:, None]
    turned = matrix_from_axis_angle(turn) @ hand.orientation
    return turned if meeting.manner.shape is None else bent_at_most(turned, rotations, hand.side)


def _move(way: np.ndarray, across: np.ndarray, meeting: Meeting, person: int) -> np.ndarray:
    """The part (T, 3) that a hand moves of its way to its place; ``across`` (T, 3) is from hand to hand."""
    weight, shaping, manner = meeting.weight[:, None], meeting.shaping[:, None], meeting.manner
    aside = (way * across).sum(-1, keepdims=True) * across
    # A little further apart until they touch each other, so that thumbs and edges pass.
    aside = aside - (0.5 - person) * manner.apart * (shaping - weight) * across
    if manner.shape is None:
        return weight * (way - aside) + shaping * aside
    # In front of each other first, so that neither passes through the other's edge; never nearer.
    apart = (aside * across).sum(-1, keepdims=True) * (2 * person - 1) > 0
    return np.asarray(np.where(apart, shaping, weight) * aside + shaping * (way - aside))


def _eased(pose: PoseBatch, meeting: Meeting, held: int | None) -> PoseBatch:
    """The pose with hands that come and go without a jerk: their paths and turns are smoothed around the touch."""
    around = upper_envelope(meeting.shaping, _EASED)
    share = np.clip(around - meeting.weight**4, 0.0, 1.0)
    joints, rotations = pose.world()
    rotations = rotations.copy()
    moves = np.zeros((*joints.shape[:2], 2, 3))
    for person, side in enumerate(meeting.sides):
        if person == held:
            continue
        arm = ARMS[side]
        # Against the shoulder, so that a person who walks is not held back.
        path = joints[person, :, arm.end] - joints[person, :, arm.upper]
        moves[person, :, side] = share[:, None] * (hann_smoothed(path.T, _EASED).T - path)
        hand = continuous_signs(quaternion_from_matrix(rotations[person, :, arm.end])[:, None])[:, 0]
        turn = matrix_from_quaternion(slerp(hand, normalized(hann_smoothed(hand.T, _EASED).T), share))
        rotations[person] = with_turned_hand(rotations[person], turn, side)
    moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
    return pose.with_world_rotations(moved)


def _parted(pose: PoseBatch, meeting: Meeting, sizes: tuple[float, float], held: int | None) -> PoseBatch:
    """The pose with two hands that touch each other apart as far as they are inside each other."""
    manner = meeting.manner
    assert manner.shape is not None
    joints, rotations = pose.world()
    hands = [hand_of(joints[one], rotations[one], meeting.sides[one], sizes[one]) for one in (0, 1)]
    deepest = np.maximum(depths(*(shaped_capsules(hand, manner.shape) for hand in hands)).max((-1, -2)), 0.0)
    deep = hann_smoothed(upper_envelope(deepest, 2), 2)
    # Along where both look; where they do not look at each other, rather from one to the other.
    facing = manner.looking(hands[0]) - manner.looking(hands[1])
    line = normalized(manner.place_on(hands[1]) - manner.place_on(hands[0]))
    across = normalized(facing + (2.0 - np.linalg.norm(facing, axis=-1, keepdims=True)) * line)
    moves = np.zeros((*joints.shape[:2], 2, 3))
    for person in (0, 1):
        share = 0.5 if held is None else float(person != held)
        moves[person, :, meeting.sides[person]] = share * (2 * person - 1) * deep[:, None] * across
    moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
    return pose.with_world_rotations(moved)


def _best_hold(hands: Sequence[HandPlace], meeting: Meeting) -> Hold:
    """The hold for which the hands are turned least."""

    def misfit(hold: Hold) -> float:
        first, second = (hand.orientation @ turn.T for hand, turn in zip(hands, hold.turns, strict=True))
        angle = angle_between(first, second)
        return float((angle * meeting.weight).sum())

    return min(meeting.manner.holds(meeting.sides), key=misfit)


def _targets(
    hands: Sequence[HandPlace], hold: Hold, manner: Manner, held: int | None
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The direction (T, 3) from hand to hand; orientation (T, 3, 3) and place (T, 3) of what touches, of both hands."""
    size = 0.5 * (hands[0].size + hands[1].size)
    frames = [hand.orientation @ turn.T for hand, turn in zip(hands, hold.turns, strict=True)]
    touching = [manner.place_on(hand) for hand in hands]
    if held is None:
        quaternions = continuous_signs(quaternion_from_matrix(np.stack(frames, axis=1)))
        middle = slerp(quaternions[:, 0], quaternions[:, 1], 0.5)
        middle = normalized(hann_smoothed(continuous_signs(middle).T, _SMOOTH).T)
        frame = matrix_from_quaternion(middle)
        origin = 0.5 * (touching[0] + touching[1])
    else:
        frame = frames[held]
        origin = touching[held] - size * rotate(frame, np.broadcast_to(hold.places[held], touching[held].shape))
    return frame[..., 0], [
        (frame @ turn, origin + size * rotate(frame, np.broadcast_to(place, origin.shape)))
        for turn, place in zip(hold.turns, hold.places, strict=True)
    ]
