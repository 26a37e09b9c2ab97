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
"""Weights of the joints whose place relative to the pelvis depends on the root's rotation alone."""
_NEAR = {"Spine2": 0.5, "Spine3": 0.15, "L_Knee": 0.1, "R_Knee": 0.1}
"""Weights of joints that depend on one or two more rotations: longer levers stabilise the fit, but each rotation adds
error."""
_FASTEST_TURN = 13.0
"""Radians per second, about two turns. The fastest captured dancer makes one and three quarters."""
_FLIP_WINDOW = 0.13
"""Seconds before and after a flip that are interpolated."""
_ORIENTATION_WEIGHT = 0.002
"""Weight (square metres) of an orientation that the motion contains; all joints together have about 0.05."""


def fit_root(
    pose: PoseBatch, joints: np.ndarray, has_rotations: bool, root_orientations: np.ndarray | None
) -> PoseBatch:
    """Place the root so that hips and spine fit the given joints best, by least squares.

    The fit treats all facings alike. In frames whose joints lie on one line the rotation about it is undetermined; it
    is interpolated from the frames around them.

    Args:
        pose: rest offsets and local rotations of P people; its root is ignored.
        joints: (P, T, 22, 3) positions to fit.
        has_rotations: whether the local rotations in ``pose`` are decoded ones, not placeholders.
        root_orientations: (P, T, 3, 3) orientations that the motion contains, or None.

    Returns:
        The pose with root orientation and translation filled in.
    """
    weights = {**_RIGID, **_NEAR} if has_rotations else _RIGID
    fitted = [SMPL.index(name) for name in weights]
    weight = np.array(list(weights.values()))[:, None] / sum(weights.values())
    local = pose.local.copy()
    local[:, :, 0] = np.eye(3)
    model = _joints_at_origin(pose, local, max(fitted))[:, :, fitted]
    target = joints[:, :, fitted]
    model_middle = (weight * model).sum(-2)
    target_middle = (weight * target).sum(-2)
    centred = model - model_middle[..., None, :]
    source = weight * centred
    covariance = np.swapaxes(target - target_middle[..., None, :], -1, -2) @ source
    if root_orientations is not None:
        covariance = covariance + _ORIENTATION_WEIGHT * root_orientations
    orientation, values = fitted_rotation(covariance)
    # An intact pelvis has about a third of its variance in the second direction.
    undetermined = values[..., 1] < 0.02 * (source * centred).sum((-1, -2))
    undetermined |= _flips(orientation, pose.fps)
    if undetermined.any():
        orientation = _interpolated(orientation, undetermined, joints)
    local[:, :, 0] = orientation
    translation = target_middle - (orientation @ model_middle[..., None])[..., 0]
    return PoseBatch(pose.offsets, local, translation, pose.fps, pose.skeleton)


def _flips(orientation: np.ndarray, fps: float) -> np.ndarray:
    """(P, T) true around rotations faster than people can turn, where the hips have swapped sides."""
    fast = np.zeros(orientation.shape[:2])
    fast[:, 1:] = angle_between(orientation[:, :-1], orientation[:, 1:]) * fps > _FASTEST_TURN
    radius = round(_FLIP_WINDOW * fps)
    padded = np.pad(fast, ((0, 0), (radius + 1, radius)))[:, 1:]
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=1).max(-1)[:, : fast.shape[1]] > 0


def _joints_at_origin(pose: PoseBatch, local: np.ndarray, last: int) -> np.ndarray:
    """Joints up to index ``last`` (P, T, last + 1, 3) with the root at the origin."""
    people, frames = local.shape[:2]
    rotations = [local[:, :, 0]]
    positions = [np.zeros((people, frames, 3))]
    for joint in range(1, last + 1):
        parent = pose.skeleton.parents[joint]
        rotations.append(rotations[parent] @ local[:, :, joint])
        positions.append(positions[parent] + (rotations[parent] @ pose.offsets[:, None, joint, :, None])[..., 0])
    return np.stack(positions, axis=-2)


def _interpolated(orientation: np.ndarray, undetermined: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Orientations (P, T, 3, 3) with the frames in ``undetermined`` (P, T) interpolated and aligned with the spine."""
    result = orientation.copy()
    frames = np.arange(undetermined.shape[1])
    for person in range(len(undetermined)):
        missing = undetermined[person]
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
