"""Inter-X's features: 56 x 6 numbers of one person in one frame, for SMPL-X's 55 joints (Xu et al. 2024).

=======  ==========================================================================================================
rows     meaning
=======  ==========================================================================================================
0        the root's orientation in the world, six numbers: ``[R00 R01 R02 R10 R11 R12]``, the first two rows
1:55     local rotations of joints 1 to 54 in SMPL-X's order, hands included, six numbers each
55       translation of the root, x y z, metres, Y up; then its velocity, the next frame's minus this one's
=======  ==========================================================================================================

The root of the first person is at the origin in frame 0, its height included, so that the height of the floor varies;
the facing of the first person is not fixed. There are no positions: they follow from one body for all people.
"""

from __future__ import annotations

import numpy as np

from .forward_kinematics import forward_kinematics
from .rotations import matrix_from_sixd, sixd_from_matrix, transposed
from .skeleton import SMPLX
from .types import FPS, Motion

JOINTS = len(SMPLX)
SHAPE = (JOINTS + 1, 6)
"""Shape of one frame: rotations of all joints, then translation and velocity."""

INTERX_BODY = np.array(
    [
        (0.0000, 0.0000, 0.0000),  # Pelvis
        (0.0582, -0.0928, -0.0260),  # L_Hip
        (-0.0633, -0.1039, -0.0213),  # R_Hip
        (-0.0028, 0.1099, -0.0276),  # Spine1
        (0.0547, -0.3788, -0.0094),  # L_Knee
        (-0.0442, -0.3624, -0.0168),  # R_Knee
        (0.0094, 0.1319, -0.0059),  # Spine2
        (-0.0435, -0.4031, -0.0319),  # L_Ankle
        (0.0154, -0.4107, -0.0202),  # R_Ankle
        (-0.0113, 0.0522, 0.0284),  # Spine3
        (0.0473, -0.0580, 0.1182),  # L_Foot
        (-0.0388, -0.0583, 0.1190),  # R_Foot
        (-0.0122, 0.1652, -0.0316),  # Neck
        (0.0464, 0.0849, -0.0072),  # L_Collar
        (-0.0477, 0.0843, -0.0134),  # R_Collar
        (0.0248, 0.1605, 0.0207),  # Head
        (0.1192, 0.0577, -0.0155),  # L_Shoulder
        (-0.1026, 0.0535, -0.0127),  # R_Shoulder
        (0.2541, -0.0722, -0.0425),  # L_Elbow
        (-0.2711, -0.0365, -0.0265),  # R_Elbow
        (0.2520, 0.0232, -0.0025),  # L_Wrist
        (-0.2493, -0.0045, -0.0153),  # R_Wrist
        (0.0000, -0.0100, 0.0200),  # Jaw
        (0.0300, 0.0600, 0.0750),  # L_Eye
        (-0.0300, 0.0600, 0.0750),  # R_Eye
        (0.1019, -0.0087, 0.0194),  # L_Index1
        (0.0319, 0.0022, 0.0030),  # L_Index2
        (0.0225, -0.0024, 0.0001),  # L_Index3
        (0.1094, -0.0063, -0.0040),  # L_Middle1
        (0.0306, 0.0008, -0.0040),  # L_Middle2
        (0.0235, -0.0020, -0.0041),  # L_Middle3
        (0.0840, -0.0145, -0.0437),  # L_Pinky1
        (0.0155, -0.0011, -0.0120),  # L_Pinky2
        (0.0155, -0.0017, -0.0112),  # L_Pinky3
        (0.0974, -0.0093, -0.0273),  # L_Ring1
        (0.0280, 0.0015, -0.0053),  # L_Ring2
        (0.0228, -0.0015, -0.0071),  # L_Ring3
        (0.0406, -0.0180, 0.0256),  # L_Thumb1
        (0.0170, 0.0010, 0.0250),  # L_Thumb2
        (0.0205, -0.0052, 0.0155),  # L_Thumb3
        (-0.0999, -0.0118, 0.0196),  # R_Index1
        (-0.0319, 0.0022, 0.0030),  # R_Index2
        (-0.0225, -0.0023, 0.0001),  # R_Index3
        (-0.1074, -0.0094, -0.0037),  # R_Middle1
        (-0.0306, 0.0008, -0.0040),  # R_Middle2
        (-0.0235, -0.0020, -0.0041),  # R_Middle3
        (-0.0820, -0.0176, -0.0435),  # R_Pinky1
        (-0.0155, -0.0011, -0.0120),  # R_Pinky2
        (-0.0155, -0.0017, -0.0112),  # R_Pinky3
        (-0.0954, -0.0124, -0.0271),  # R_Ring1
        (-0.0280, 0.0015, -0.0053),  # R_Ring2
        (-0.0228, -0.0015, -0.0071),  # R_Ring3
        (-0.0386, -0.0211, 0.0259),  # R_Thumb1
        (-0.0170, 0.0010, 0.0250),  # R_Thumb2
        (-0.0205, -0.0052, 0.0155),  # R_Thumb3
    ],
    dtype=np.float64,
)
"""(55, 3) metres: rest offsets of the body that the data set's rotations apply to, with slightly lowered arms: SMPL-X's
mean body, from mannequin-x 0.3.0 (Apache-2.0). It has no jaw and no eyes; their offsets are approximate.
"""

INTERX_BODY.setflags(write=False)


def motion_from_interx(features: np.ndarray, fps: float = FPS) -> Motion:
    """A motion of T frames on SMPL-X's joints from features (T, 56, 6), not normalised.

    Rotations from a network need not be orthonormal; they are orthonormalised. Positions are forward kinematics of
    ``INTERX_BODY``; the velocity is not used.
    """
    matrices = _matrix_from_rows(features[:, :JOINTS])
    joints = forward_kinematics(matrices, features[:, JOINTS, :3], INTERX_BODY, SMPLX)
    return Motion(joints, matrices[:, 1:], matrices[:, 0], fps, SMPLX)


def interx_from_motion(motion: Motion) -> np.ndarray:
    """Features (T, 56, 6), float32, of a motion in the world; the velocity of the last frame is zero.

    Raises:
        ValueError: the motion lacks SMPL-X's joints, their rotations or the root's orientation.
    """
    if motion.skeleton != SMPLX or motion.rotations is None or motion.root_orientation is None:
        raise ValueError("Inter-X features need the 55 SMPL-X joints with all their rotations")
    root = motion.translation
    features = np.empty((len(motion), *SHAPE), dtype=np.float32)
    features[:, 0] = interx_rotations(motion.root_orientation)
    features[:, 1:JOINTS] = interx_rotations(motion.rotations)
    features[:, JOINTS, :3] = root
    features[:, JOINTS, 3:] = np.diff(root, axis=0, append=root[-1:])
    return features


def _matrix_from_rows(six: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) from their first two rows (..., 6), which are the first two columns of the inverse."""
    columns = np.swapaxes(six.reshape(*six.shape[:-1], 2, 3), -1, -2)
    return transposed(matrix_from_sixd(columns.reshape(six.shape)))


def interx_rotations(matrix: np.ndarray) -> np.ndarray:
    """The six numbers of rotations (..., 6), their first two rows, from matrices (..., 3, 3)."""
    columns = sixd_from_matrix(transposed(matrix)).reshape(*matrix.shape[:-2], 3, 2)
    return np.swapaxes(columns, -1, -2).reshape(*matrix.shape[:-2], 6)
