"""The T-pose: each joint's offset in its parent's frame when all local rotations are zero."""

from __future__ import annotations

import numpy as np

SMPL_REST_OFFSETS = np.array(
    [
        (0.0000, 0.0000, 0.0000),  # Pelvis
        (0.0806, -0.0899, -0.0031),  # L_Hip
        (-0.0806, -0.0899, -0.0031),  # R_Hip
        (0.0000, 0.0942, 0.0035),  # Spine1
        (0.0183, -0.3774, -0.0105),  # L_Knee
        (-0.0183, -0.3774, -0.0105),  # R_Knee
        (0.0000, 0.1226, -0.0025),  # Spine2
        (0.0002, -0.3981, -0.0521),  # L_Ankle
        (-0.0002, -0.3981, -0.0521),  # R_Ankle
        (0.0000, 0.0803, -0.0242),  # Spine3
        (0.0124, -0.0717, 0.1427),  # L_Foot
        (-0.0124, -0.0717, 0.1427),  # R_Foot
        (0.0000, 0.1958, -0.0200),  # Neck
        (0.0547, 0.1188, -0.0252),  # L_Collar
        (-0.0547, 0.1188, -0.0252),  # R_Collar
        (0.0000, 0.0956, -0.0015),  # Head
        (0.1107, 0.0124, 0.0034),  # L_Shoulder
        (-0.1107, 0.0124, 0.0034),  # R_Shoulder
        (0.2681, 0.0119, -0.0127),  # L_Elbow
        (-0.2681, 0.0119, -0.0127),  # R_Elbow
        (0.2690, 0.0040, -0.0132),  # L_Wrist
        (-0.2690, 0.0040, -0.0132),  # R_Wrist
    ],
    dtype=np.float64,
)
"""(22, 3) metres, Y up, facing +Z, left is +X. Proportions of the bundled mannequin (mannequin-x, Apache-2.0)."""

SMPL_REST_OFFSETS.setflags(write=False)

_FACE_AND_HANDS = np.array(
    [
        (0.0000, -0.0100, 0.0200),  # Jaw
        (0.0300, 0.0600, 0.0750),  # L_Eye
        (-0.0300, 0.0600, 0.0750),  # R_Eye
        (0.0906, -0.0045, 0.0238),  # L_Index1
        (0.0369, -0.0017, 0.0016),  # L_Index2
        (0.0227, -0.0015, 0.0015),  # L_Index3
        (0.0896, 0.0028, -0.0012),  # L_Middle1
        (0.0459, -0.0029, -0.0050),  # L_Middle2
        (0.0282, -0.0020, -0.0029),  # L_Middle3
        (0.0782, -0.0128, -0.0419),  # L_Pinky1
        (0.0240, -0.0016, -0.0154),  # L_Pinky2
        (0.0174, -0.0008, -0.0108),  # L_Pinky3
        (0.0925, -0.0048, -0.0247),  # L_Ring1
        (0.0333, -0.0014, -0.0070),  # L_Ring2
        (0.0249, -0.0022, -0.0068),  # L_Ring3
        (0.0188, -0.0142, 0.0241),  # L_Thumb1
        (0.0286, -0.0004, 0.0248),  # L_Thumb2
        (0.0278, -0.0012, 0.0188),  # L_Thumb3
        (-0.0906, -0.0045, 0.0238),  # R_Index1
        (-0.0369, -0.0017, 0.0016),  # R_Index2
        (-0.0227, -0.0015, 0.0015),  # R_Index3
        (-0.0896, 0.0028, -0.0012),  # R_Middle1
        (-0.0459, -0.0029, -0.0050),  # R_Middle2
        (-0.0282, -0.0020, -0.0029),  # R_Middle3
        (-0.0782, -0.0128, -0.0419),  # R_Pinky1
        (-0.0240, -0.0016, -0.0154),  # R_Pinky2
        (-0.0174, -0.0008, -0.0108),  # R_Pinky3
        (-0.0925, -0.0048, -0.0247),  # R_Ring1
        (-0.0333, -0.0014, -0.0070),  # R_Ring2
        (-0.0249, -0.0022, -0.0068),  # R_Ring3
        (-0.0188, -0.0142, 0.0241),  # R_Thumb1
        (-0.0286, -0.0004, 0.0248),  # R_Thumb2
        (-0.0278, -0.0012, 0.0188),  # R_Thumb3
    ],
    dtype=np.float64,
)

SMPLX_REST_OFFSETS = np.concatenate((SMPL_REST_OFFSETS, _FACE_AND_HANDS))
"""(55, 3) the same with the mannequin's hands, made symmetric. It has no jaw and no eyes; those are approximate."""

SMPLX_REST_OFFSETS.setflags(write=False)
