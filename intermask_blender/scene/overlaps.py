"""What characters overlap. They come to the 3D cursor as everything new does, and Blender's first scene has a cube
there: nothing of the user's is moved or hidden, but a notice names it.
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
from .placement import Placement
from .placing import scene_joints
from .spots import turned_about

LARGEST = 4.0
"""Metres. A larger object is a room or a ground, in which people are meant to stand."""

PERSON = 0.35
"""Metres between the pelvises of two people below which their bodies are inside each other."""

ROOM = 0.7
"""Metres between pelvises that a third person keeps."""

LOOKS = 12
"""Number of frames at which people are compared."""

PUSHES = (0.0, 0.8, 1.6)
"""Metres away from the leader that are tried where turns alone find no room."""

TURNS = np.radians((0.0, 45.0, -45.0, 90.0, -90.0, 135.0, -135.0, 180.0))
"""Turns about the leader, in the order in which they are tried, that bring a third person to free space."""

FEET = ("L_Ankle", "R_Ankle", "L_Foot", "R_Foot")
"""Joints that may be inside of something, such as a carpet."""

SOLID = frozenset(("MESH", "CURVE", "SURFACE", "META", "FONT"))


def overlapping_objects(scene: bpy.types.Scene, joints: np.ndarray) -> list[bpy.types.Object]:
    """Visible objects whose box a person enters; people, whom armatures move, are found by ``overlapping_people``.

    Args:
        scene: where the people are.
        joints: (..., 22, 3) of the people, in Blender's world and the scene's units.
    """
    above = [number for number, joint in enumerate(SMPL.joints) if joint not in FEET]
    points = joints[..., above, :].reshape(-1, 3)
    largest = LARGEST / (scene.unit_settings.scale_length or 1.0)
    lowest, highest = points.min(0), points.max(0)
    found = []
    for thing in scene.objects:
        moved = thing.parent is not None and thing.parent.type == "ARMATURE"
        if thing.type not in SOLID or moved or not _visible(thing):
            continue
        low, high = _box(thing)
        # Most things of a large scene are nowhere near, which needs no look at every joint of every frame.
        if (high - low)[:2].max() > largest or (low > highest).any() or (high < lowest).any():
            continue
        if ((points > low) & (points < high)).all(axis=1).any():
            found.append(thing)
    return found


def overlapping_people(
    scene: bpy.types.Scene, joints: np.ndarray, start_frame: int, themselves: Iterable[bpy.types.Object | None]
) -> list[str]:
    """Names of visible armatures of people that are in the same place as one of the new people at the same time.

    Args:
        scene: where the people are.
        joints: (2, T, 22, 3) of the new people at the model's rate, in Blender's world and the scene's units.
        start_frame: scene frame of the first of them.
        themselves: armatures that are not compared.
    """
    looks, frames = _looks(scene, joints.shape[1], start_frame)
    metres = scene.unit_settings.scale_length or 1.0
    found = []
    for owner, pelvis in _pelvises(scene, frames, themselves):
        away = np.linalg.norm(joints[:, looks, 0] - pelvis, axis=-1) * metres
        if away.min() < PERSON:
            found.append(owner.name)
    return found


def with_room(scene: bpy.types.Scene, pair: Pair, placement: Placement) -> Pair:
    """The pair with the reactor turned about its leader to where no third person stands; unchanged where it fits."""
    joints = scene_joints(pair, placement)
    looks, frames = _looks(scene, joints.shape[1], placement.start_frame)
    others = [pelvis for _, pelvis in _pelvises(scene, frames, [scene.objects.get(placement.leader_name)])]
    if not others:
        return pair
    metres = scene.unit_settings.scale_length or 1.0
    leader, reactor = joints[0, looks, 0, :2], joints[1, looks, 0, :2]
    centre, outward = leader[0], _outward(joints)
    best, best_room = pair, -1.0
    for push, turn in ((push, turn) for push in PUSHES for turn in TURNS.tolist()):
        moved = (reactor - centre) @ _turn(turn).T + centre + _turn(turn) @ outward * push / metres
        room = min(float(np.linalg.norm(moved - pelvis[:, :2], axis=-1).min()) for pelvis in others) * metres
        if room > best_room + 1e-6:
            to = centre * metres + _turn(turn) @ outward * push
            best = pair[0], _moved(pair[1], placement, centre * metres, turn, to)
            best_room = room
        if room > ROOM:
            break
    return best


def _outward(joints: np.ndarray) -> np.ndarray:
    """(2,) unit vector from the leader to the reactor in the first frame; to the leader's front where they are one."""
    line = joints[1, 0, 0, :2] - joints[0, 0, 0, :2]
    if np.linalg.norm(line) < 1e-3:
        hips = joints[0, 0, SMPL.index("L_Hip")] - joints[0, 0, SMPL.index("R_Hip")]
        line = np.array((hips[1], -hips[0]))
    return np.asarray(line / max(float(np.linalg.norm(line)), 1e-9))


def _turn(angle: float) -> np.ndarray:
    """(2, 2) counterclockwise rotation of the ground."""
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


def _moved(posed: PosedSkeleton, placement: Placement, place: np.ndarray, turn: float, to: np.ndarray) -> PosedSkeleton:
    """A motion of a person's size, turned about a place (2,) that comes to another one; both metres in the scene."""
    return turned_about(posed, place / placement.size, turn, to / placement.size)


def _looks(scene: bpy.types.Scene, count: int, start_frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames of a motion at which people are compared, and the scene frames that belong to them."""
    looks = np.unique(np.linspace(0, count - 1, LOOKS).round().astype(int))
    return looks, start_frame + looks * scene_fps(scene) / FPS


def _pelvises(
    scene: bpy.types.Scene, frames: np.ndarray, leaving_out: Iterable[bpy.types.Object | None]
) -> list[tuple[bpy.types.Object, np.ndarray]]:
    """Visible people of the scene and (F, 3) where their pelvises are at scene frames."""
    left_out, found = list(leaving_out), []
    for owner in scene.objects:
        if owner.type != "ARMATURE" or owner in left_out or not _visible(owner):
            continue
        try:
            name = mapping_of(owner).bones["Pelvis"]
        except (UserError, KeyError):
            continue
        # One frame is enough for someone who stands still.
        looks = frames if _may_move(owner) else frames[:1]
        placed, posed = evaluated_bones(owner, scene, looks, (name,))
        found.append((owner, np.broadcast_to((placed @ posed[:, 0])[:, :3, 3], (len(frames), 3))))
    return found


def _may_move(owner: bpy.types.Object) -> bool:
    bones = any(len(bone.constraints) for bone in owner.pose.bones)
    return owner.animation_data is not None or owner.parent is not None or len(owner.constraints) > 0 or bones


def sentence(names: Iterable[str]) -> str:
    """The notice, empty where nothing overlaps."""
    things = ", ".join(names)
    notice = tr("The characters overlap {things}: move or hide one of them")
    return notice.format(things=things) if things else ""


def still_there(scene: bpy.types.Scene, take: bpy.types.PropertyGroup) -> list[str]:
    """Names of what the people of a take overlapped when they were placed, as far as it is still visible."""
    things = [(name, scene.objects.get(name)) for name in take.stands_in.splitlines()]
    return [name for name, thing in things if thing is not None and _visible(thing)]


def _visible(thing: bpy.types.Object) -> bool:
    return not thing.hide_render and bool(thing.visible_get())


def _box(thing: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner, (3,) in the world."""
    corners = np.array(thing.bound_box) @ np.array(thing.matrix_world)[:3, :3].T + np.array(thing.matrix_world)[:3, 3]
    return corners.min(axis=0), corners.max(axis=0)
