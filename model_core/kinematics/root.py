"""Position and orientation of the root, by least squares."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import (
    angle_between,
    continuous_signs,
    matrix_from_quaternion,
    normalized,
    quaternion_from_matrix,
)
from ..motion.skeleton import SMPL
from .fitting import fitted_rotation, swing
from .pose import PoseBatch

_RIGID = {"Pelvis": 1.0, "L_Hip": 1.0, "R_Hip": 1.0, "Spine1": 1.0}
"""The joints that the root's rotation alone places."""
_NEAR = {"Spine2": 0.5, "Spine3": 0.15, "L_Knee": 0.1, "R_Knee": 0.1}
"""Joints that depend on one or two more rotations: longer levers stabilise the fit, but each rotation adds error."""
_FASTEST_TURN = 13.0
"""Radians per second, two turns. The fastest captured dancer makes one and three quarters."""
_FLIP_WINDOW = 0.13
"""Seconds before and after a flip that are interpolated."""
_GIVEN = 0.002
"""Weight (square metres) of an orientation that the motion contains; all joints together have about 0.05."""


def root_fit(pose: PoseBatch, joints: np.ndarray, local_known: bool, stated: np.ndarray | None) -> PoseBatch:
    """The pose with the root placed so that hips and spine fit the given joints best.

    A fit of the whole rotation has no preferred direction: all facings are fitted alike. In frames whose joints are on
    one line the rotation about it is undetermined; it is interpolated from the frames around them.

    Args:
        pose: rest offsets and local rotations of P people; its root is ignored.
        joints: (P, T, 22, 3) positions to fit.
        local_known: whether the local rotations in ``pose`` are decoded ones, not placeholders.
        stated: (P, T, 3, 3) orientations that the motion contains, or None.

    Returns:
        The pose with root orientation and translation filled in.
    """
    weights = {**_RIGID, **_NEAR} if local_known else _RIGID
    chosen = [SMPL.index(name) for name in weights]
    weight = np.array(list(weights.values()))[:, None] / sum(weights.values())
    local = pose.local.copy()
    local[:, :, 0] = np.eye(3)
    model = _placed_at_origin(pose, local, max(chosen))[:, :, chosen]
    target = joints[:, :, chosen]
    model_middle = (weight * model).sum(-2)
    target_middle = (weight * target).sum(-2)
    centred = model - model_middle[..., None, :]
    source = weight * centred
    covariance = np.swapaxes(target - target_middle[..., None, :], -1, -2) @ source
    if stated is not None:
        covariance = covariance + _GIVEN * stated
    orientation, values = fitted_rotation(covariance)
    # An intact pelvis has about a third of its variance in the second direction.
    lost = values[..., 1] < 0.02 * (source * centred).sum((-1, -2))
    lost |= _flips(orientation, pose.fps)
    if lost.any():
        orientation = _filled(orientation, lost, joints)
    local[:, :, 0] = orientation
    translation = target_middle - (orientation @ model_middle[..., None])[..., 0]
    return PoseBatch(pose.offsets, local, translation, pose.fps, pose.skeleton)


def _flips(orientation: np.ndarray, fps: float) -> np.ndarray:
    """(P, T) true around rotations faster than people can turn: hips swapped sides there."""
    fast = np.zeros(orientation.shape[:2])
    fast[:, 1:] = angle_between(orientation[:, :-1], orientation[:, 1:]) * fps > _FASTEST_TURN
    radius = round(_FLIP_WINDOW * fps)
    padded = np.pad(fast, ((0, 0), (radius + 1, radius)))[:, 1:]
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=1).max(-1)[:, : fast.shape[1]] > 0


def _placed_at_origin(pose: PoseBatch, local: np.ndarray, last: int) -> np.ndarray:
    """Joints up to index ``last`` (P, T, last + 1, 3) with the root at the origin."""
    people, frames = local.shape[:2]
    rotations = [local[:, :, 0]]
    places = [np.zeros((people, frames, 3))]
    for joint in range(1, last + 1):
        parent = pose.skeleton.parents[joint]
        rotations.append(rotations[parent] @ local[:, :, joint])
        places.append(places[parent] + (rotations[parent] @ pose.offsets[:, None, joint, :, None])[..., 0])
    return np.stack(places, axis=-2)


def _filled(orientation: np.ndarray, lost: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Orientations (P, T, 3, 3) with the frames in ``lost`` (P, T) interpolated and aligned with the spine."""
    result = orientation.copy()
    frames = np.arange(lost.shape[1])
    for person in range(len(lost)):
        missing = lost[person]
        if not missing.any() or missing.all():
            continue
        known = continuous_signs(quaternion_from_matrix(orientation[person, ~missing]))
        between = [np.interp(frames[missing], frames[~missing], known[:, axis]) for axis in range(4)]
        guess = matrix_from_quaternion(normalized(np.stack(between, -1)))
        spine = joints[person, missing, SMPL.index("Spine1")] - joints[person, missing, 0]
        upright = (guess @ np.array([0.0, 1.0, 0.0])).astype(spine.dtype)
        usable = np.linalg.norm(spine, axis=-1, keepdims=True) > 1e-3
        result[person, missing] = swing(upright, np.where(usable, spine, upright)) @ guess
    return result
