"""The 262 numbers that InterHuman and the networks use for one person in one frame, both ways.

==========  ========================================================================================
columns     what
==========  ========================================================================================
0:66        positions of the 22 joints, x y z, metres, Y up
66:132      velocities: the next frame's position minus this one's, metres a frame
132:258     local rotations of joints 1 to 21, six numbers each: ``[R00 R01 R10 R11 R20 R21]``
258:262     contact with the floor, 0 or 1: left ankle, left toe, right ankle, right toe
==========  ========================================================================================

There is no orientation of the root: the positions hold it.
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
"""The joints behind the four contacts, in order."""

CONTACT_HEIGHTS = np.array([0.12, 0.05, 0.12, 0.05])
"""Metres over the floor below which each of ``FOOT_JOINTS`` can be in contact."""

CONTACT_SQUARED_SPEED = 0.001
"""Square of the metres a frame below which a foot joint stands still."""


def foot_contacts(joints: np.ndarray) -> np.ndarray:
    """Which foot joints stand on the floor (Y = 0).

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
    """A motion as rows, (T - 1, 262) float32; the last frame only gives the last velocity.

    The rows keep the motion's place in the world; ``canonical`` moves it. A motion without rotations raises
    ValueError: rows of a network's data need them.
    """
    if motion.rotations is None or motion.skeleton != SMPL:
        raise ValueError("rows need the 22 SMPL joints with their local rotations")
    joints, frames = motion.joints, len(motion) - 1
    rows = np.empty((max(frames, 0), WIDTH), dtype=np.float32)
    if frames < 1:
        return rows
    rows[:, POSITIONS] = joints[:-1].reshape(frames, -1)
    rows[:, VELOCITIES] = np.diff(joints, axis=0).reshape(frames, -1)
    rows[:, ROTATIONS] = sixd_from_matrix(motion.rotations[:-1]).reshape(frames, -1)
    rows[:, CONTACTS] = foot_contacts(joints)
    return rows


def motion_from_features(rows: np.ndarray, fps: float = FPS) -> Motion:
    """Rows (T, 262), positions in metres and not normalised, as a motion of T frames without root orientation.

    Rotations that a network wrote need not be orthonormal; they are made so.
    """
    frames = len(rows)
    rotations = matrix_from_sixd(rows[:, ROTATIONS].reshape(frames, JOINTS - 1, 6))
    return Motion(rows[:, POSITIONS].reshape(frames, JOINTS, 3), rotations, fps=fps)
