"""Keying a posed skeleton on an armature with the skeleton's bone names, one action for each person."""

from __future__ import annotations

import bpy
import numpy as np

from .. import compat
from ..core import PosedSkeleton
from .axes import BLENDER_FROM_MOTION, vectors_to_blender
from .rotation_modes import bone_path

LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames a second of a scene."""
    return scene.render.fps / scene.render.fps_base


def resampled(posed: PosedSkeleton, fps: float) -> PosedSkeleton:
    """As ``PosedSkeleton.resampled``."""
    return posed.resampled(fps)


def key_posed(
    posed: PosedSkeleton, owner: bpy.types.Object, scene: bpy.types.Scene, start_frame: int, name: str
) -> bpy.types.Action:
    """Key a motion on an armature whose bones have the skeleton's names, one key for each scene frame.

    The rest pose may be any: rotations are converted by each bone's rest matrix. The motion's world is the armature's
    own space.

    Args:
        posed: the motion.
        owner: an armature object.
        scene: gives the frame rate.
        start_frame: scene frame of the first key.
        name: of the new action, which becomes the armature's.
    """
    posed = resampled(posed, scene_fps(scene))
    animation = owner.animation_data or owner.animation_data_create()
    action = bpy.data.actions.new(name)
    animation.action = action
    store = compat.fcurve_store(owner, action)
    frames = np.arange(start_frame, start_frame + len(posed), dtype=np.float32)
    for joint, bone_name in enumerate(posed.skeleton.joints):
        rest = np.array(owner.data.bones[bone_name].matrix_local)
        to_bone = rest[:3, :3].T @ BLENDER_FROM_MOTION
        path = bone_path(bone_name)
        if joint == 0:
            moved = (vectors_to_blender(posed.translation) - rest[:3, 3]) @ rest[:3, :3]
            write_curves(store, f"{path}.location", bone_name, frames, moved)
        # In the bone's axes the rotation has the same angle, and its axis is converted.
        quaternions = posed.rotations[:, joint]
        turned = np.concatenate((quaternions[:, :1], quaternions[:, 1:] @ to_bone.T), axis=1)
        write_curves(store, f"{path}.rotation_quaternion", bone_name, frames, turned)
    return action


def write_curves(store: object, path: str, group: str, frames: np.ndarray, columns: np.ndarray) -> None:
    """One curve for each column (T, C) of values."""
    coordinates = np.empty((len(frames), 2), np.float32)
    coordinates[:, 0] = frames
    linear = np.full(len(frames), LINEAR, np.int32)
    for index in range(columns.shape[1]):
        curve = compat.add_fcurve(store, path, index, group)
        coordinates[:, 1] = columns[:, index]
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", coordinates.ravel())
        curve.keyframe_points.foreach_set("interpolation", linear)
        curve.update()
