"""Proposals: a new result over existing keys, which the user accepts, or rejects to have exactly what was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..rig.splice import Source, source_of
from .people import is_generated
from .takes import delete_takes

_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
_NUMBERS = ("ik_stretch",)
"""Further properties of bones that settings of bone maps may key."""


@dataclass(frozen=True)
class Before:
    """What an armature had before a result was keyed on it.

    Attributes:
        action: the action that it played.
        slot: of the action.
        fake_user: of the action.
        pose: values of each bone by bone and property, since bones without keys keep the pose of another action.
    """

    action: bpy.types.Action
    slot: str
    fake_user: bool
    pose: dict[str, dict[str, Any]]


def before_result(scene: bpy.types.Scene, names: Iterable[str]) -> dict[str, Before]:
    """What the armatures with these names have now; those without keys of their own are left out."""
    found = {}
    for name in names:
        owner = scene.objects.get(name) if name else None
        source = source_of(owner) if owner is not None else Source()
        if owner is not None and source.action:
            action = owner.animation_data.action
            found[name] = Before(action, source.slot, action.use_fake_user, _pose(owner))
    return found


def propose(take: bpy.types.PropertyGroup, before: Mapping[str, Before], chosen: int, request: str) -> None:
    """Mark a take as a proposal over what was there.

    Args:
        take: with its characters.
        before: by name of the armature; without any the take is no proposal.
        chosen: place in the list of the take that was shown.
        request: the same for all proposals of one result.
    """
    for number, owner in enumerate((take.character_1, take.character_2), 1):
        was = before.get(owner.name) if owner is not None else None
        if was is None:
            continue
        take.proposal, take.request, take.shown_before = True, request, chosen
        setattr(take, f"before_{number}", was.action)
        setattr(take, f"before_slot_{number}", was.slot)
        setattr(take, f"before_fake_user_{number}", was.fake_user)
        take[f"pose_{number}"] = was.pose


def siblings(take: bpy.types.PropertyGroup) -> list[int]:
    """Places in the list of all proposals of a take's result."""
    takes = take.id_data.intermask.takes
    return [n for n, other in enumerate(takes) if other.proposal and other.request == take.request]


def accept(take: bpy.types.PropertyGroup) -> None:
    """Keep a proposal; the others of its result stay in the list as takes."""
    takes = take.id_data.intermask.takes
    for number in siblings(take):
        _forget(takes[number])


def reject(take: bpy.types.PropertyGroup) -> None:
    """Remove all proposals of a take's result, and bring back exactly what was there."""
    scene = take.id_data
    owners = [take.character_1, take.character_2]
    was = [
        (getattr(take, f"before_{n}"), getattr(take, f"before_slot_{n}"), getattr(take, f"before_fake_user_{n}"))
        for n in (1, 2)
    ]
    poses = [take[f"pose_{n}"].to_dict() if f"pose_{n}" in take else {} for n in (1, 2)]
    chosen = take.shown_before
    delete_takes(scene, siblings(take))
    if 0 <= chosen < len(scene.intermask.takes):
        scene.intermask.take_index = chosen
    for owner, (action, slot, fake_user), pose in zip(owners, was, poses, strict=True):
        if owner is None or action is None:
            continue
        compat.assign_action(owner, action, slot)
        action.use_fake_user = fake_user
        _set_pose(owner, pose)
    # Bones with keys go where the action has them in this frame.
    scene.frame_set(scene.frame_current)


def show_next(take: bpy.types.PropertyGroup) -> None:
    """Show the next proposal of the same result."""
    places = siblings(take)
    settings = take.id_data.intermask
    settings.take_index = places[(places.index(settings.take_index) + 1) % len(places)]


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


def _forget(take: bpy.types.PropertyGroup) -> None:
    take.proposal = False
    for number in (1, 2):
        if f"pose_{number}" in take:
            del take[f"pose_{number}"]


def _pose(owner: bpy.types.Object) -> dict[str, dict[str, Any]]:
    """The values of all bones of an armature, with their number properties."""
    pose = {}
    for bone in owner.pose.bones:
        values: dict[str, Any] = {channel: list(getattr(bone, channel)) for channel in _CHANNELS}
        values["numbers"] = {name: getattr(bone, name) for name in _NUMBERS}
        values["properties"] = {key: value for key, value in bone.items() if isinstance(value, int | float)}
        pose[bone.name] = values
    return pose


def _set_pose(owner: bpy.types.Object, pose: dict[str, dict[str, Any]]) -> None:
    for name, values in pose.items():
        bone = owner.pose.bones.get(name)
        if bone is None:
            continue
        for channel in _CHANNELS:
            setattr(bone, channel, values[channel])
        # Files of earlier versions have none.
        for name, value in values.get("numbers", {}).items():
            setattr(bone, name, value)
        for key, value in values["properties"].items():
            bone[key] = value
