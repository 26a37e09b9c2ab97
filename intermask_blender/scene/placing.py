"""Placing a result by its ``Placement``: creates new people and keys both characters."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from .. import core
from ..core import SMPL, PosedSkeleton, RootMotionScale, UserError
from ..generator.generation import Pair
from ..rig.axes import vectors_to_blender
from ..rig.body import load_body, sole_depth
from ..rig.build import Colour, build_armature, build_mannequin
from ..rig.cycles import repeat_keys
from ..rig.key import key_posed, scene_fps
from ..rig.keys_around import write_keys_around
from ..rig.limb_controls import LimbControls, keyed_limbs
from ..rig.own_map import mapping_of
from ..rig.retarget import RigKeys, RootMotion, body_of_rig, hip_ratio, rig_keys, write_keys
from ..rig.smpl_body import build_smpl_body, remove_body
from ..rig.splice import write_edit
from ..translations import tr
from .own_keys import users_own
from .people import mark_generated
from .placement import Placement, moving_people, new_people
from .spots import Spot, at_spot, world_of_joints

COLOURS: tuple[Colour, Colour] = ((0.75, 0.42, 0.16), (0.12, 0.35, 0.62))
"""Linear RGB of the first and the second person."""


def place(pair: Pair, placement: Placement, title: str) -> dict[int, bpy.types.Object]:
    """Key a pair on the chosen characters and on new ones; nothing else in the scene changes.

    Args:
        pair: both people; the first one is ignored if there is a leader.
        placement: as ``prepare`` returned it.
        title: name of the collection and the actions.

    Returns:
        The armatures that were keyed, by person: 0 and 1, or only 1 with a leader.

    Raises:
        UserError: the scene or a chosen character was deleted, or cannot be keyed any more; nothing has changed then.
    """
    scene = bpy.data.scenes.get(placement.scene)
    if scene is None:
        raise UserError(
            tr("The scene {name} was deleted while generating; nothing was changed.").format(name=placement.scene)
        )
    pair = in_place(pair, placement)
    spot = placement.spot or Spot()
    placement, collection = _with_bodies(placement, scene, title)
    try:
        pair, keys = _chosen_keys(pair, placement, scene)
    except UserError:
        if collection is not None:
            for owner in [item for item in collection.objects if item.type == "ARMATURE"]:
                remove_body(owner)
            bpy.data.collections.remove(collection)
        raise
    made = {index: item.owner for index, item in keys.items()}
    for index, item in keys.items():
        name, kept = f"Person {index + 1}: {title}", placement.kept_keys
        if kept is not None and write_edit(item, name, kept, index, scene_fps(scene)):
            continue
        if not write_keys_around(item, name, users_own(item.owner)):
            write_keys(item, name)
    new = [index for index in moving_people(placement) if index not in keys]
    if not new:
        _repeat(made, placement)
        return made
    if collection is None:
        collection = bpy.data.collections.new(title)
        scene.collection.children.link(collection)
    for index in new:
        name = f"Person {index + 1}"
        posed = pair[index] if placement.has_leader else _on_soles(pair[index])
        posed = _scaled(posed, 1.0 / placement.metres)
        armature = build_armature(name, posed.offsets, collection, posed.skeleton)
        build_mannequin(armature, posed.offsets, COLOURS[index])
        _stand_at(armature, spot)
        key_posed(posed, armature, scene, placement.start_frame, f"{name}: {title}")
        made[index] = armature
    _finish_people(collection)
    _repeat(made, placement)
    return made


def _repeat(owners: dict[int, bpy.types.Object], placement: Placement) -> None:
    """Let the keys of a loop repeat."""
    for owner in owners.values() if placement.loop else ():
        repeat_keys(owner)


def in_place(pair: Pair, placement: Placement) -> Pair:
    """The pair in the space of the placement's spot, at the size of its characters; metres."""
    pair = (_scaled(pair[0], placement.size), _scaled(pair[1], placement.size))
    return pair if placement.spot is None else at_spot(pair, placement.spot)


def scene_joints(pair: Pair, placement: Placement) -> np.ndarray:
    """(2, T, 22, 3) joints of both people in the scene's world and units, as the motion has them."""
    joints = np.stack([person.joints()[:, : len(SMPL)] for person in in_place(pair, placement)])
    matrix = (placement.spot or Spot()).matrix
    world: np.ndarray = vectors_to_blender(joints) / placement.metres @ matrix[:3, :3].T + matrix[:3, 3]
    return world


def draft_places(joints: np.ndarray, placement: Placement, first: np.ndarray) -> np.ndarray:
    """(2, T, 22, 3) where the joints of a draft would be in the scene, in scene units.

    Args:
        joints: (2, T, 22, 3) metres, in the world of the clip.
        placement: of the result.
        first: (2, 22, 3) joints in the first frame of the clip.
    """
    spot = placement.spot
    sized = joints.astype(np.float64) * placement.size
    matrix = np.eye(4) if spot is None else world_of_joints(first * placement.size, spot, placement.metres)
    places: np.ndarray = vectors_to_blender(sized) / placement.metres @ matrix[:3, :3].T + matrix[:3, 3]
    return places


def _stand_at(owner: bpy.types.Object, spot: Spot) -> None:
    owner.location = spot.origin
    owner.rotation_euler = (0.0, 0.0, spot.turn)


def _finish_people(collection: bpy.types.Collection) -> None:
    """Mark new people as generated, and stop drawing their bones in front of their bodies."""
    mark_generated((collection, *collection.objects))
    for owner in collection.objects:
        owner.show_in_front = False


def _with_bodies(
    placement: Placement, scene: bpy.types.Scene, title: str
) -> tuple[Placement, bpy.types.Collection | None]:
    """Create the new characters that have SMPL bodies, in a new collection; they are then keyed like chosen ones."""
    new = [(index, body) for index in new_people(placement) if (body := placement.bodies[index]) is not None]
    if not new:
        return placement, None
    collection = bpy.data.collections.new(title)
    scene.collection.children.link(collection)
    names = list(placement.characters)
    for index, body in new:
        size = placement.size / placement.metres
        owner = build_smpl_body(body, f"Person {index + 1}", collection, COLOURS[index], size)
        _stand_at(owner, placement.spot or Spot())
        names[index] = owner.name
    _finish_people(collection)
    return replace(placement, characters=(names[0], names[1])), collection


def _chosen_keys(pair: Pair, placement: Placement, scene: bpy.types.Scene) -> tuple[Pair, dict[int, RigKeys]]:
    """Both people's motion adapted to their bodies, and the keys of the chosen characters.

    Root motion has one scale and one origin for both.
    """
    owners: dict[int, bpy.types.Object] = {}
    for index in moving_people(placement):
        name = placement.characters[index]
        if not name:
            continue
        owner = scene.objects.get(name)
        if owner is None:
            raise UserError(
                tr("The character {name} was deleted while generating; nothing was changed.").format(name=name)
            )
        owners[index] = owner
    if not owners and placement.leader_joints is None:
        return at_scene_rate(pair, placement, scene), {}
    across = 1.0
    if placement.across is not None:
        across = placement.across
    elif len(owners) == 2:
        across = float(np.mean([hip_ratio(pair[index].offsets, owner, scene) for index, owner in owners.items()]))
    floor = float(pair[0].joints()[..., 1].min()) if placement.has_leader else 0.0
    spot = None if placement.spot is None else placement.spot.matrix
    root_motion = RootMotion(across, floor, soles=not placement.has_leader, spot=spot)
    bodies = [
        body_of_rig(pair[index], owners[index], scene, root_motion)
        if index in owners
        else _own_body(index, pair, placement)
        for index in (0, 1)
    ]
    if placement.kept_keys is not None:
        bodies = [replace(body, held=index not in placement.kept_keys.who) for index, body in enumerate(bodies)]
    kept = placement.kept_joints
    adapted = core.adapt_to_bodies(pair, bodies, placement.plant_feet, placement.keep_contacts, kept)[0]
    first, second = core.hold_pins(adapted, pair, bodies, placement.pins, kept)
    pair = at_scene_rate((first, second), placement, scene)
    return pair, {
        index: rig_keys(
            pair[index], owner, scene, placement.start_frame, root_motion, limbs=_limbs(owner, index, placement)
        )
        for index, owner in owners.items()
    }


def _limbs(owner: bpy.types.Object, index: int, placement: Placement) -> LimbControls:
    """Which controls are keyed: the wanted ones, and in an edit those that have keys already."""
    if placement.kept_keys is None:
        return placement.limbs
    old = bpy.data.actions.get(placement.kept_keys.sources[index].action)
    return LimbControls() if old is None else keyed_limbs(owner, mapping_of(owner), old)


def at_scene_rate(pair: Pair, placement: Placement, scene: bpy.types.Scene) -> Pair:
    """The pair resampled to the scene's frame rate: 2 s are 120 frames at 60 a second.

    A reaction ends at its leader's last frame instead, and a loop at a whole frame, where the next cycle begins.
    """
    fps = scene_fps(scene)
    if placement.loop:
        cycle = len(pair[0]) - 1
        places = np.linspace(0.0, cycle, max(1, round(cycle / pair[0].fps * fps)) + 1)
        first, second = (replace(person.sampled(places), fps=fps) for person in pair)
        return first, second

    def count(person: PosedSkeleton) -> int | None:
        return None if placement.has_leader else max(1, int(len(person) / person.fps * fps + 1e-6))

    first, second = (person.resampled(fps, count(person)) for person in pair)
    return first, second


def _own_body(index: int, pair: Pair, placement: Placement) -> core.TargetBody:
    """The target body of a leader in the scene, or of a new character with the motion's bone lengths."""
    joints = placement.leader_joints
    if placement.has_leader and index == 0 and joints is not None and len(joints) >= len(pair[0]):
        return core.TargetBody(lambda posed: joints[: len(posed)], RootMotionScale(1.0, 1.0), held=True)
    up = 0.0 if placement.has_leader else float(_soles(pair[index])[1])
    scale = RootMotionScale(1.0, 1.0, sole=up)
    held = placement.has_leader and index == 0
    return core.TargetBody(lambda posed: posed.joints()[:, : len(SMPL)] + (0.0, up, 0.0), scale, held)


def _scaled(posed: PosedSkeleton, size: float) -> PosedSkeleton:
    """The motion of a figure that is ``size`` times larger, about the origin."""
    if size == 1.0:
        return posed
    return replace(posed, offsets=posed.offsets * size, translation=posed.translation * size)


def _on_soles(posed: PosedSkeleton) -> PosedSkeleton:
    """The motion raised by the thickness of the soles, so that the skin is on the floor and not the lowest joint.

    A reactor is not raised: its leader's soles are on the scene's floor already.
    """
    return replace(posed, translation=posed.translation + _soles(posed))


def _soles(posed: PosedSkeleton) -> np.ndarray:
    """(3,) upward vector as long as a person's soles are thick."""
    return np.array((0.0, sole_depth(load_body(), posed.offsets), 0.0))
