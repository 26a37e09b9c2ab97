"""The takes of a scene: showing one, deleting some, and pushing one down to the NLA."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .. import compat
from ..core import UserError
from ..translations import tr
from .own_keys import give_back, users_own
from .people import is_generated, remove_person, set_hidden
from .prop_holders import remove_props_of

CharacterAction = tuple[bpy.types.Object, bpy.types.Action]


def character_actions(take: bpy.types.PropertyGroup) -> list[CharacterAction]:
    """The characters of a take that are still in its scene, with their actions."""
    pairs = ((take.character_1, take.action_1), (take.character_2, take.action_2))
    return [(owner, action) for owner, action in pairs if _in_scene(take, owner) and action is not None]


def chosen_take(scene: bpy.types.Scene) -> bpy.types.PropertyGroup | None:
    """The take that is chosen in the list; None if there is none."""
    settings = getattr(scene, "intermask", None)
    if settings is None or not 0 <= settings.take_index < len(settings.takes):
        return None
    return settings.takes[settings.take_index]


def is_reaction(take: bpy.types.PropertyGroup) -> bool:
    """Whether the first person of a take is a leader, whose motion belongs to the user."""
    return take.character_1 is None and take.action_1 is None


def people_of(take: bpy.types.PropertyGroup) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Both people of a take; the first one is the leader in a reaction.

    Raises:
        UserError: one of them is no longer in the take's scene.
    """
    first = leader_of(take) if is_reaction(take) else take.character_1
    if is_reaction(take) and not _in_scene(take, first):
        raise UserError(
            tr("The leader of the take {take} was deleted; choose a leader and generate a new take.").format(
                take=take.name
            )
        )
    if not _in_scene(take, first) or not _in_scene(take, take.character_2):
        raise UserError(
            tr("A character of the take {take} was deleted; choose another take, or generate a new one.").format(
                take=take.name
            )
        )
    return first, take.character_2


def check_unshared(take: bpy.types.PropertyGroup) -> None:
    """Whether each character of a take has its action for itself, so that both can be read and keyed.

    Raises:
        UserError: another object plays the action of one of them.
    """
    for owner, action in character_actions(take):
        moved = [thing for thing in take.id_data.objects if thing != owner and thing.animation_data is not None]
        others = [thing for thing in moved if thing.animation_data.action == action]
        if others:
            raise UserError(
                tr(
                    "{name} and {other} share the action {action}; make it a single user copy in the Action Editor "
                    "first."
                ).format(name=owner.name, other=others[0].name, action=action.name)
            )


def seed_of(take: bpy.types.PropertyGroup) -> int | None:
    """The seed that a take was generated with, None where none is stored. Early versions stored a number."""
    stored = take.get("seed")  # reading the property itself would delete a stored number
    return None if stored in (None, "") else int(stored)


def leader_of(take: bpy.types.PropertyGroup) -> bpy.types.Object | None:
    """The leader of a reaction, None for other takes and where it was deleted.

    Early versions did not store it: then it is the only armature with keys in all frames of the reaction, if there is
    only one.
    """
    # Reading the pointer of such a take would store that there is none.
    if take.is_property_set("leader") or not is_reaction(take) or not character_actions(take):
        return take.leader
    first, last = frames_of(take)
    possible = []
    for owner in take.id_data.objects:
        keyed = compat.animated_range(owner) if owner.type == "ARMATURE" and owner != take.character_2 else None
        if keyed is not None and keyed[0] <= first and last <= keyed[1] + 1:
            possible.append(owner)
    return possible[0] if len(possible) == 1 else None


def add_take(
    scene: bpy.types.Scene,
    title: str,
    prompt: str,
    seed: int,
    number: int,
    model: str,
    owners: Sequence[bpy.types.Object | None],
    leader: bpy.types.Object | None = None,
) -> bpy.types.PropertyGroup:
    """List the characters' current actions as a take.

    Args:
        scene: that lists it.
        title: name of the take; it gets a number in front if another take has the same name.
        prompt, seed, number, model: how it was generated, ``number`` from 1.
        owners: the first and the second person; None for a leader, whose motion belongs to the user.
        leader: the armature that the second person reacts to.

    Returns:
        The take.
    """
    take = scene.intermask.takes.add()
    take.name = _free_name(scene, title)
    take.prompt, take.seed, take.number, take.model = prompt, str(seed), number, model
    take.leader = leader
    for index, owner in enumerate(owners, 1):
        if owner is not None:
            setattr(take, f"character_{index}", owner)
            setattr(take, f"action_{index}", owner.animation_data.action)
    return take


def _free_name(scene: bpy.types.Scene, title: str) -> str:
    """The title, or the title after a number, since a narrow list hides the end of names."""
    names = {take.name for take in scene.intermask.takes}
    number, name = 1, title
    while name in names:
        number += 1
        name = f"{number}: {title}"
    return name


def show_take(take: bpy.types.PropertyGroup) -> None:
    """Assign the take's actions to its characters; actions that are in no take are kept in the file."""
    listed = _listed_actions()
    for owner, action in character_actions(take):
        animation = owner.animation_data
        if animation is not None and animation.action not in (None, action) and animation.action not in listed:
            animation.action.use_fake_user = True
        compat.assign_action(owner, action)
    _preview(take)
    if take.id_data.intermask.hide_other_people:
        hide_other_people(take.id_data)


def _preview(take: bpy.types.PropertyGroup) -> None:
    """Set the preview range to this take if it is set to another one; any other range is the user's and stays."""
    scene = take.id_data
    now = scene.frame_preview_start, scene.frame_preview_end
    if scene.use_preview_range and character_actions(take):
        others = [other for other in scene.intermask.takes if character_actions(other)]
        if any(frames_of(other) == now for other in others):
            scene.frame_preview_start, scene.frame_preview_end = frames_of(take)


def hide_other_people(scene: bpy.types.Scene) -> None:
    """Hide the generated people that are not in the chosen take, or show all, by the scene's settings."""
    settings = scene.intermask
    hide, shown = settings.hide_other_people, set()
    if 0 <= settings.take_index < len(settings.takes):
        chosen = settings.takes[settings.take_index]
        shown = {leader_of(chosen), chosen.character_1, chosen.character_2}
    people = {owner for take in settings.takes for owner in (take.character_1, take.character_2) if owner is not None}
    for owner in people:
        if is_generated(owner):
            set_hidden(owner, hide and owner not in shown)


def people_to_reuse(
    scene: bpy.types.Scene, leader: bpy.types.Object | None
) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """The generated people of the chosen take who also perform the next one; None for each that must be created.

    Args:
        scene: that lists the take.
        leader: of the next take; a reactor is reused for the same leader only.
    """
    take = chosen_take(scene)
    if take is None:
        return None, None
    people = _generated_people(take)
    if leader is not None:
        return None, people[1] if is_reaction(take) and leader_of(take) == leader else None
    return people if all(people) else (None, None)


def with_generated_partner(
    scene: bpy.types.Scene, characters: tuple[bpy.types.Object | None, bpy.types.Object | None]
) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """The characters of a next take: one armature of the user's keeps the partner that the chosen take has for it."""
    take = chosen_take(scene)
    if take is None or characters.count(None) != 1:
        return characters
    first, second = _generated_people(take)
    if characters[1] is None:
        return characters[0], second if take.character_1 == characters[0] else None
    return first if take.character_2 == characters[1] else None, characters[1]


def frames_of(take: bpy.types.PropertyGroup) -> tuple[int, int]:
    """First and last frame of a take.

    Raises:
        UserError: both characters or their actions were deleted.
    """
    actions = [action for _, action in _existing_character_actions(take)]
    first, last = (round(pick(action.frame_range[end] for action in actions)) for end, pick in ((0, min), (1, max)))
    # The last key of a loop is the first one of the next cycle.
    return first, last - all(action.use_cyclic for action in actions)


def bounds_now(owners: Sequence[bpy.types.Object]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) of the bones of armatures at the current frame, in the world."""
    ends = [owner.matrix_world @ end for owner in owners for bone in owner.pose.bones for end in (bone.head, bone.tail)]
    return np.min(ends, axis=0), np.max(ends, axis=0)


def delete_takes(scene: bpy.types.Scene, numbers: Sequence[int]) -> None:
    """Delete takes, and the actions and generated people that nothing else uses.

    An NLA strip, another take or another object that plays an action keeps it. If the take that is shown is deleted,
    a neighbour is shown. The user's rigs of which no take is left are as before their first one.

    Args:
        scene: that lists them.
        numbers: their places in the list.
    """
    settings = scene.intermask
    current = settings.take_index
    actions: dict[bpy.types.Action, None] = {}
    people: dict[bpy.types.Object, None] = {}
    played = _played_ranges(scene, numbers)
    deleted = [settings.takes[number] for number in numbers]
    own = {owner: users_own(owner) for take in deleted for owner in (take.character_1, take.character_2) if owner}
    for number in sorted(numbers, reverse=True):
        take = settings.takes[number]
        actions |= dict.fromkeys(_actions_of(take))
        people |= dict.fromkeys(owner for owner in (take.character_1, take.character_2) if owner is not None)
        settings.takes.remove(number)
    leaders = _leaders()
    listed_actions = _listed_actions()
    unlisted = [action for action in actions if action not in listed_actions]
    for owner in people:
        animation = owner.animation_data
        # A leader keeps its action: other people react to it.
        if animation is not None and animation.action in unlisted and owner not in leaders:
            paths = {curve.data_path for curve in compat.curves_of_action(animation.action)}
            animation.action = None
            if not is_generated(owner) and owner not in people_of_takes():
                give_back(owner, own[owner], paths)
    for action in unlisted:
        if action.users - action.use_fake_user == 0:
            bpy.data.actions.remove(action)
    if settings.takes:
        before = sum(number < current for number in numbers)
        settings.take_index = max(0, min(current - before, len(settings.takes) - 1))
    elif scene.use_preview_range and (scene.frame_preview_start, scene.frame_preview_end) in played:
        # It was set to a take that is gone.
        scene.use_preview_range = False
    listed_people = _listed_people() | leaders
    unused = [o for o in people if is_generated(o) and o not in listed_people and not _is_animated(o)]
    remove_props_of(unused)
    for owner in unused:
        remove_person(owner)


def _played_ranges(scene: bpy.types.Scene, numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The frames of takes, of those whose characters still exist."""
    takes = [scene.intermask.takes[number] for number in numbers]
    return [frames_of(take) for take in takes if character_actions(take)]


def push_to_nla(take: bpy.types.PropertyGroup) -> None:
    """Add a take as a strip on a new track of each character and unassign its actions.

    Raises:
        UserError: both characters or their actions were deleted.
    """
    for owner, action in _existing_character_actions(take):
        compat.assign_action(owner, action)
        animation = owner.animation_data
        track = animation.nla_tracks.new()
        track.name = take.name
        strip = track.strips.new(take.prompt or take.name, round(action.frame_range[0]), action)
        # Blender 4.3 and earlier name a new strip by its action.
        strip.name = take.prompt or take.name
        compat.bind_strip(strip, animation)
        animation.action = None


def _existing_character_actions(take: bpy.types.PropertyGroup) -> list[CharacterAction]:
    found = character_actions(take)
    if not found:
        raise no_characters(take)
    return found


def no_characters(take: bpy.types.PropertyGroup) -> UserError:
    """The error of a take without characters."""
    return UserError(tr("The characters of the take {take} were deleted; generate a new take.").format(take=take.name))


def _generated_people(
    take: bpy.types.PropertyGroup,
) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """Both characters of a take; None for each that is the user's, or is not in the scene any more."""
    first, second = (
        owner if _in_scene(take, owner) and is_generated(owner) else None
        for owner in (take.character_1, take.character_2)
    )
    return first, second


def _in_scene(take: bpy.types.PropertyGroup, owner: bpy.types.Object | None) -> bool:
    """Whether an object is in a take's scene: Blender's Delete keeps it in the file while the take points to it."""
    return owner is not None and take.id_data.objects.get(owner.name) == owner


def _takes() -> list[bpy.types.PropertyGroup]:
    """The takes of all scenes: a copied scene lists the same actions."""
    return [take for scene in bpy.data.scenes for take in scene.intermask.takes]


def _listed_actions() -> set[bpy.types.Action]:
    return {action for take in _takes() for action in _actions_of(take)}


def _actions_of(take: bpy.types.PropertyGroup) -> list[bpy.types.Action]:
    """The actions of a take, with those that it keeps while it has key poses."""
    actions = (take.action_1, take.action_2, take.every_frame_1, take.every_frame_2)
    return [action for action in actions if action is not None]


def _listed_people() -> set[bpy.types.Object]:
    """All people of takes, and those chosen in a panel for the next take."""
    chosen = [
        owner for scene in bpy.data.scenes for owner in (scene.intermask.character_1, scene.intermask.character_2)
    ]
    return people_of_takes() | {owner for owner in chosen if owner is not None}


def people_of_takes() -> set[bpy.types.Object]:
    """All people of takes."""
    people = [owner for take in _takes() for owner in (take.character_1, take.character_2)]
    return {owner for owner in people if owner is not None}


def _leaders() -> set[bpy.types.Object]:
    leaders = [scene.intermask.leader for scene in bpy.data.scenes] + [leader_of(take) for take in _takes()]
    return {leader for leader in leaders if leader is not None}


def _is_animated(owner: bpy.types.Object) -> bool:
    animation = owner.animation_data
    return animation is not None and (animation.action is not None or any(t.strips for t in animation.nla_tracks))
