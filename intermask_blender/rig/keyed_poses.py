"""Poses of an armature from its keys alone: nothing is evaluated, so that panels can ask while they are drawn."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from .. import compat
from ..core import rotations
from .rotation_modes import bone_path, quaternions_of, rotation_channel


def keyed_poses(owner: bpy.types.Object, count: int) -> np.ndarray:
    """(T, 2, N, 3) heads and tails of the bones, in the armature, at up to ``count`` frames spread over its own keys.

    Constraints, drivers and strips are left out, and each bone inherits all of its parent's transform. T is 0 if
    the armature has no keys.

    Args:
        owner: an armature; N bones, in the order of its data.
        count: largest number of frames.
    """
    bones = owner.data.bones
    keyed = compat.keyed_range(owner)
    if keyed is None or owner.pose is None or any(bone.name not in owner.pose.bones for bone in bones):
        return np.zeros((0, 2, len(bones), 3))
    frames = np.unique(np.linspace(*keyed, count).round())
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.own_curves(owner)}

    def values(path: str, now: np.ndarray) -> np.ndarray:
        """(T, C) a channel's values; a component without keys has its value of ``now`` (C,)."""
        found = [curves.get((path, index)) for index in range(len(now))]
        columns = [
            np.full(len(frames), now[index]) if curve is None else [curve.evaluate(frame) for frame in frames.tolist()]
            for index, curve in enumerate(found)
        ]
        return np.array(columns, np.float64).T

    posed: dict[str, np.ndarray] = {}
    ends = np.empty((len(frames), 2, len(bones), 3))
    for number, bone in enumerate(bones):  # parents come before their children
        matrix = np.array(bone.matrix_local, np.float64)
        if bone.parent is not None:
            at_rest = np.array(bone.parent.matrix_local, np.float64)
            matrix = posed[bone.parent.name] @ np.linalg.inv(at_rest) @ matrix
        posed[bone.name] = matrix @ _basis(owner.pose.bones[bone.name], values)
        ends[:, 0, number] = posed[bone.name][:, :3, 3]
        ends[:, 1, number] = posed[bone.name][:, :3, 3] + bone.length * posed[bone.name][:, :3, 1]
    return ends


def _basis(bone: bpy.types.PoseBone, values: Callable[[str, np.ndarray], np.ndarray]) -> np.ndarray:
    """(T, 4, 4) a bone's pose against its rest pose; ``values`` gives a channel's values in all frames."""
    path, channel = bone_path(bone.name), rotation_channel(bone)
    turned = quaternions_of(bone, values(channel, np.array(getattr(bone, channel.rpartition(".")[2]))))
    scale = values(f"{path}.scale", np.array(bone.scale))
    basis = np.tile(np.eye(4), (len(turned), 1, 1))
    basis[:, :3, :3] = rotations.matrix_from_quaternion(turned) * scale[:, None]
    basis[:, :3, 3] = values(f"{path}.location", np.array(bone.location))
    return basis
