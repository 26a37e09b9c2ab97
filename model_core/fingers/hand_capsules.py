"""Hands as capsules: where the fingers and the palm are, and how deep a finger is in another hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..kinematics.capsules import nearest_between_segments
from ..motion.forward_kinematics import global_rotations
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPLX_REST_OFFSETS
from ..motion.rotations import matrix_from_quaternion, normalized, rotate
from .hand_pose import FINGERS, FIRST_FINGER_JOINT, HAND_JOINTS, TIP_LENGTHS, chain_rotations

FINGER_RADII = (0.0095, 0.0095, 0.0085, 0.0095, 0.0115)
"""Metres, of the bundled mannequin's fingers, at the middle of their length."""
PALM_RADIUS = 0.0125
"""Metres: half the thickness of the mannequin's palm."""
_PALM_START = 0.3
"""Fraction of the way from the wrist to each knuckle at which the capsules of the palm begin."""
_CARRIED = 4
"""Fingers whose knuckles bound the palm: all but the thumb."""


@dataclass(frozen=True)
class Capsules:
    """Capsules in the world: ``starts`` and ``stops`` (..., C, 3), ``radii`` (C,), metres."""

    starts: np.ndarray
    stops: np.ndarray
    radii: np.ndarray

    def joined(self, other: Capsules) -> Capsules:
        """These capsules followed by others of as many frames."""
        return Capsules(
            np.concatenate((self.starts, other.starts), axis=-2),
            np.concatenate((self.stops, other.stops), axis=-2),
            np.concatenate((self.radii, other.radii)),
        )


@dataclass(frozen=True)
class HandPlace:
    """One hand in the world over time.

    Attributes:
        wrist: (T, 3) metres.
        orientation: (T, 3, 3) against the T-pose.
        side: 0 left, 1 right.
        size: of the body; 1 is the mannequin's.
    """

    wrist: np.ndarray
    orientation: np.ndarray
    side: int
    size: float

    def frames(self, chosen: np.ndarray) -> HandPlace:
        """The hand in some frames (F,)."""
        return HandPlace(self.wrist[chosen], self.orientation[chosen], self.side, self.size)

    def in_world(self, points: np.ndarray) -> np.ndarray:
        """Points (..., N, 3) of the hand's own frame for each of T frames, the axis before N, in the world."""
        return rotate(self.orientation[:, None], points) + self.wrist[:, None]


def knuckles(side: int) -> np.ndarray:
    """(5, 3) first joints of the fingers in the frame of the wrist, metres."""
    first = FIRST_FINGER_JOINT + side * HAND_JOINTS
    return SMPLX_REST_OFFSETS[first : first + HAND_JOINTS : 3]


def finger_capsules(hand: HandPlace, angles: np.ndarray, fingers: Sequence[int] = range(len(FINGERS))) -> Capsules:
    """Three capsules for each of some fingers, in the order in which they are named.

    Args:
        hand: its place over T frames.
        angles: (..., T, 20) degrees.
        fingers: indices of ``FINGERS``.
    """
    local = chain_rotations(angles, hand.side, fingers)  # (..., T, F, 3, 3, 3)
    first = FIRST_FINGER_JOINT + hand.side * HAND_JOINTS
    bones = SMPLX_REST_OFFSETS[first : first + HAND_JOINTS].reshape(len(FINGERS), 3, 3)[list(fingers)]
    tips = normalized(bones[:, 2]) * np.array(TIP_LENGTHS)[list(fingers), None]
    points, turn = [np.broadcast_to(bones[:, 0], (*local.shape[:-3], 3))], local[..., 0, :, :]
    for joint, bone in ((1, bones[:, 1]), (2, bones[:, 2]), (3, tips)):
        points.append(points[-1] + rotate(turn, np.broadcast_to(bone, points[-1].shape)))
        if joint < 3:
            turn = turn @ local[..., joint, :, :]
    chain = np.stack(points, axis=-2) * hand.size  # (..., T, F, 4, 3)
    chain = rotate(hand.orientation[:, None, None], chain) + hand.wrist[:, None, None]
    shape = (*chain.shape[:-3], 3 * len(bones), 3)
    radii = np.repeat(np.array(FINGER_RADII)[list(fingers)] * hand.size, 3)
    return Capsules(chain[..., :-1, :].reshape(shape), chain[..., 1:, :].reshape(shape), radii)


def palm_capsules(hand: HandPlace) -> Capsules:
    """Capsules of the palm, from near the wrist to each knuckle but the thumb's."""
    stops = knuckles(hand.side)[:_CARRIED] * hand.size
    starts = _PALM_START * stops
    frames = len(hand.wrist)
    return Capsules(
        hand.in_world(np.broadcast_to(starts, (frames, *starts.shape))),
        hand.in_world(np.broadcast_to(stops, (frames, *stops.shape))),
        np.full(_CARRIED, PALM_RADIUS * hand.size),
    )


def depths(first: Capsules, second: Capsules) -> np.ndarray:
    """(..., C, D) metres by which each capsule of the first is in each of the second; negative for a gap."""
    a0, a1 = first.starts[..., :, None, :], first.stops[..., :, None, :]
    b0, b1 = second.starts[..., None, :, :], second.stops[..., None, :, :]
    s, t = nearest_between_segments(a0, a1, b0, b1)
    apart = a0 + s[..., None] * (a1 - a0) - b0 - t[..., None] * (b1 - b0)
    return first.radii[:, None] + second.radii - np.linalg.norm(apart, axis=-1)


@dataclass(frozen=True)
class HandCapsules:
    """The capsules of a hand: 15 of the fingers, and those of the palm."""

    fingers: Capsules
    palm: Capsules


def hand_capsules(hand: HandPlace, angles: np.ndarray) -> HandCapsules:
    """The capsules of a hand with fingers at angles (T, 20), degrees."""
    return HandCapsules(finger_capsules(hand, angles), palm_capsules(hand))


def posed_hand(person: PosedSkeleton, side: int) -> HandCapsules:
    """The capsules of the left (0) or right hand (1) of a person on SMPL-X's joints."""
    local = matrix_from_quaternion(person.rotations)
    world = global_rotations(local, person.skeleton)
    joints = person.joints()
    first = FIRST_FINGER_JOINT + side * HAND_JOINTS
    size = float(np.linalg.norm(person.offsets[first]) / np.linalg.norm(SMPLX_REST_OFFSETS[first]))
    chain = joints[:, first : first + HAND_JOINTS].reshape(len(person), len(FINGERS), 3, 3)
    bones = SMPLX_REST_OFFSETS[first + 2 : first + HAND_JOINTS : 3]
    tips = size * normalized(bones) * np.array(TIP_LENGTHS)[:, None]
    last = world[:, first + 2 : first + HAND_JOINTS : 3]
    ends = chain[:, :, 2] + rotate(last, np.broadcast_to(tips, chain[:, :, 2].shape))
    stops = np.concatenate((chain[:, :, 1:], ends[:, :, None]), axis=2)
    shape = (len(person), HAND_JOINTS, 3)
    fingers = Capsules(chain.reshape(shape), stops.reshape(shape), np.repeat(np.array(FINGER_RADII) * size, 3))
    wrist = person.skeleton.index(("L_Wrist", "R_Wrist")[side])
    return HandCapsules(fingers, palm_capsules(HandPlace(joints[:, wrist], world[:, wrist], side, size)))


def deepest_finger(first: HandCapsules, second: HandCapsules) -> np.ndarray:
    """(T,) metres of the deepest finger of either hand in the other hand; negative for a gap."""
    between = [
        depths(own.fingers, other.fingers.joined(other.palm)) for own, other in ((first, second), (second, first))
    ]
    return np.maximum(*(depth.max((-1, -2)) for depth in between))
