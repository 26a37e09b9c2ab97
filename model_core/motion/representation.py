"""Converts motions to InterHuman's features, 262 numbers per person and frame, and back.

==========  ========================================================================================
columns     meaning
==========  ========================================================================================
0:66        positions of the 22 joints, x y z, metres, Y up
66:132      velocities: the next frame's position minus this one's, metres per frame
132:258     local rotations of joints 1 to 21, six numbers each: ``[R00 R01 R10 R11 R20 R21]``
258:262     contact with the floor, 0 or 1: left ankle, left toe, right ankle, right toe
==========  ========================================================================================

There is no orientation of the root: the positions imply it.
"""

from __future__ import annotations

import numpy as np

from .rotations import matrix_from_sixd, sixd_from_matrix
from .skeleton import SMPL
from .types import FPS, Motion

JOINTS = len(SMPL)
WIDTH = 262
POSITIONS = slice(0, 66)
VELOCITIES = slice(66, 132)
ROTATIONS = slice(132, 258)
CONTACTS = slice(258, 262)
WITHOUT_CONTACTS = slice(0, 258)
WORLD = slice(0, 132)
"""Positions and velocities: the columns that depend on where a person stands and faces."""

FOOT_JOINTS = tuple(SMPL.index(name) for name in ("L_Ankle", "L_Foot", "R_Ankle", "R_Foot"))
"""The joints of the four contacts, in order."""

CONTACT_HEIGHTS = np.array([0.12, 0.05, 0.12, 0.05])
"""Metres above the floor below which each of ``FOOT_JOINTS`` can be in contact."""

CONTACT_SQUARED_SPEED = 0.001
"""Square of the metres per frame below which a foot joint stands still."""


def foot_contacts(joints: np.ndarray) -> np.ndarray:
    """Contacts of the foot joints with the floor (Y = 0).

    Args:
        joints: (T, 22, 3) positions, metres.

    Returns:
        (T - 1, 4) of 0 and 1, in the order of ``FOOT_JOINTS``.
    """
    feet = joints[:, FOOT_JOINTS]
    squared_speed = (np.diff(feet, axis=0) ** 2).sum(-1)
    still = squared_speed < CONTACT_SQUARED_SPEED
    return (still & (feet[:-1, :, 1] < CONTACT_HEIGHTS)).astype(np.float32)


def features_from_motion(motion: Motion) -> np.ndarray:
    """Convert a motion to features (T - 1, 262), float32; the last frame only contributes the last velocity.

    The motion is not moved; see ``canonical`` for that.

    Raises:
        ValueError: the motion has no local rotations, or another skeleton.
    """
    if motion.rotations is None or motion.skeleton != SMPL:
        raise ValueError("features need the 22 SMPL joints with their local rotations")
    joints, frames = motion.joints, len(motion) - 1
    features = np.empty((max(frames, 0), WIDTH), dtype=np.float32)
    if frames < 1:
        return features
    features[:, POSITIONS] = joints[:-1].reshape(frames, -1)
    features[:, VELOCITIES] = np.diff(joints, axis=0).reshape(frames, -1)
    features[:, ROTATIONS] = sixd_from_matrix(motion.rotations[:-1]).reshape(frames, -1)
    features[:, CONTACTS] = foot_contacts(joints)
    return features


def motion_from_features(features: np.ndarray, fps: float = FPS) -> Motion:
    """Convert features (T, 262) in metres, not normalised, to a motion of T frames without root orientation.

    Rotations from a network need not be orthonormal; they are orthonormalised.
    """
    frames = len(features)
    rotations = matrix_from_sixd(features[:, ROTATIONS].reshape(frames, JOINTS - 1, 6))
    return Motion(features[:, POSITIONS].reshape(frames, JOINTS, 3), rotations, fps=fps)
