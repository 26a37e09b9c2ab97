"""Proposals: a new result over existing keys, which the user accepts, or rejects to have exactly what was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..rig.splice import Source, source_of
from .own_keys import pose_of_bones, set_pose_of_bones
from .takes import delete_takes


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
            found[name] = Before(action, source.slot, action.use_fake_user, pose_of_bones(owner))
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
        set_pose_of_bones(owner, pose)
    # Bones with keys go where the action has them in this frame.
    scene.frame_set(scene.frame_current)


def show_next(take: bpy.types.PropertyGroup) -> None:
    """Show the next proposal of the same result."""
    places = siblings(take)
    settings = take.id_data.intermask
    settings.take_index = places[(places.index(settings.take_index) + 1) % len(places)]


def _forget(take: bpy.types.PropertyGroup) -> None:
    take.proposal = False
    for number in (1, 2):
        if f"pose_{number}" in take:
            del take[f"pose_{number}"]
