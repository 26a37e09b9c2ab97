"""Corrects captured motion: glitches, flipped hands and heads, legs that are too long, and the floor's height."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kinematics.leg_lengths import leg_scales, with_leg_scales
from ..kinematics.pose import PoseBatch
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import (
    angle_between,
    axis_angle_from_matrix,
    matrix_from_quaternion,
    normalized,
    quaternion_from_matrix,
    slerp,
)
from ..motion.runs import runs
from ..motion.skeleton import SMPL
from ..motion.types import Motion

_TOES = (SMPL.index("L_Foot"), SMPL.index("R_Foot"))
_ANKLES = (SMPL.index("L_Ankle"), SMPL.index("R_Ankle"))
_LEG_JOINTS = tuple(SMPL.index(f"{side}_{name}") for side in "LR" for name in ("Hip", "Knee"))
_BELOW_HIPS = (*_LEG_JOINTS[1::2], *_ANKLES, *_TOES)

_END_LIMITS = {"Head": np.radians(95), "L_Wrist": np.radians(110), "R_Wrist": np.radians(110)}
"""The largest possible rotation of heads and hands; a larger one means that markers were confused with each other."""

_ANKLE_LIMIT = np.radians(90)
_SHORT_RUN, _SEAM = 16, 4


@dataclass(frozen=True)
class CapturedSettings:
    """How captured takes are cut into clips.

    Attributes:
        partner_scale: factor on the horizontal travel of both people of a two-person take. Where the dancers share one
            generic skeleton, joined hands do not meet; 0.9 brings them closer without more sliding of the feet.
        outlier: a frame is a glitch if it accelerates, or turns a joint, this many times faster than the clip's 95th
            percentile...
        least_acceleration: ...and accelerates by more than this, metres per frame squared,
        least_turn: ...or turns a joint by more than this, radians per frame.
        margin: frames cut on either side of a glitch.
        least_frames: shorter clean stretches are dropped.
    """

    partner_scale: float = 0.9
    outlier: float = 4.0
    least_acceleration: float = 0.15
    least_turn: float = 0.8
    margin: int = 2
    least_frames: int = 40


def clean_stretches(people: tuple[Motion, ...], settings: CapturedSettings) -> list[tuple[int, int]]:
    """The stretches (start, stop) of a take without glitches, at least ``settings.least_frames`` long."""
    bad = np.any([glitches(person, settings) for person in people], axis=0)
    return [(start, stop) for start, stop in runs(~bad) if stop - start >= settings.least_frames]


def glitches(motion: Motion, settings: CapturedSettings) -> np.ndarray:
    """(T,) whether each frame is a glitch or within the margin of one.

    A glitch is a frame that accelerates or turns a joint far more than the rest of the take, or bends an ankle further
    than ankles can bend: lost or swapped tracking, or an angle that flipped.
    """
    frames = len(motion)
    bad = np.zeros(frames, dtype=bool)
    if frames < 3:
        return bad
    acceleration = np.linalg.norm(np.diff(motion.joints.astype(np.float64), 2, axis=0), axis=-1).max(axis=1)
    bad[1:-1] |= acceleration > max(settings.outlier * np.percentile(acceleration, 95), settings.least_acceleration)
    for rotations in (motion.rotations, motion.root_orientation):
        if rotations is not None:
            per_frame = rotations.astype(np.float64).reshape(frames, -1, 3, 3)
            turn = angle_between(per_frame[:-1], per_frame[1:]).max(axis=1)
            far = turn > max(settings.outlier * np.percentile(turn, 95), settings.least_turn)
            bad[:-1] |= far
            bad[1:] |= far
    if motion.rotations is not None:
        ankles = motion.rotations[:, [ankle - 1 for ankle in _ANKLES]].astype(np.float64)
        bad |= (_angle(ankles) > _ANKLE_LIMIT).any(axis=1)
    return _dilated(bad, settings.margin)


def with_plausible_ends(motion: Motion) -> Motion:
    """Correct impossible rotations of heads and hands; positions stay the same.

    A long run of such frames is a constant error of the markers: its mean orientation is replaced by the clip's usual
    one, which keeps its movement. Short runs and the seams are interpolated.
    """
    if motion.rotations is None:
        return motion
    rotations = motion.rotations.astype(np.float64)
    frames = len(motion)
    for name, limit in _END_LIMITS.items():
        end = rotations[:, SMPL.index(name) - 1]
        bad = _angle(end) > limit
        if not bad.any():
            continue
        bad = ~_dilated(~_dilated(bad, _SEAM), _SEAM)
        usual = mean_rotation(end[~bad]) if (~bad).sum() > _SHORT_RUN else np.eye(3)
        unknown = np.zeros(frames, dtype=bool)
        for start, stop in runs(bad):
            end[start:stop] = end[start:stop] @ mean_rotation(end[start:stop]).T @ usual
            for seam in (start, stop):
                if 0 < seam < frames:
                    unknown[max(seam - _SEAM, 0) : seam + _SEAM] = True
            if stop - start <= _SHORT_RUN:
                unknown[start:stop] = True
        rotations[:, SMPL.index(name) - 1] = _interpolated(end, unknown)
    return replace(motion, rotations=rotations.astype(motion.rotations.dtype))


def with_straight_legs(motion: Motion) -> Motion:
    """Shorten leg bones so that the knees can straighten where the person stands straight.

    In converted captures legs are 1 to 2 percent too long, so that knees never straighten. Pelvis, arms and the
    orientation of feet stay bit for bit; ankles and toes move by up to 5 mm.
    """
    if motion.rotations is None or motion.root_orientation is None:
        return motion
    rotations = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1).astype(np.float64)
    bones = motion.joints[:, 1:].astype(np.float64) - motion.joints[:, SMPL.parents[1:]]
    offsets = np.zeros((len(SMPL), 3))
    lengths = np.median(np.linalg.norm(bones, axis=-1), axis=0)
    offsets[1:] = normalized(SMPL_REST_OFFSETS[1:]) * lengths[:, None]
    pose = PoseBatch(offsets[None], rotations[None], motion.translation[None].astype(np.float64), motion.fps)
    scales = leg_scales(pose)
    if scales[0] == 1:
        return motion
    result = with_leg_scales(pose, scales)
    joints, local = motion.joints.copy(), motion.rotations.copy()
    joints[:, _BELOW_HIPS] = result.world()[0][0][:, _BELOW_HIPS]
    changed = [joint - 1 for joint in (*_LEG_JOINTS, *_ANKLES)]
    local[:, changed] = result.local[0][:, [joint + 1 for joint in changed]]
    return replace(motion, joints=joints, rotations=local)


def floor_height(motion: Motion) -> float:
    """Height of the floor under a person, metres: where the lower foot is when it stands.

    The 20th percentile over time of the lower toe joint, or of an ankle minus the height of a foot: neither a single
    low frame nor dancing on the balls of the feet moves the floor.
    """
    toes = motion.joints[:, _TOES, 1].min(axis=1)
    ankles = motion.joints[:, _ANKLES, 1].min(axis=1)
    return float(np.percentile(np.minimum(toes - _TOE_HEIGHT, ankles - _ANKLE_HEIGHT), 20))


_TOE_HEIGHT, _ANKLE_HEIGHT = 0.015, 0.075
"""Heights of SMPL's toe and ankle joints above the floor when the foot stands flat, metres."""


def mean_rotation(rotations: np.ndarray) -> np.ndarray:
    """(3, 3) mean of rotation matrices (T, 3, 3): the largest axis of their quaternions (Markley et al. 2007)."""
    quaternions = quaternion_from_matrix(rotations)
    _, vectors = np.linalg.eigh(quaternions.T @ quaternions)
    return matrix_from_quaternion(vectors[:, -1])


def _angle(rotations: np.ndarray) -> np.ndarray:
    """Angle (...) of rotations (..., 3, 3), radians."""
    return np.linalg.norm(axis_angle_from_matrix(rotations), axis=-1)


def _dilated(flags: np.ndarray, reach: int) -> np.ndarray:
    """Flags (T,) that are true within ``reach`` frames of a true one."""
    return np.convolve(flags, np.ones(2 * reach + 1))[reach : reach + len(flags)] > 0.5


def _interpolated(rotations: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) with unknown frames interpolated between known ones, and held at the ends."""
    known = np.flatnonzero(~unknown)
    if len(known) == 0 or not unknown.any():
        return rotations
    times = np.arange(len(rotations))
    after = np.clip(np.searchsorted(known, times), 0, len(known) - 1)
    before = np.clip(np.searchsorted(known, times, side="right") - 1, 0, len(known) - 1)
    first, last = known[before], known[after]
    fraction = np.clip((times - first) / np.maximum(last - first, 1), 0.0, 1.0)
    quaternions = quaternion_from_matrix(rotations)
    between = matrix_from_quaternion(slerp(quaternions[first], quaternions[last], fraction))
    return np.where(unknown[:, None, None], between, rotations)
