"""Separates SMPL's body from SMPL-X's face and hands, and adds face and hands to a body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .forward_kinematics import forward_kinematics
from .posed import PosedSkeleton
from .rest import SMPLX_REST_OFFSETS
from .rotations import continuous_signs, quaternion_from_matrix
from .skeleton import SMPL, SMPLX
from .types import Motion

_BODY = len(SMPL)


def body_of(motion: Motion) -> Motion:
    """The 22 joints of SMPL's body, with their rotations, of a motion on either skeleton."""
    if motion.skeleton == SMPL:
        return motion
    rotations = None if motion.rotations is None else motion.rotations[:, : _BODY - 1]
    return replace(motion, joints=motion.joints[:, :_BODY], rotations=rotations, skeleton=SMPL)


def with_hands(body: PosedSkeleton, motion: Motion) -> PosedSkeleton:
    """Add the face and hands of a motion to the body that was solved for it.

    Args:
        body: T frames on SMPL's 22 joints.
        motion: T frames on SMPL-X's 55 joints; its body is ignored, and hands without rotations are flat.

    Returns:
        T frames on SMPL-X's 55 joints; fingers have the mannequin's lengths.

    Raises:
        ValueError: the motion has other joints or another length.
    """
    if motion.skeleton != SMPLX or len(motion) != len(body):
        raise ValueError("hands are taken from as many frames of SMPL-X's 55 joints")
    fingers = np.zeros((len(motion), len(SMPLX) - _BODY, 4))
    fingers[..., 0] = 1
    if motion.rotations is not None:
        fingers = continuous_signs(quaternion_from_matrix(motion.rotations[:, _BODY - 1 :]))
    return PosedSkeleton(
        np.concatenate((body.offsets, SMPLX_REST_OFFSETS[_BODY:])),
        np.concatenate((body.rotations, fingers), axis=1),
        body.translation,
        body.fps,
        SMPLX,
    )


def with_hands_at_rest(motion: Motion) -> Motion:
    """Add flat hands and a neutral face, as in the T-pose, to a motion of SMPL's body.

    Raises:
        ValueError: the motion has another skeleton, or no rotations and root orientation.
    """
    if motion.skeleton != SMPL or motion.rotations is None or motion.root_orientation is None:
        raise ValueError("hands are put onto SMPL's 22 joints with all their rotations")
    still = np.broadcast_to(np.eye(3), (len(motion), len(SMPLX) - _BODY, 3, 3))
    rotations = np.concatenate((motion.rotations, still), axis=1)
    local = np.concatenate((motion.root_orientation[:, None], rotations), axis=1)
    model = forward_kinematics(local, motion.translation, SMPLX_REST_OFFSETS, SMPLX)
    # The body's joints may differ from forward kinematics, so face and hands are attached to the joints themselves.
    joints = np.concatenate((motion.joints, model[:, _BODY:]), axis=1)
    for joint in range(_BODY, len(SMPLX)):
        parent = SMPLX.parents[joint]
        joints[:, joint] = joints[:, parent] + model[:, joint] - model[:, parent]
    return replace(motion, joints=joints, rotations=rotations, skeleton=SMPLX)
