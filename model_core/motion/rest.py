"""The T-pose: where each SMPL joint lies in its parent's frame when all local rotations are zero."""

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
