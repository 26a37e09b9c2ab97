"""What the user's own rigs had before the first result: their keys, and the values that results change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from .. import compat
from ..rig.rotation_modes import bone_path
from ..rig.splice import Source, source_of
from .people import is_generated

BEFORE = "intermask_before"
"""Custom property of a rig with takes: the values of its bones before the first one."""
_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
_NUMBERS = ("ik_stretch",)
"""Further properties of bones that settings of bone maps may key."""

Pose = dict[str, dict[str, Any]]


def users_own(owner: bpy.types.Object) -> Source:
    """The action with the user's own keys of an armature: the one that it plays, or that was there before its takes."""
    if is_generated(owner):
        return Source()
    source = source_of(owner)
    action = bpy.data.actions.get(source.action) if source.action else None
    scenes = [scene for scene in bpy.data.scenes if hasattr(scene, "intermask")]
    takes = [(take, number) for scene in scenes for take in scene.intermask.takes for number in (1, 2)]
    for _ in takes:
        made = [(take, number) for take, number in takes if getattr(take, f"action_{number}") == action]
        if action is None or not made:
            break
        take, number = made[0]
        action = getattr(take, f"before_{number}")
        source = Source() if action is None else Source(action.name, getattr(take, f"before_slot_{number}"))
    return source


def pose_of_bones(owner: bpy.types.Object) -> Pose:
    """The values of all bones of an armature, with their number properties."""
    pose = {}
    for bone in owner.pose.bones:
        values: dict[str, Any] = {channel: list(getattr(bone, channel)) for channel in _CHANNELS}
        values["numbers"] = {name: getattr(bone, name) for name in _NUMBERS}
        values["properties"] = {key: value for key, value in bone.items() if isinstance(value, int | float)}
        pose[bone.name] = values
    return pose


def set_pose_of_bones(owner: bpy.types.Object, pose: Pose, paths: Iterable[str] | None = None) -> None:
    """Give the bones of an armature the values of a pose.

    Args:
        owner: the armature.
        pose: as ``pose_of_bones`` returned it; bones that no longer exist are left out.
        paths: data paths of the values that are set; None for all.
    """
    wanted = None if paths is None else set(paths)
    for name, values in pose.items():
        bone = owner.pose.bones.get(name)
        if bone is None:
            continue
        path = bone_path(name)
        # Files of earlier versions have no numbers.
        for key, value in {**{channel: values[channel] for channel in _CHANNELS}, **values.get("numbers", {})}.items():
            if wanted is None or f"{path}.{key}" in wanted:
                setattr(bone, key, value)
        for key, value in values["properties"].items():
            if wanted is None or f'{path}["{bpy.utils.escape_identifier(key)}"]' in wanted:
                bone[key] = value


def remember(owner: bpy.types.Object, pose: Pose) -> None:
    """Store in a rig of the user's the values that it had before its first take."""
    owner[BEFORE] = pose


def give_back(owner: bpy.types.Object, own: Source, paths: Iterable[str]) -> None:
    """Give a rig that has no takes any more its own keys, and the values that its takes changed.

    Args:
        owner: the armature.
        own: its keys before the takes.
        paths: data paths of the keys that the takes had.
    """
    if BEFORE in owner:
        set_pose_of_bones(owner, owner[BEFORE].to_dict(), paths)
        del owner[BEFORE]
    action = bpy.data.actions.get(own.action) if own.action else None
    if action is not None:
        compat.assign_action(owner, action, own.slot)
