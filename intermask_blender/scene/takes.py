"""Takes: switching the characters between draws, deleting draws, and laying one down in the NLA."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .. import compat
from ..core import UserError
from ..translations import tr

Part = tuple[bpy.types.Object, bpy.types.Action]


def parts(take: bpy.types.PropertyGroup) -> list[Part]:
    """The characters of a take with their actions, without those that were deleted."""
    pairs = ((take.character_1, take.action_1), (take.character_2, take.action_2))
    return [(owner, action) for owner, action in pairs if owner is not None and action is not None]


def add_take(
    scene: bpy.types.Scene, prompt: str, seed: int, number: int, model: str, owners: Sequence[bpy.types.Object | None]
) -> bpy.types.PropertyGroup:
    """Remember what the characters do now as a take.

    Args:
        scene: that lists it.
        prompt, seed, number, model: how it was generated, ``number`` from 1.
        owners: the first and the second person; None for a leader, whose motion is the user's.

    Returns:
        The take.
    """
    take = scene.intermask.takes.add()
    # The number leads, for a narrow list cuts the end off.
    take.name = f"{number}: {prompt}" if number > 1 else prompt
    take.prompt, take.seed, take.number, take.model = prompt, min(seed, 2**31 - 1), number, model
    for index, owner in enumerate(owners, 1):
        if owner is not None:
            setattr(take, f"character_{index}", owner)
            setattr(take, f"action_{index}", owner.animation_data.action)
    return take


def show_take(take: bpy.types.PropertyGroup) -> None:
    """Let the characters do what the take says; the actions that they had are kept in the file."""
    for owner, action in parts(take):
        animation = owner.animation_data
        if animation is not None and animation.action not in (None, action):
            animation.action.use_fake_user = True
        compat.assign_action(owner, action)


def frames_of(take: bpy.types.PropertyGroup) -> tuple[int, int]:
    """First and last frame of a take.

    Raises:
        UserError: both characters or their actions are gone.
    """
    ranges = [action.frame_range for _, action in parts(take)]
    if not ranges:
        raise UserError(tr("The characters of the take {take} are gone; generate it again.").format(take=take.name))
    return round(min(first for first, _ in ranges)), round(max(last for _, last in ranges))


def bounds_now(owners: Sequence[bpy.types.Object]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner, (3,) in the world, of what armatures' bones span at the current frame."""
    ends = [owner.matrix_world @ end for owner in owners for bone in owner.pose.bones for end in (bone.head, bone.tail)]
    return np.min(ends, axis=0), np.max(ends, axis=0)


def delete_takes(scene: bpy.types.Scene, numbers: Sequence[int]) -> None:
    """Delete takes by their places in the list; if the one that is shown goes, a neighbour is shown."""
    settings = scene.intermask
    current = settings.take_index
    for number in sorted(numbers, reverse=True):
        actions = [action for _, action in parts(settings.takes[number])]
        settings.takes.remove(number)
        for action in actions:
            others = [take for take in settings.takes if action in (take.action_1, take.action_2)]
            if not others:
                bpy.data.actions.remove(action)
    gone = sum(number < current for number in numbers)
    if settings.takes:
        settings.take_index = max(0, min(current - gone, len(settings.takes) - 1))


def push_to_nla(take: bpy.types.PropertyGroup) -> None:
    """Lay a take down as a strip on a new track of each character, and free the characters for other actions.

    Raises:
        UserError: both characters or their actions are gone.
    """
    found = parts(take)
    if not found:
        raise UserError(tr("The characters of the take {take} are gone; generate it again.").format(take=take.name))
    for owner, action in found:
        compat.assign_action(owner, action)
        animation = owner.animation_data
        track = animation.nla_tracks.new()
        track.name = take.name
        strip = track.strips.new(take.name, int(action.frame_range[0]), action)
        compat.bind_strip(strip, animation)
        animation.action = None
