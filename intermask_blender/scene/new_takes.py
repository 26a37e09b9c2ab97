"""From a result to takes: characters are keyed, the scene lists the takes, and overlaps are found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import uuid4

import bpy

from ..core import ConstraintError, UserError
from ..generator.generation import GenerationSettings, Pair
from ..translations import tr
from .clip_world import store_world
from .overlaps import moved_to_free_space, overlapping_objects, overlapping_people
from .own_keys import Pose, pose_of_bones, remember
from .people import is_generated
from .placement import Placement, new_people
from .placing import place, scene_joints
from .proposals import before_result, propose
from .spots import CLIP, cursor_spot, standing_spot, world_at_spot
from .take_settings import store_settings
from .takes import add_take, people_of_takes, people_to_reuse
from .thinning import thin_out_take


@dataclass(frozen=True)
class Placed:
    """The outcome of placing a result.

    Attributes:
        first: whether these are the first takes of the scene.
        overlaps: names of objects and people that the characters overlap.
    """

    first: bool
    overlaps: tuple[str, ...]


def place_takes(
    pairs: Sequence[Pair],
    placement: Placement,
    settings: GenerationSettings,
    errors: Sequence[Sequence[ConstraintError]] = (),
) -> Placed:
    """Key all takes on the same characters, list them with the scene, and show the first.

    Args:
        pairs: both people of each take.
        placement: as ``prepare`` returned it.
        settings: of the request.
        errors: for each take how far it is from each constraint.

    Raises:
        UserError: as ``place``.
    """
    prompt = placement.prompt or settings.prompt.strip()
    title = placement.title or prompt
    placement = replace(placement, plant_feet=settings.foot_lock, keep_contacts=settings.contact)
    scene = bpy.data.scenes.get(placement.scene)
    listed = scene is not None and hasattr(scene, "intermask")
    if listed:
        placement = _with_all_bones(_with_newer_pair(placement, scene), pairs[0], scene)
    first = len(scene.intermask.takes) if listed else 0
    before = before_result(scene, placement.characters) if listed else {}
    poses = _poses_before(scene, placement.characters) if listed else {}
    request = uuid4().hex
    shown = scene.intermask.take_index if listed else 0
    free, overlaps = placement.kept_keys is None, []
    for number, pair in enumerate(pairs, 1):
        # Constraints say where people are.
        if free and new_people(placement) == (1,) and placement.has_leader and listed and not settings.constraints:
            pair = moved_to_free_space(scene, pair, placement)
        owners = place(pair, placement, title)
        names = {index: owner.name for index, owner in owners.items()}
        placement = replace(placement, characters=(names.get(0, ""), names.get(1, "")))
        if not listed:
            continue
        for owner in owners.values():
            if number == 1 and owner.name in poses:
                remember(owner, poses[owner.name])
        leader = scene.objects.get(placement.leader_name) if placement.leader_name else None
        people = (owners.get(0), owners.get(1))
        take = add_take(scene, title, prompt, settings.seed, number, settings.model.name, people, leader)
        propose(take, before, shown, request)
        store_settings(take, settings, placement)
        _note_errors(take, errors[number - 1] if number <= len(errors) else ())
        if placement.keys is not None:
            # A motion that cannot be thinned out, such as one of two frames, keeps its keys.
            with suppress(UserError):
                thin_out_take(take, placement.keys)
        if placement.spot is not None and (placement.spot.anchor == CLIP or is_generated(owners[0])):
            store_world(take, owners[0], world_at_spot(pair, placement.spot, placement.metres))
        if free:
            joints = scene_joints(pair, placement)
            found = overlapping_people(scene, joints, placement.start_frame, [*owners.values(), leader])
            if placement.spot is not None:
                found = [*(thing.name for thing in overlapping_objects(scene, joints)), *found]
            take.stands_in = "\n".join(found)
            overlaps += found
    if listed:
        scene.intermask.take_index = first
    return Placed(first == 0, tuple(dict.fromkeys(overlaps)))


def missed_notice(take: bpy.types.PropertyGroup) -> str:
    """What is not met of what was asked of a take; empty where all is."""
    missed = ", ".join(item.name for item in take.constraint_errors if item.missed)
    notice = tr("Not met: {names}; change what is asked, or try another seed")
    return notice.format(names=missed) if missed else ""


def _poses_before(scene: bpy.types.Scene, names: Sequence[str]) -> dict[str, Pose]:
    """The values of the bones of the user's own rigs that are in no take yet, by name of the rig."""
    rigs = [owner for name in names if (owner := scene.objects.get(name)) is not None]
    listed = people_of_takes()
    return {owner.name: pose_of_bones(owner) for owner in rigs if not is_generated(owner) and owner not in listed}


def _note_errors(take: bpy.types.PropertyGroup, errors: Sequence[ConstraintError]) -> None:
    """List with a take how well it meets constraints."""
    for error in errors:
        item = take.constraint_errors.add()
        item.name, item.missed = error.name, error.missed
        found = {"metres": error.worst, "degrees": error.worst_angle, "seconds": error.seconds}
        for unit, value in found.items():
            if value is not None:
                setattr(item, unit, value)


def _with_newer_pair(placement: Placement, scene: bpy.types.Scene) -> Placement:
    """With the pair that was generated since the request was sent, if this request would create another pair."""
    if not placement.reuse or placement.has_leader or len(new_people(placement)) < 2:
        return placement
    first, second = people_to_reuse(scene, None)
    if first is None or second is None:
        return placement
    spot = placement.spot
    if spot is None or spot.anchor != CLIP:
        spot = standing_spot(scene, (first, second), placement.start_frame)
    return replace(placement, characters=(first.name, second.name), spot=spot)


def _with_all_bones(placement: Placement, pair: Pair, scene: bpy.types.Scene) -> Placement:
    """With new people if those of the chosen take lack bones of the motion, such as the fingers of another model."""
    if not placement.reuse:
        return placement
    people = [owner for name in placement.characters if (owner := scene.objects.get(name)) is not None]
    if all(set(pair[0].skeleton.joints) <= set(owner.data.bones.keys()) for owner in people):
        return placement
    kept = placement.has_leader or (placement.spot is not None and placement.spot.anchor == CLIP)
    spot = placement.spot if kept else cursor_spot(scene)
    return replace(placement, characters=("", ""), spot=spot)
