"""From a result to characters in a scene: new people, keys, and the list of takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np

from ..core import (
    SMPL,
    PosedSkeleton,
    RootMotionScale,
    TargetBody,
    UserError,
    on_other_bodies,
)
from ..generator.generation import GenerationSettings, Pair
from ..rig.axes import vectors_to_blender
from ..rig.body import load_body, sole_depth
from ..rig.build import Colour, build_armature, build_mannequin
from ..rig.key import key_posed, scene_fps
from ..rig.retarget import RigKeys, RootMotion, body_of_rig, hip_ratio, rig_keys, write_keys
from ..rig.smpl_body import build_smpl_body, remove_body
from ..rig.splice import write_edit
from ..translations import tr
from .overlaps import overlapping_objects
from .placement import Placement, moving_people, new_people
from .takes import add_take

COLOURS: tuple[Colour, Colour] = ((0.75, 0.42, 0.16), (0.12, 0.35, 0.62))
"""Linear RGB of the first and the second person."""


def place_takes(pairs: Sequence[Pair], placement: Placement, settings: GenerationSettings) -> list[str]:
    """Key all takes on the same characters, list them with the scene, and show the first.

    Args:
        pairs: both people of each take.
        placement: what ``prepare`` gave.
        settings: how they were generated.

    Returns:
        Names of the things that new characters stand in.

    Raises:
        UserError: as ``place``.
    """
    prompt = settings.prompt.strip()
    placement = replace(placement, stand=settings.foot_lock, meet=settings.contact)
    owners: dict[int, bpy.types.Object] = {}
    scene = bpy.data.scenes.get(placement.scene)
    first = len(scene.intermask.takes) if scene is not None and hasattr(scene, "intermask") else 0
    in_the_way: list[str] = []
    for number, pair in enumerate(pairs, 1):
        at_origin = placement.at_origin or len(new_people(placement)) == 2
        owners = place(pair, placement, prompt)
        names = {index: owner.name for index, owner in owners.items()}
        placement = replace(placement, characters=(names.get(0, ""), names.get(1, "")), at_origin=at_origin)
        if scene is not None and hasattr(scene, "intermask"):
            people = (owners.get(0), owners.get(1))
            take = add_take(scene, prompt, settings.seed, number, settings.model.name, people)
            if at_origin:
                joints = vectors_to_blender(np.stack([person.joints()[:, : len(SMPL)] for person in pair]))
                things = overlapping_objects(scene, joints + placement.origin)
                take.stands_in = "\n".join(thing.name for thing in things)
                in_the_way += [thing.name for thing in things]
    if scene is not None and hasattr(scene, "intermask"):
        scene.intermask.take_index = first
    return list(dict.fromkeys(in_the_way))


def place(pair: Pair, placement: Placement, title: str) -> dict[int, bpy.types.Object]:
    """Key a pair on the chosen characters and on new ones; nothing else in the scene changes.

    Args:
        pair: both people; the first one is left out where a leader stands for it.
        placement: what ``prepare`` gave.
        title: names the collection and the actions.

    Returns:
        The armatures that were keyed, by person: 0 and 1, or 1 alone beside a leader.

    Raises:
        UserError: the scene or a chosen character is gone, or it can no longer be keyed; nothing has changed then.
    """
    scene = bpy.data.scenes.get(placement.scene)
    if scene is None:
        raise UserError(
            tr("The scene {name} was removed meanwhile; generate again in another one.").format(name=placement.scene)
        )
    pair = (_scaled(pair[0], placement.size), _scaled(pair[1], placement.size))
    at = placement.origin if len(new_people(placement)) == 2 else (0.0, 0.0, 0.0)
    placement, collection = _with_bodies(placement, scene, title)
    try:
        with _in_the_middle(placement, scene):
            pair, keys = _chosen_keys(pair, placement, scene)
    except UserError:
        if collection is not None:
            for owner in [item for item in collection.objects if item.type == "ARMATURE"]:
                remove_body(owner)
            bpy.data.collections.remove(collection)
        raise
    made = {index: item.owner for index, item in keys.items()}
    for index, item in keys.items():
        name, held = f"Person {index + 1}: {title}", placement.held
        if held is None or not write_edit(item, name, held, index, scene_fps(scene)):
            write_keys(item, name)
        if collection is not None and item.owner.name in collection.objects:
            item.owner.location = at
    new = [index for index in moving_people(placement) if index not in keys]
    if not new:
        return made
    if collection is None:
        collection = bpy.data.collections.new(title)
        scene.collection.children.link(collection)
    for index in new:
        name = f"Person {index + 1}"
        posed = _scaled(pair[index], 1.0 / placement.metres) if placement.has_leader else _on_soles(pair[index])
        armature = build_armature(name, posed.offsets, collection, posed.skeleton)
        build_mannequin(armature, posed.offsets, COLOURS[index])
        # Beside a character of the scene the keys say where the other one is.
        armature.location = at
        key_posed(posed, armature, scene, placement.start_frame, f"{name}: {title}")
        made[index] = armature
    return made


def _with_bodies(
    placement: Placement, scene: bpy.types.Scene, title: str
) -> tuple[Placement, bpy.types.Collection | None]:
    """New characters that are the user's own body, in a new collection; they are keyed as chosen ones are."""
    new = [(index, body) for index in new_people(placement) if (body := placement.bodies[index]) is not None]
    if not new:
        return placement, None
    collection = bpy.data.collections.new(title)
    scene.collection.children.link(collection)
    size = placement.size / placement.metres if placement.has_leader else 1.0
    names = list(placement.characters)
    for index, body in new:
        owner = build_smpl_body(body, f"Person {index + 1}", collection, COLOURS[index], size)
        names[index] = owner.name
    return replace(placement, characters=(names[0], names[1])), collection


@contextmanager
def _in_the_middle(placement: Placement, scene: bpy.types.Scene) -> Iterator[None]:
    """Characters that stand at the placement's origin are at the world's for a while."""
    owners = [scene.objects.get(name) for name in placement.characters] if placement.at_origin else []
    there = [(owner, owner.location.copy()) for owner in owners if owner is not None]
    try:
        for owner, _ in there:
            owner.location = (0.0, 0.0, 0.0)
        yield
    finally:
        for owner, location in there:
            owner.location = location


def _chosen_keys(pair: Pair, placement: Placement, scene: bpy.types.Scene) -> tuple[Pair, dict[int, RigKeys]]:
    """Both people's motion as it suits their bodies, and keys for the chosen characters.

    All of them walk at one scale about one origin.
    """
    owners: dict[int, bpy.types.Object] = {}
    for index in moving_people(placement):
        name = placement.characters[index]
        if not name:
            continue
        owner = scene.objects.get(name)
        if owner is None:
            raise UserError(
                tr("The character {name} was removed from the scene meanwhile; generate again with another.").format(
                    name=name
                )
            )
        owners[index] = owner
    if not owners and placement.leader is None:
        return pair, {}
    across = 1.0
    if len(owners) == 2:
        across = float(np.mean([hip_ratio(pair[index].offsets, owner, scene) for index, owner in owners.items()]))
    floor = float(pair[0].joints()[..., 1].min()) if placement.has_leader else 0.0
    travel = RootMotion(across, floor, soles=not placement.has_leader)
    bodies = [
        body_of_rig(pair[index], owners[index], scene, travel) if index in owners else _own_body(index, pair, placement)
        for index in (0, 1)
    ]
    if placement.held is not None:
        bodies = [replace(body, held=index not in placement.held.who) for index, body in enumerate(bodies)]
    first, second = on_other_bodies(pair, bodies, placement.stand, placement.meet)[0]
    pair = (first, second)
    return pair, {
        index: rig_keys(pair[index], owner, scene, placement.start_frame, travel) for index, owner in owners.items()
    }


def _own_body(index: int, pair: Pair, placement: Placement) -> TargetBody:
    """A leader, who is there already, or a new character, made to measure."""
    there = placement.leader
    if placement.has_leader and index == 0 and there is not None and len(there) >= len(pair[0]):
        return TargetBody(lambda posed: there[: len(posed)], RootMotionScale(1.0, 1.0), held=True)
    up = 0.0 if placement.has_leader else float(_soles(pair[index])[1])
    way = RootMotionScale(1.0, 1.0, sole=up)
    held = placement.has_leader and index == 0
    return TargetBody(lambda posed: posed.joints()[:, : len(SMPL)] + (0.0, up, 0.0), way, held)


def _scaled(posed: PosedSkeleton, size: float) -> PosedSkeleton:
    """The same motion of a figure that is so many times larger, about the origin."""
    if size == 1.0:
        return posed
    return replace(posed, offsets=posed.offsets * size, translation=posed.translation * size)


def _on_soles(posed: PosedSkeleton) -> PosedSkeleton:
    """The motion raised by the thickness of the soles: in data the lowest joint is on the floor, in a picture the skin.

    A reactor is not raised: its leader's soles are on the scene's floor already.
    """
    return replace(posed, translation=posed.translation + _soles(posed))


def _soles(posed: PosedSkeleton) -> np.ndarray:
    """(3,) the way up that a person's soles are thick."""
    return np.array((0.0, sole_depth(load_body(), posed.offsets), 0.0))
