"""What new characters overlap: they appear at the 3D cursor, where Blender's default scene has a cube.

Nothing of the user's is moved or hidden; a notice names what overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ..core import FPS, SMPL, PosedSkeleton, UserError
from ..generator.generation import Pair
from ..rig.capture import evaluated_bones
from ..rig.key import scene_fps
from ..rig.own_map import mapping_of
from ..translations import tr
from .constraint_objects import anchors
from .placement import Placement
from .placing import scene_joints
from .prop_holders import is_carried
from .spots import rotated_about

MAX_OBJECT_SIZE = 4.0
"""Metres. A larger object is a room or a ground, on which people are meant to stand."""

MIN_PELVIS_DISTANCE = 0.35
"""Metres between the pelvises of two people below which their bodies intersect."""

FREE_DISTANCE = 0.7
"""Metres between the pelvis of a third person and all others that count as free space."""

COMPARED_FRAMES = 12
"""Number of frames in which people are compared."""

OFFSETS = (0.0, 0.8, 1.6)
"""Metres by which a third person is moved away from the leader, in the order in which they are tried."""

TURNS = np.radians((0.0, 45.0, -45.0, 90.0, -90.0, 135.0, -135.0, 180.0))
"""Angles in radians by which a third person is rotated about the leader, in the order in which they are tried."""

FEET = ("L_Ankle", "R_Ankle", "L_Foot", "R_Foot")
"""Joints that may be inside an object, such as a carpet."""

SOLID = frozenset(("MESH", "CURVE", "SURFACE", "META", "FONT"))


def overlapping_objects(scene: bpy.types.Scene, joints: np.ndarray) -> list[bpy.types.Object]:
    """Visible objects whose bounding box a person enters, except meshes and props of characters.

    People are found by ``overlapping_people``.

    Args:
        scene: where the people are.
        joints: (..., 22, 3) of the people, in Blender's world and the scene's units.
    """
    above = [number for number, joint in enumerate(SMPL.joints) if joint not in FEET]
    points = joints[..., above, :].reshape(-1, 3)
    largest = MAX_OBJECT_SIZE / (scene.unit_settings.scale_length or 1.0)
    lowest, highest = points.min(0), points.max(0)
    found = []
    touched = anchors(scene)
    for thing in scene.objects:
        if thing in touched:
            continue
        moved = thing.parent is not None and thing.parent.type == "ARMATURE"
        if thing.type not in SOLID or moved or is_carried(thing) or not _visible(thing):
            continue
        low, high = _box(thing)
        # Most objects of a large scene are far away: compare bounds before all joints of all frames.
        if (high - low)[:2].max() > largest or (low > highest).any() or (high < lowest).any():
            continue
        if ((points > low) & (points < high)).all(axis=1).any():
            found.append(thing)
    return found


def overlapping_people(
    scene: bpy.types.Scene, joints: np.ndarray, start_frame: int, themselves: Iterable[bpy.types.Object | None]
) -> list[str]:
    """Names of visible armatures of people that are at the place of one of the new people at the same time.

    Args:
        scene: where the people are.
        joints: (2, T, 22, 3) of the new people at the model's rate, in Blender's world and the scene's units.
        start_frame: scene frame of the first of them.
        themselves: armatures that are not compared.
    """
    frame_numbers, frames = _compared_frames(scene, joints.shape[1], start_frame)
    metres = scene.unit_settings.scale_length or 1.0
    found = []
    for owner, pelvis in _pelvises(scene, frames, themselves):
        away = np.linalg.norm(joints[:, frame_numbers, 0] - pelvis, axis=-1) * metres
        if away.min() < MIN_PELVIS_DISTANCE:
            found.append(owner.name)
    return found


def moved_to_free_space(scene: bpy.types.Scene, pair: Pair, placement: Placement) -> Pair:
    """The pair with the reactor rotated about its leader to free space; unchanged if there is room already."""
    joints = scene_joints(pair, placement)
    frame_numbers, frames = _compared_frames(scene, joints.shape[1], placement.start_frame)
    others = [pelvis for _, pelvis in _pelvises(scene, frames, [scene.objects.get(placement.leader_name)])]
    if not others:
        return pair
    metres = scene.unit_settings.scale_length or 1.0
    leader, reactor = joints[0, frame_numbers, 0, :2], joints[1, frame_numbers, 0, :2]
    centre, outward = leader[0], _outward(joints)
    best, best_room = pair, -1.0
    for push, turn in ((push, turn) for push in OFFSETS for turn in TURNS.tolist()):
        moved = (reactor - centre) @ _turn(turn).T + centre + _turn(turn) @ outward * push / metres
        room = min(float(np.linalg.norm(moved - pelvis[:, :2], axis=-1).min()) for pelvis in others) * metres
        if room > best_room + 1e-6:
            to = centre * metres + _turn(turn) @ outward * push
            best = pair[0], _moved(pair[1], placement, centre * metres, turn, to)
            best_room = room
        if room > FREE_DISTANCE:
            break
    return best


def _outward(joints: np.ndarray) -> np.ndarray:
    """(2,) unit vector from the leader to the reactor in the first frame; the leader's front if both coincide."""
    line = joints[1, 0, 0, :2] - joints[0, 0, 0, :2]
    if np.linalg.norm(line) < 1e-3:
        hips = joints[0, 0, SMPL.index("L_Hip")] - joints[0, 0, SMPL.index("R_Hip")]
        line = np.array((hips[1], -hips[0]))
    return np.asarray(line / max(float(np.linalg.norm(line)), 1e-9))


def _turn(angle: float) -> np.ndarray:
    """(2, 2) counterclockwise rotation of the ground."""
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


def _moved(posed: PosedSkeleton, placement: Placement, place: np.ndarray, turn: float, to: np.ndarray) -> PosedSkeleton:
    """A motion at a person's size, rotated about a place (2,) that moves to ``to`` (2,), both metres."""
    return rotated_about(posed, place / placement.size, turn, to / placement.size)


def _compared_frames(scene: bpy.types.Scene, count: int, start_frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames of a motion in which people are compared, and the corresponding scene frames."""
    frame_numbers = np.unique(np.linspace(0, count - 1, COMPARED_FRAMES).round().astype(int))
    return frame_numbers, start_frame + frame_numbers * scene_fps(scene) / FPS


def _pelvises(
    scene: bpy.types.Scene, frames: np.ndarray, excluded: Iterable[bpy.types.Object | None]
) -> list[tuple[bpy.types.Object, np.ndarray]]:
    """Visible people of the scene, each with its pelvis's positions (F, 3) at scene frames."""
    skipped, found = list(excluded), []
    for owner in scene.objects:
        if owner.type != "ARMATURE" or owner in skipped or not _visible(owner):
            continue
        try:
            name = mapping_of(owner).bones["Pelvis"]
        except (UserError, KeyError):
            continue
        # One frame is enough for a person who stands still.
        frame_numbers = frames if _can_move(owner) else frames[:1]
        placed, posed = evaluated_bones(owner, scene, frame_numbers, (name,))
        found.append((owner, np.broadcast_to((placed @ posed[:, 0])[:, :3, 3], (len(frames), 3))))
    return found


def _can_move(owner: bpy.types.Object) -> bool:
    bones = any(len(bone.constraints) for bone in owner.pose.bones)
    return owner.animation_data is not None or owner.parent is not None or len(owner.constraints) > 0 or bones


def sentence(names: Iterable[str]) -> str:
    """The notice, empty where nothing overlaps."""
    things = ", ".join(names)
    notice = tr("The characters overlap {things}: move or hide one of them")
    return notice.format(things=things) if things else ""


def still_there(scene: bpy.types.Scene, take: bpy.types.PropertyGroup) -> list[str]:
    """Names of the objects that a take's people overlapped when they were placed and that are still visible."""
    things = [(name, scene.objects.get(name)) for name in take.stands_in.splitlines()]
    return [name for name, thing in things if thing is not None and _visible(thing)]


def _visible(thing: bpy.types.Object) -> bool:
    return not thing.hide_render and bool(thing.visible_get())


def _box(thing: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) of an object's bounding box in the world."""
    corners = np.array(thing.bound_box) @ np.array(thing.matrix_world)[:3, :3].T + np.array(thing.matrix_world)[:3, 3]
    return corners.min(axis=0), corners.max(axis=0)
