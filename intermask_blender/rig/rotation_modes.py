"""The channels of pose bones, and rotations as values of the channel that a bone's rotation mode has."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Euler, Quaternion

from ..core import rotations


def bone_path(bone: str) -> str:
    """Data path of a pose bone, from its object."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'


def rotation_channel(bone: bpy.types.PoseBone) -> str:
    """Data path of a bone's rotation, in its rotation mode."""
    names = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
    return f"{bone_path(bone.name)}.{names.get(bone.rotation_mode, 'rotation_euler')}"


def rotation_values(bone: bpy.types.PoseBone, quaternions: np.ndarray) -> np.ndarray:
    """(T, C) values of a bone's rotation channel, in its rotation mode, from quaternions (T, 4)."""
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return quaternions
    if mode == "AXIS_ANGLE":
        turned = rotations.axis_angle_from_quaternion(quaternions)
        angle = np.linalg.norm(turned, axis=1, keepdims=True)
        axis = np.where(angle > 1e-9, turned / np.maximum(angle, 1e-9), (0.0, 1.0, 0.0))
        return np.concatenate((angle, axis), axis=1)
    angles, last = np.empty((len(quaternions), 3)), None
    for frame, quaternion in enumerate(quaternions):
        # Of the angles that give the same rotation, those nearest to the previous frame's.
        last = Quaternion(quaternion).to_euler(mode) if last is None else Quaternion(quaternion).to_euler(mode, last)
        angles[frame] = last
    return angles


def quaternions_of(bone: bpy.types.PoseBone, values: np.ndarray) -> np.ndarray:
    """(T, 4) quaternions from values (T, C) of a bone's rotation channel, in its rotation mode."""
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return rotations.normalized(values, 1e-9)
    if mode == "AXIS_ANGLE":
        return rotations.quaternion_from_axis_angle(values[:, :1] * rotations.normalized(values[:, 1:], 1e-9))
    return np.array([Euler(angles, mode).to_quaternion() for angles in values.tolist()])
