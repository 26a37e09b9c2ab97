"""The pose of a hand as angles of its fingers, and as rotations of SMPL-X's joints.

A hand has 20 angles, four for each finger in SMPL-X's order (index, middle, pinky, ring, thumb). Of a finger: flexion
of its three joints, and spread of the first towards the thumb. Of the thumb: opposition (out of the palm's plane),
adduction (towards the index finger), and flexion of its second and third joint.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..motion.rest import SMPLX_REST_OFFSETS
from ..motion.rotations import cross, matrix_from_axis_angle, normalized
from ..motion.skeleton import SMPLX

FINGERS = ("Index", "Middle", "Pinky", "Ring", "Thumb")
THUMB = FINGERS.index("Thumb")
ANGLES = 4 * len(FINGERS)
HAND_JOINTS = 3 * len(FINGERS)
"""Finger joints of one hand."""
FIRST_FINGER_JOINT = SMPLX.index("L_Index1")
"""Joints from here on are the fingers of the left hand, then of the right one."""

_PALM = np.array((0.0, -1.0, 0.0))
"""Where the left palm looks in the T-pose; the left fingers point along +X, the thumb lies forward (+Z)."""
_THUMB_PLANE = 40.0
"""Degrees between the palm's plane and the plane in which the thumb bends."""


def _left_offsets() -> np.ndarray:
    """(5, 3, 3) vectors of the left finger bones at rest: from each joint to the next, and to the tip."""
    first = FIRST_FINGER_JOINT
    bones = SMPLX_REST_OFFSETS[first : first + HAND_JOINTS].reshape(len(FINGERS), 3, 3)
    tips = normalized(bones[:, 2]) * np.array(TIP_LENGTHS)[:, None]
    return np.stack((bones[:, 1], bones[:, 2], tips), axis=1)


TIP_LENGTHS = (0.021, 0.018, 0.014, 0.019, 0.027)
"""Metres from the last joint of each finger to the middle of its fingertip, on the bundled mannequin."""
_BONES = _left_offsets()
_AXES = normalized(cross(_BONES, np.broadcast_to(_PALM, _BONES.shape)))
"""(5, 3, 3) axes about which the left fingers flex."""


def _thumb_axes() -> np.ndarray:
    """(3, 3) axes of the left thumb's flexion: opposition of the first joint, flexion of the others."""
    inward = normalized(_BONES[THUMB] @ np.diag((1.0, 0.0, 1.0)))[:, [2, 1, 0]] * (1.0, 1.0, -1.0)
    tilt = np.radians(_THUMB_PLANE)
    return normalized(cross(_BONES[THUMB], np.cos(tilt) * inward + np.sin(tilt) * _PALM))


_THUMB_AXES = _thumb_axes()
_MIRRORED = np.array((1.0, -1.0, -1.0))
"""Factors of an axis-angle vector under reflection at the plane X = 0."""


def finger_rotations(angles: np.ndarray) -> np.ndarray:
    """Rotations of the finger joints of both hands.

    Args:
        angles: (..., 2, 20) degrees, left and right hand.

    Returns:
        (..., 30, 3, 3) local rotations against the T-pose, in SMPL-X's order.
    """
    sides = [chain_rotations(angles[..., side, :], side, range(len(FINGERS))) for side in (0, 1)]
    return np.stack(sides, axis=-5).reshape(*angles.shape[:-2], 2 * HAND_JOINTS, 3, 3)


def chain_rotations(angles: np.ndarray, side: int, fingers: Sequence[int]) -> np.ndarray:
    """Local rotations (..., F, 3, 3, 3) of the three joints of some fingers, for angles (..., 20) of a hand."""
    chosen = list(fingers)
    flexion = np.radians(angles).reshape(*angles.shape[:-1], len(FINGERS), 4)
    vectors = flexion[..., :3, None] * _AXES  # (..., 5, 3, 3)
    vectors[..., THUMB, 0, :] = flexion[..., THUMB, 0, None] * _AXES[THUMB, 0]
    vectors[..., THUMB, 1:, :] = flexion[..., THUMB, 2:, None] * _THUMB_AXES[1:]
    aside = flexion[..., 3, None] * _PALM
    aside[..., THUMB, :] = -flexion[..., THUMB, 1, None] * _PALM
    mirror = _MIRRORED if side else np.ones(3)
    local = matrix_from_axis_angle(vectors[..., chosen, :, :] * mirror)
    local[..., 0, :, :] = matrix_from_axis_angle(aside[..., chosen, :] * mirror) @ local[..., 0, :, :]
    return local
