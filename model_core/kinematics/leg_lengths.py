"""Corrects the length of thighs and shins, so that a person who stands on straight legs has straight knees.

Leg bones that are one or two percent too long for the distance from hip to ankle never straighten the knee: near full
extension so small an error turns a knee of 174 degrees into one of 162. This module shortens the bones. Hips and ankles
stay in place; only the knee moves, in the plane in which it bends.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion.rotations import cross, rotate
from .contacts import ANKLES, TOES, speeds
from .filters import smoothstep
from .limbs import LEGS, Limb, hinge_axis, two_bone_ik
from .pose import PoseBatch

_STANDING_PERCENTILE = 98
"""Of the distances from hip to ankle: a straight leg if the person stands or walks. Higher ones may be outliers."""
_STRAIGHT = np.sin(np.radians(175 / 2))
"""Distance from hip to ankle of a straight leg, as a fraction of its length: people stand at knee angles of 170 to 178
degrees."""
_STANDING = (0.93, 0.965)
"""Fractions of a leg's length, 137 and 150 degrees. A person whose legs never stretch beyond the first sits, kneels or
crouches, which tells nothing about the bones; if they stretch beyond the second, the most stretched leg is straight."""
_STRAIGHT_ALREADY = (0.994, 0.9975)
"""Fractions of a leg's length, 167 and 172 degrees: legs that stretch beyond the first need less of the change, and
beyond the second none."""
_SMALLEST_SCALE = 0.97
"""Conversions of captured motion are off by 1 to 2 percent; a larger error means a person with bent knees."""
_SLOWS, _MOST = 0.9955, 0.9998
"""Fractions of a leg's length, 169 and 178 degrees. The knee opens more slowly beyond the first and never reaches the
second, so it neither snaps straight nor goes through. The ankle gives in by millimetres for that."""
_OVERSHOOT, _STANDING_SPEED = 0.0075, 0.4
"""Metres beyond the first of these fractions, where the ankle gives in by 4.4 mm, and m/s. The scale lets no ankle
whose foot has a slower joint go further; only feet in the air give in more."""
_LARGEST_SHIFT = 0.0048
"""Metres by which the ankle gives in at most for a knee that does not snap straight."""
_SHORTENED = (0.8, 0.93)
"""Fractions of its length at which a bone of the motion is not trusted at all, and fully trusted."""
_AT_TARGET = 1e-4
"""Metres. An ankle this close to its target is not moved."""
_BACKWARD = 0.01
"""Sine of the backward bend beyond which a knee is mirrored; a smaller bend is a straight leg."""
_ADDED_SPEED = 90.0
"""Degrees a second by which the knee may turn faster than on the longer bones."""


def leg_scales(pose: PoseBatch) -> np.ndarray:
    """Factors for thighs and shins that make each person's most stretched leg a straight one.

    Args:
        pose: P people whose leg bones are as long as the motion shows them.

    Returns:
        (P,) factors from 0.97 to 1; 1 for people whose legs are straight already, and who never stretch them.
    """
    joints = pose.world()[0]
    lengths = np.stack([_lengths(leg, pose.offsets) for leg in LEGS], axis=1)[..., None]
    distances = np.stack([_distances(leg, joints) for leg in LEGS], axis=1)
    stretched = np.percentile(distances / lengths, _STANDING_PERCENTILE, axis=(1, 2))
    # A foot that rolls stands on its toe while its ankle is fast.
    foot_speeds = np.minimum(speeds(joints[:, :, ANKLES], pose.fps), speeds(joints[:, :, TOES], pose.fps))
    slow = np.swapaxes(foot_speeds, 1, 2) < _STANDING_SPEED
    farthest = ((distances - _OVERSHOOT) / (_SLOWS * lengths)).max(axis=(1, 2), where=slow, initial=0.0)
    target = np.maximum(stretched / _STRAIGHT, farthest)
    strength = _ramp(stretched, _STANDING) * (1 - _ramp(stretched, _STRAIGHT_ALREADY))
    return np.asarray(1 - strength * (1 - np.clip(target, _SMALLEST_SCALE, 1.0)))


def _ramp(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """From 0 at the first limit to 1 at the second."""
    return smoothstep((values - limits[0]) / (limits[1] - limits[0]))


def with_leg_scales(pose: PoseBatch, scales: np.ndarray) -> PoseBatch:
    """Scale thighs and shins, and correct knees that bend backward.

    Pelvis, hips and the orientation of feet stay. Ankles stay too, except for the last millimetres to a straight leg.

    Args:
        pose: P people.
        scales: (P,) factors. A person with a factor of 1 whose knees bend forward is returned bit for bit.
    """
    joints, rotations = pose.world()
    offsets, rotated = pose.offsets.copy(), rotations.copy()
    moved = np.zeros(joints.shape[:2], dtype=bool)
    for leg in LEGS:
        offsets[:, (leg.hinge, leg.end)] *= scales[:, None, None]
        changed = (scales != 1)[:, None] | _bends_backward(leg, offsets, joints, rotations)
        distance = _knee_distance(leg, pose.offsets, offsets, _distances(leg, joints), pose.fps)
        bent = two_bone_ik(leg, offsets, joints, rotations, joints[:, :, leg.end], distance, one_way=True)
        for joint, turn in zip((leg.upper, leg.hinge), bent, strict=True):
            rotated[:, :, joint] = np.where(changed[..., None, None], turn, rotations[:, :, joint])
        moved |= changed
    result = replace(pose, offsets=offsets).with_world_rotations(rotated)
    for person in np.flatnonzero(~moved.any(axis=1)):
        result = result.with_person(int(person), pose)
    return result


def with_ankles_at(pose: PoseBatch, joints: np.ndarray) -> PoseBatch:
    """Move ankles to the motion's, on legs whose length differs from the motion's.

    Args:
        pose: P people fitted to the motion bone by bone.
        joints: (P, T, 22, 3) the motion's joints.
    """
    positions, rotations = pose.world()
    rotated = rotations.copy()
    for leg in LEGS:
        length = _lengths(leg, pose.offsets)[:, None]
        off = _intact(leg, pose.offsets, joints)[..., None] * (joints[:, :, leg.end] - positions[:, :, leg.end])
        target = positions[:, :, leg.end] + off
        distance = np.minimum(np.linalg.norm(target - positions[:, :, leg.upper], axis=-1), _MOST * length)
        bent = two_bone_ik(leg, pose.offsets, positions, rotations, target, distance)
        at_target = np.linalg.norm(off, axis=-1)[..., None, None] < _AT_TARGET
        for joint, turn in zip((leg.upper, leg.hinge), bent, strict=True):
            rotated[:, :, joint] = np.where(at_target, rotations[:, :, joint], turn)
    return pose.with_world_rotations(rotated)


def _intact(leg: Limb, offsets: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(P, T) from 0 to 1: whether thigh and shin have their full length; a decoder may draw their joints together."""
    ratios = []
    for start, end in ((leg.upper, leg.hinge), (leg.hinge, leg.end)):
        length = np.linalg.norm(offsets[:, None, end], axis=-1)
        ratios.append(np.linalg.norm(joints[:, :, end] - joints[:, :, start], axis=-1) / length)
    return _ramp(np.minimum(*ratios), _SHORTENED)


def _knee_distance(leg: Limb, before: np.ndarray, after: np.ndarray, now: np.ndarray, fps: float) -> np.ndarray:
    """The distance (P, T) from hip to ankle of a leg of rest offsets ``after``, from the current one ``now`` (P, T)."""
    length = _lengths(leg, after)[:, None]
    linear, slowing = _SLOWS * length, (_MOST - _SLOWS) * length
    target = np.minimum(now, linear) + slowing * (1 - np.exp(-np.maximum(now - linear, 0.0) / slowing))
    bent = _angle(leg, before, now)
    added = _lower_envelope(_angle(leg, after, target) - bent, np.radians(_ADDED_SPEED) / fps)
    shortened = (np.linalg.norm(after - before, axis=-1).max(axis=1) > 0)[:, None]
    return np.where(
        shortened, np.maximum(_distance(leg, after, bent + added), np.minimum(target, now - _LARGEST_SHIFT)), now
    )


def _lower_envelope(values: np.ndarray, step: float) -> np.ndarray:
    """The largest curve (P, T) below ``values`` (P, T) that changes by at most ``step`` per frame."""
    result = values.copy()
    for frame in range(1, result.shape[1]):
        result[:, frame] = np.minimum(result[:, frame], result[:, frame - 1] + step)
    for frame in range(result.shape[1] - 2, -1, -1):
        result[:, frame] = np.minimum(result[:, frame], result[:, frame + 1] + step)
    return result


def _bends_backward(leg: Limb, offsets: np.ndarray, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(P, T) whether the knee bends backward about its axis."""
    thigh, shin = joints[:, :, leg.hinge] - joints[:, :, leg.upper], joints[:, :, leg.end] - joints[:, :, leg.hinge]
    axis = rotate(rotations[:, :, leg.upper], hinge_axis(leg, offsets)[:, None])
    size = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
    return np.asarray((cross(thigh, shin) * axis).sum(-1) < -_BACKWARD * size)


def _angle(leg: Limb, offsets: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The knee's angle (P, T), radians, where hip and ankle are ``distance`` (P, T) apart."""
    thigh, shin = (np.linalg.norm(offsets[:, joint], axis=-1)[:, None] for joint in (leg.hinge, leg.end))
    cosine = (thigh**2 + shin**2 - distance**2) / (2 * thigh * shin)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _distance(leg: Limb, offsets: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """The distance (P, T) from hip to ankle, metres, of a knee at ``angle`` (P, T)."""
    thigh, shin = (np.linalg.norm(offsets[:, joint], axis=-1)[:, None] for joint in (leg.hinge, leg.end))
    return np.asarray(np.sqrt(np.maximum(thigh**2 + shin**2 - 2 * thigh * shin * np.cos(angle), 0.0)))


def _distances(leg: Limb, joints: np.ndarray) -> np.ndarray:
    """(P, T) metres from hip to ankle of people with joints (P, T, J, 3)."""
    return np.asarray(np.linalg.norm(joints[:, :, leg.end] - joints[:, :, leg.upper], axis=-1))


def _lengths(leg: Limb, offsets: np.ndarray) -> np.ndarray:
    """(P,) metres of thigh and shin together, of rest offsets (P, J, 3)."""
    return np.asarray(np.linalg.norm(offsets[:, (leg.hinge, leg.end)], axis=-1).sum(-1))
