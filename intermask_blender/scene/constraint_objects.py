"""Objects that show constraints in the scene: curves, empties and figures, which the user moves, keys and parents."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Matrix

from .. import compat
from ..core import SMPL
from ..rig.key import scene_fps
from .held_pose import HeldPose, store_pose
from .placing import COLOURS
from .spots import cursor_spot, stance
from .takes import character_actions, chosen_take, frames_of

PERSON = {"FIRST": 0, "SECOND": 1}
COLLECTION = "Direct"
CREATED = "intermask_constraint"
"""Custom property of objects that were created for a constraint and are removed with it."""
PATH_LENGTH = 2.0
"""Metres of a new path of a person who does not walk."""
BEFORE = 0.45
"""Metres between a person and the side of an object before which it stands: within reach of it."""
FLAT = 0.3
"""Metres: what is lower is stood upon."""
APART = 1.5
"""Metres between two people who are not generated yet."""
WALKS = 0.3
"""Metres between begin and end of a take from which on a new path leads from one to the other."""
LINE = 0.012
"""Metres: half the thickness of drawn lines."""


def is_constraint_object(owner: bpy.types.Object) -> bool:
    """Whether an object was created for a constraint."""
    return CREATED in owner


def anchors(scene: bpy.types.Scene) -> set[bpy.types.Object]:
    """The objects of constraints and all that carry them, as a door its handle: people are asked to come there."""
    listed = getattr(scene, "intermask", None)
    owners = {entry.object for entry in listed.constraints if entry.object is not None} if listed else set()
    carried = list(owners)
    while carried:
        parent = carried.pop().parent
        if parent is not None and parent not in owners:
            owners.add(parent)
            carried.append(parent)
    return owners


def person_of(scene: bpy.types.Scene, person: int) -> bpy.types.Object | None:
    """The armature of the scene that a constraint of a person will bind; None where a new one will be created."""
    settings = scene.intermask
    chosen = (settings.leader or settings.character_1, settings.character_2)[person]
    take = chosen_take(scene)
    if chosen is None and take is not None and not settings.new_pair:
        chosen = (take.character_1 or take.leader, take.character_2)[person]
    return chosen if chosen is not None and scene.objects.get(chosen.name) == chosen else None


def clip_range(scene: bpy.types.Scene) -> tuple[int, int]:
    """First and last scene frame of the chosen take, or of the clip that would be generated."""
    take = chosen_take(scene)
    if take is not None and character_actions(take):
        return frames_of(take)
    if scene.intermask.use_scene_range:
        return scene.frame_start, scene.frame_end
    return scene.frame_start, scene.frame_start + max(0, round(scene.intermask.seconds * scene_fps(scene)) - 1)


def place_of_person(scene: bpy.types.Scene, person: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """(3,) where a person stands on the ground and (2,) the unit vector that it faces; people to come, at the cursor.

    Raises:
        UserError: no person is found in its armature.
    """
    owner = person_of(scene, person)
    if owner is not None:
        place, ahead = stance(owner, scene, frame)
        return place, ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    matrix = cursor_spot(scene).matrix
    ahead = matrix[:2, 1]
    if person == 0:
        return matrix[:3, 3], ahead
    other = matrix[:3, 3] + np.append(ahead, 0.0) * APART / (scene.unit_settings.scale_length or 1.0)
    return other, -ahead


def standing_matrix(place: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """(4, 4) an upright object at a place (3,) whose Y axis points ahead (2,)."""
    matrix = np.eye(4)
    matrix[:2, 0], matrix[:2, 1], matrix[:3, 3] = (ahead[1], -ahead[0]), ahead, place
    return matrix


def standing_before(owner: bpy.types.Object, place: np.ndarray, ahead: np.ndarray, metres: float) -> np.ndarray:
    """(4, 4) where a person stands that comes to an object: before its widest side that it comes from, facing it.

    On what is low, and at what has no size, it stands in the middle and faces as it does.

    Args:
        owner: the object.
        place: (3,) where the person is now, on the ground, scene units.
        ahead: (2,) where it faces.
        metres: per scene unit.
    """
    matrix = np.array(owner.matrix_world, np.float64)
    corners = np.array(owner.bound_box) if owner.type != "EMPTY" else np.zeros((1, 3))
    middle = matrix[:3, :3] @ corners.mean(0) + matrix[:3, 3]
    halves = matrix[:3, :3] * (np.ptp(corners, axis=0) / 2)
    middle_on_ground = np.append(middle[:2], place[2])
    if (middle[2] + np.abs(halves[2]).sum() - place[2]) * metres < FLAT:
        return standing_matrix(middle_on_ground, ahead)
    sides = []
    for axis in range(3):
        depth, width = float(np.linalg.norm(halves[:, axis])), np.delete(halves, axis, axis=1)
        way = np.cross(width[:, 0], width[:, 1])
        area = float(np.linalg.norm(way))
        if area < 1e-12 or np.linalg.norm(way[:2]) < 0.7 * area:
            continue
        level = way[:2] / np.linalg.norm(way[:2])
        sides += [(area * float(side @ (place - middle)[:2]), depth, side) for side in (level, -level)]
    if not sides:
        return standing_matrix(middle_on_ground, ahead)
    _, depth, side = max(sides, key=lambda found: found[0])
    return standing_matrix(middle_on_ground + np.append(side, 0.0) * (depth + BEFORE / metres), -side)


def add_entry(
    scene: bpy.types.Scene, kind: str, person: str, frames: tuple[int, int], title: str
) -> bpy.types.PropertyGroup:
    """A new entry of the list, which is chosen then.

    Args:
        scene: that lists it.
        kind: one of ``KINDS``.
        person: one of ``PEOPLE``.
        frames: first and last scene frame.
        title: its name; numbered as Blender does where another has it.
    """
    settings = scene.intermask
    names = {entry.name for entry in settings.constraints}
    # Takes know the errors of constraints by name: a new one must not show those of one that was removed.
    names |= {error.name for take in settings.takes for error in take.constraint_errors}
    entry = settings.constraints.add()
    number, name = 0, title
    while name in names:
        number += 1
        name = f"{title}.{number:03}"
    entry.name, entry.kind, entry.person = name, kind, person
    entry.start, entry.end = frames
    settings.constraint_index = len(settings.constraints) - 1
    return entry


def new_path(scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, points: Sequence[np.ndarray]) -> bpy.types.Object:
    """A smooth curve through points (3,) of the scene; its origin is the first one."""
    curve = _lines(scene, entry)
    spline = curve.splines.new("BEZIER")
    spline.bezier_points.add(len(points) - 1)
    for knot, point in zip(spline.bezier_points, points, strict=True):
        knot.co = point - points[0]
        knot.handle_left_type = knot.handle_right_type = "AUTO"
    matrix = np.eye(4)
    matrix[:3, 3] = points[0]
    return _link(scene, entry, curve, matrix)


def path_points(scene: bpy.types.Scene, person: int, frames: tuple[int, int]) -> list[np.ndarray]:
    """Begin and end of a new path: those of the take, or a way ahead of a person who stays in place."""
    begin, ahead = place_of_person(scene, person, frames[0])
    metres = scene.unit_settings.scale_length or 1.0
    end = place_of_person(scene, person, frames[1])[0]
    if float(np.linalg.norm((end - begin)[:2])) * metres < WALKS:
        end = begin + np.append(ahead, 0.0) * PATH_LENGTH / metres
    return [begin, np.append(end[:2], begin[2])]


def new_empty(
    scene: bpy.types.Scene,
    entry: bpy.types.PropertyGroup,
    matrix: np.ndarray,
    display: str,
    size: float,
    parent: bpy.types.Object | None = None,
) -> bpy.types.Object:
    """An empty for a waypoint, a pin or a point of contact.

    Args:
        scene: where it is linked.
        entry: its constraint.
        matrix: (4, 4) its place in the world.
        display: how Blender draws it.
        size: metres.
        parent: what it follows.
    """
    owner = _link(scene, entry, None, matrix)
    owner.empty_display_type = display
    owner.empty_display_size = size / (scene.unit_settings.scale_length or 1.0)
    if parent is not None:
        owner.parent = parent
        owner.matrix_parent_inverse = parent.matrix_world.inverted_safe()
    return owner


def new_figure(scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, pose: HeldPose) -> bpy.types.Object:
    """A figure of lines that holds a pose; bones that do not count are left out."""
    curve = _lines(scene, entry)
    for joint in range(1, len(SMPL)):
        if len(pose.joints) < len(SMPL) and joint not in pose.joints and SMPL.parents[joint] not in pose.joints:
            continue
        spline = curve.splines.new("POLY")
        spline.points.add(1)
        for point, end in zip(spline.points, (SMPL.parents[joint], joint), strict=True):
            point.co = (*pose.lines[end], 1.0)
    figure = _link(scene, entry, curve, pose.matrix)
    store_pose(figure, pose)
    return figure


def paint(entry: bpy.types.PropertyGroup) -> None:
    """Give the object of an entry the colour of its person; objects of the user keep theirs."""
    owner = entry.object
    if owner is None or not is_constraint_object(owner):
        return
    colour = COLOURS[PERSON[entry.person]]
    owner.color = (*colour, 1.0)
    for material in getattr(owner.data, "materials", ()):
        if material is not None:
            compat.paint_material(material, colour, roughness=0.6)


def remove_entry(scene: bpy.types.Scene, number: int) -> None:
    """Remove an entry, and its object if it was created for it and no other entry uses it."""
    settings = scene.intermask
    owner = settings.constraints[number].object
    settings.constraints.remove(number)
    settings.constraint_index = max(0, min(settings.constraint_index, len(settings.constraints) - 1))
    used = {entry.object for other in bpy.data.scenes for entry in other.intermask.constraints}
    if owner is None or owner in used or not is_constraint_object(owner):
        return
    curve = owner.data
    materials = [material for material in getattr(curve, "materials", ()) if material is not None]
    bpy.data.objects.remove(owner)
    if curve is not None and not curve.users:
        bpy.data.curves.remove(curve)
    for material in materials:
        if not material.users:
            bpy.data.materials.remove(material)
    collection = settings.constraint_collection
    if collection is not None and not collection.all_objects and not collection.children:
        bpy.data.collections.remove(collection)


def _lines(scene: bpy.types.Scene, entry: bpy.types.PropertyGroup) -> bpy.types.Curve:
    """An empty curve whose lines are drawn in a colour."""
    curve = bpy.data.curves.new(entry.name, "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth = LINE / (scene.unit_settings.scale_length or 1.0)
    curve.bevel_resolution = 1
    curve.materials.append(bpy.data.materials.new(entry.name))
    return curve


def _link(
    scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, data: bpy.types.Curve | None, matrix: np.ndarray
) -> bpy.types.Object:
    """A new object of an entry, in the collection of the constraints and in the colour of the person."""
    settings = scene.intermask
    collection = settings.constraint_collection
    if collection is None or collection not in scene.collection.children_recursive:
        collection = bpy.data.collections.new(COLLECTION)
        collection.hide_render = True
        scene.collection.children.link(collection)
        settings.constraint_collection = collection
    owner = bpy.data.objects.new(f"P{PERSON[entry.person] + 1} {entry.name}", data)
    owner.matrix_world = Matrix(matrix.tolist())
    collection.objects.link(owner)
    owner[CREATED] = True
    entry.object = owner
    paint(entry)
    return owner
