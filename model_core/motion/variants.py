"""Variants of a motion of two people that need no model: mirrored, exchanged, and with smaller or larger gestures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .posed import PosedSkeleton
from .rotations import (
    axis_angle_from_quaternion,
    continuous_signs,
    normalized,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_multiply,
)
from .skeleton import SMPL

_MIRRORED = np.array([1.0, 1.0, -1.0, -1.0])
"""Signs of a quaternion w x y z under the reflection at the plane X = 0."""
_TOUCH = (0.12, 0.3)
"""Metres from a hand to the partner: up to the first a gesture stays as it is, from the second on it changes fully."""
_FADE = 0.4
"""Seconds on each side over which a touch holds a gesture."""
_GESTURES = {
    0: (SMPL.index("L_Collar"), SMPL.index("L_Shoulder"), SMPL.index("L_Elbow"), SMPL.index("L_Wrist")),
    1: (SMPL.index("R_Collar"), SMPL.index("R_Shoulder"), SMPL.index("R_Elbow"), SMPL.index("R_Wrist")),
}
_HEAD = (SMPL.index("Neck"), SMPL.index("Head"))
_WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))


def mirrored_in_place(people: Sequence[PosedSkeleton]) -> list[PosedSkeleton]:
    """Two people with left and right exchanged, who stay where they are.

    They are reflected at the upright plane through the mean places of both. Mirroring twice gives the motion back.
    """
    places = [person.translation.mean(0) for person in people]
    middle, along = np.mean(places, axis=0), places[-1] - places[0]
    level = float(np.hypot(along[0], along[2]))
    if level < 1e-3:
        along, level = np.array([0.0, 0.0, 1.0]), 1.0
    # A turn about Y that brings the plane's normal to X.
    half = 0.5 * np.arctan2(along[0], along[2])
    there = np.array([np.cos(-half), 0.0, np.sin(-half), 0.0])
    normal = np.array([along[2], 0.0, -along[0]]) / level
    return [_mirrored(person, middle, normal, there) for person in people]


def _mirrored(person: PosedSkeleton, middle: np.ndarray, normal: np.ndarray, turn: np.ndarray) -> PosedSkeleton:
    pairs = list(person.skeleton.mirror)
    rotations = person.rotations[:, pairs] * _MIRRORED
    # The root's rotation is in the world: turned so that the plane is X = 0, reflected, and turned back.
    root = quaternion_multiply(turn, person.rotations[:, 0]) * _MIRRORED
    rotations[:, 0] = quaternion_multiply(quaternion_conjugate(turn), root)
    away = (person.translation - middle) @ normal
    return replace(
        person,
        offsets=person.offsets[pairs] * np.array([-1.0, 1.0, 1.0]),
        rotations=continuous_signs(rotations),
        translation=person.translation - 2 * away[:, None] * normal,
    )


def exchanged(people: Sequence[PosedSkeleton]) -> list[PosedSkeleton]:
    """Each of two people does what the other did; bones stay with the motion, and are fitted to bodies later."""
    return [people[1], people[0]]


def with_gestures(people: Sequence[PosedSkeleton], amount: float) -> list[PosedSkeleton]:
    """Two people with larger or smaller gestures of arms and head; what touches the partner stays.

    Each joint's rotations are moved away from their mean over time, or towards it. An arm that touches the partner
    keeps its movement; trunk and legs keep theirs, so that feet and touched bodies stay where they are.

    Args:
        people: two people, 22 joints first.
        amount: 1 changes nothing, 0 holds the mean pose, 1.5 moves half as far again.
    """
    joints = [person.joints()[:, : len(SMPL)] for person in people]
    result = []
    for number, person in enumerate(people):
        rotations = person.rotations.copy()
        free = [_free(joints[number], joints[1 - number], wrist, person.fps) for wrist in _WRISTS]
        for side, arm in _GESTURES.items():
            # Where one arm is held, the other is free.
            for joint in arm:
                rotations[:, joint] = _scaled(rotations[:, joint], 1 + free[side] * (amount - 1))
        for joint in _HEAD:
            rotations[:, joint] = _scaled(rotations[:, joint], 1 + np.minimum(*free) * 0.5 * (amount - 1))
        result.append(replace(person, rotations=continuous_signs(rotations)))
    return result


def _free(own: np.ndarray, other: np.ndarray, wrist: int, fps: float) -> np.ndarray:
    """(T,) from 0 where a hand of joints (T, 22, 3), or the same side of the body, touches the partner's, to 1."""
    arm = _GESTURES[_WRISTS.index(wrist)]
    gap = np.linalg.norm(own[:, arm[1:], None] - other[:, None], axis=-1).min((1, 2))
    near, far = _TOUCH
    free = np.clip((gap - near) / (far - near), 0.0, 1.0)
    reach = round(_FADE * fps)
    padded = np.pad(free, reach, mode="edge")
    least = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(-1)
    # Averaged over half as far, a frame within a touch is still 0.
    half = reach // 2
    averaged = np.lib.stride_tricks.sliding_window_view(np.pad(least, half, mode="edge"), 2 * half + 1).mean(-1)
    return np.asarray(averaged)


def _scaled(rotations: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Rotations (T, 4) whose angles from their mean are multiplied by (T,)."""
    signed = continuous_signs(rotations[:, None])[:, 0]
    mean = normalized(signed.mean(0)[None])
    away = axis_angle_from_quaternion(quaternion_multiply(quaternion_conjugate(mean), signed))
    return np.asarray(quaternion_multiply(mean, quaternion_from_axis_angle(amount[:, None] * away)))
