"""The scene of the README's directed clip: one prompt, a drawn path, a held pose and a hand on a door handle.

    python tools/directed_clip.py clips/directed
    python tools/picture_clip.py docs/pictures/directed.webp clips/directed --fps 15 --every 1

Needs Blender as a module, and PyTorch. Writes the scene and a picture of every second frame, and prints the error of
each constraint. A scene that the folder has already is rendered again, for example from another side.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

import intermask_blender
from intermask_blender import compat
from intermask_blender.batch.render import RenderSettings, prepare_scene
from intermask_blender.batch.stage import BODY_MARGIN, build_stage, padded, place_camera
from intermask_blender.rig.axes import vectors_to_blender
from intermask_blender.rig.capture import capture_pose

POSE_PROMPT, PROMPT = "two people wave to each other", "one person walks and the other follows"
SECONDS = 4.0
PATH = ((0.0, 0.0), (0.7, 0.9), (-0.1, 1.9), (0.0, 2.75))
"""Points of Person 1's path, metres."""
HANDLE = (0.22, 3.2, 1.02)
ARRIVES, LAST, POSED = 104, 120, 112
"""Frames: at the end of the path, of the clip, and of the pose."""
POSE_PLACE, POSE_TURN = (-1.0, 1.5), -0.65
VIEWS = {"side": (-0.9, 0.25, -0.25), "front": (-0.5, -0.8, -0.27), "behind": (0.15, 0.95, -0.25)}
"""What the camera looks along."""


def add(kind: str, person: str, **options: object) -> bpy.types.PropertyGroup:
    """Add a constraint as the button does."""
    bpy.ops.intermask.add_constraint(kind=kind, person=person, **options)
    return bpy.context.scene.intermask.constraints[-1]


def build_door() -> bpy.types.Object:
    """A door in its frame, closed; its handle."""
    parts = (
        ("Door", (-0.2, 3.3, 1.0), (0.9, 0.05, 2.0), (0.45, 0.3, 0.2)),
        ("Post Left", (-0.72, 3.3, 1.03), (0.1, 0.12, 2.06), (0.75, 0.73, 0.7)),
        ("Post Right", (0.32, 3.3, 1.03), (0.1, 0.12, 2.06), (0.75, 0.73, 0.7)),
        ("Lintel", (-0.2, 3.3, 2.11), (1.14, 0.12, 0.1), (0.75, 0.73, 0.7)),
        ("Handle", HANDLE, (0.12, 0.04, 0.04), (0.85, 0.7, 0.2)),
    )
    for name, place, size, colour in parts:
        bpy.ops.mesh.primitive_cube_add(size=1.0, location=place)
        part = bpy.context.object
        part.name, part.scale = name, size
        material = bpy.data.materials.new(name)
        compat.paint_material(material, colour, roughness=0.7)
        part.data.materials.append(material)
    bpy.context.view_layer.update()
    return bpy.context.object


def hold_wave(scene: bpy.types.Scene) -> bpy.types.PropertyGroup:
    """Hold the pose of Person 2 in which a hand is highest."""
    owner = scene.intermask.takes[0].character_2
    heights = {}
    for frame in range(1, LAST + 1, 4):
        scene.frame_set(frame)
        heights[frame] = float(capture_pose(owner, scene).joints[0, 20:22, 1].max())
    scene.frame_set(max(heights, key=lambda frame: heights[frame]))
    entry = add("POSE", "SECOND")
    entry.start = entry.end = POSED
    entry.object.location = (*POSE_PLACE, 0.0)
    entry.object.rotation_euler = (0.0, 0.0, POSE_TURN)
    return entry


def direct(scene: bpy.types.Scene) -> None:
    """Add what is asked of the two."""
    hold_wave(scene)
    path = add("PATH", "FIRST")
    spline = path.object.data.splines[0]
    spline.bezier_points.add(len(PATH) - len(spline.bezier_points))
    path.object.matrix_world = Matrix()
    for knot, place in zip(spline.bezier_points, PATH, strict=True):
        knot.co = (*place, 0.0)
        knot.handle_left_type = knot.handle_right_type = "AUTO"
    path.whole_clip, path.start, path.end = False, 1, ARRIVES
    stand = add("WAYPOINT", "FIRST")
    stand.object.location, stand.object.rotation_euler = (*PATH[-1], 0.0), (0.0, 0.0, 0.0)
    stand.start, stand.end = ARRIVES, LAST
    handle = bpy.data.objects["Handle"]
    for owner in bpy.context.selected_objects:
        owner.select_set(False)
    handle.select_set(True)
    bpy.context.view_layer.objects.active = handle
    contact = add("CONTACT", "FIRST", at_active=True)
    contact.start, contact.end = ARRIVES, LAST


def generate(seed: int) -> None:
    """A new file with the door, the constraints and the take."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 30, LAST
    scene.intermask.seconds = SECONDS
    build_door()
    bpy.ops.intermask.generate(prompt=POSE_PROMPT, seconds=SECONDS, seed=0)
    direct(scene)
    scene.intermask.begin_in_place = False
    bpy.ops.intermask.generate(prompt=PROMPT, seconds=SECONDS, seed=seed)
    for error in scene.intermask.takes[-1].constraint_errors:
        print(f"{error.name}: {100 * error.metres:.1f} cm, {error.degrees:.0f} degrees")
    scene.intermask.constraint_collection.hide_render = False
    prepare_scene(scene, RenderSettings(width=480, height=270))
    build_stage(scene, seen_points(scene))


def seen_points(scene: bpy.types.Scene) -> np.ndarray:
    """(N, 3) what the camera has to see: both people in all frames, and the door."""
    take, joints = scene.intermask.takes[-1], []
    for frame in range(1, LAST + 1, 8):
        scene.frame_set(frame)
        joints += [
            vectors_to_blender(capture_pose(owner, scene).joints[0]) for owner in (take.character_1, take.character_2)
        ]
    return padded(np.concatenate((*joints, [(-0.7, 3.3, 0.0), (0.3, 3.3, 2.1)])), BODY_MARGIN)


def render(folder: Path, view: str, every: int) -> None:
    """Render the scene from one side."""
    scene = bpy.context.scene
    place_camera(scene, scene.camera, seen_points(scene), np.array(VIEWS[view]) / np.linalg.norm(VIEWS[view]))
    scene.render.filepath, scene.frame_step = str(folder / "frame_"), every
    bpy.ops.render.render(animation=True)


def main(folder: Path, view: str, seed: int, every: int) -> None:
    """Generate, unless the folder has the scene already, and render."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / "directed.blend"
    if saved.exists():
        bpy.ops.wm.open_mainfile(filepath=str(saved))
    else:
        generate(seed)
        bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    render(folder, view, every)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--view", choices=tuple(VIEWS), default="side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=2, help="number of frames per picture (2)")
    given = parser.parse_args()
    intermask_blender.register()
    failed = 1
    try:
        main(given.folder.resolve(), given.view, given.seed, given.every)
        failed = 0
    except Exception:
        traceback.print_exc()
    finally:
        # A registered add-on's timers can make Blender hang at its end.
        sys.stdout.flush()
        os._exit(failed)
