"""Draws docs/pictures/hands.png: close-ups of the hands of six generated clips, with props where they hold some.

    python tools/hand_pictures.py docs/pictures/hands.png

Needs Blender as a module, PyTorch and Pillow.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image

import intermask_blender
from intermask_blender.batch.render import RenderSettings, prepare_scene

WIDTH, HEIGHT, COLUMNS = 300, 240, 3
SAMPLES, SECONDS, NEAR = 64, 3.0, 0.04
KNUCKLES = ("L_Middle1", "R_Middle1")


@dataclass(frozen=True)
class CloseUp:
    """A picture.

    Attributes:
        prompt: of the clip.
        seed: of the clip.
        prop: simple prop, and its use.
        alone: whether the hand that reaches furthest is shown, not the hands that meet.
        later: frames after that moment.
        turn: degrees by which the camera goes round, from the side of both people, or of a hand that is shown alone.
        above: degrees by which it looks down.
        extent: metres across the picture.
    """

    prompt: str
    seed: int = 0
    prop: tuple[str, str] | None = None
    alone: bool = False
    later: int = 0
    turn: float = 0.0
    above: float = 15.0
    extent: float = 0.45


CLOSE_UPS = (
    CloseUp("two people shake hands", turn=20.0),
    CloseUp("two people give each other a fist bump"),
    CloseUp("two people fight with swords", prop=("SWORD", "HOLD"), alone=True),
    CloseUp("two people give each other a high five"),
    CloseUp("one person points at something and the other looks", alone=True),
    CloseUp("one person hands an object over to the other", prop=("BOTTLE", "HAND_OVER"), later=-6, turn=180.0),
)


def knuckles(people: list[bpy.types.Object]) -> np.ndarray:
    """(2, 2, 3) where the hands of both people are at the current frame."""
    return np.array([[person.matrix_world @ person.pose.bones[name].head for name in KNUCKLES] for person in people])


def pelvis(person: bpy.types.Object) -> np.ndarray:
    """(3,) where a person's pelvis is at the current frame."""
    return np.array(person.matrix_world @ person.pose.bones["Pelvis"].head)


def close_up(shown: CloseUp, target: Path) -> None:
    """Generate a clip and render its close-up."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    bpy.ops.intermask.generate(prompt=shown.prompt, seconds=SECONDS, seed=shown.seed)
    people = [scene.intermask.takes[0].character_1, scene.intermask.takes[0].character_2]
    if shown.prop is not None:
        scene.intermask.prop_shape = shown.prop[0]
        bpy.ops.intermask.add_prop(use=shown.prop[1])
    last = int(people[0].animation_data.action.frame_range[1])
    places, pelvises = [], []
    for frame in range(1, last + 1):
        scene.frame_set(frame)
        places.append(knuckles(people))
        pelvises.append(pelvis(people[0]))
    paths = np.array(places)  # (T, 2, 2, 3)
    if shown.alone:
        reach = np.linalg.norm((paths[:, 0] - np.array(pelvises)[:, None])[..., :2], axis=-1)
        moment, hand = np.unravel_index(reach.argmax(), reach.shape)
    else:
        apart = np.linalg.norm(paths[:, 0, :, None] - paths[:, 1, None], axis=-1)
        _, hand, other = np.unravel_index(apart.argmin(), apart.shape)
        # The middle of the time in which they are near, not the frame in which they come or go.
        moment = np.median(np.flatnonzero(apart[:, hand, other] < apart.min() + NEAR))
    moment = int(np.clip(moment + shown.later, 0, last - 1))
    scene.frame_set(moment + 1)
    middle = paths[moment, 0, hand] if shown.alone else 0.5 * (paths[moment, 0, hand] + paths[moment, 1, other])
    # What is seen from the side: the line from one person to the other, or from a body to its hand.
    ends = (pelvis(people[0]), paths[moment, 0, hand] if shown.alone else pelvis(people[1]))
    aim(scene, middle, ends[1] - ends[0], shown)
    prepare_scene(scene, RenderSettings("png", "cycles", 2 * WIDTH, 2 * HEIGHT, SAMPLES))
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    light(scene)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "picture.png")
        bpy.ops.render.render(write_still=True)
        large = Image.open(scene.render.filepath).convert("RGB")
        large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(target)


def aim(scene: bpy.types.Scene, middle: np.ndarray, line: np.ndarray, shown: CloseUp) -> None:
    """A camera that looks at the hands from beside a line."""
    angle = np.arctan2(line[1], line[0]) - np.pi / 2 + np.radians(shown.turn)
    above = np.radians(shown.above)
    way = np.array((np.cos(above) * np.cos(angle), np.cos(above) * np.sin(angle), np.sin(above)))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", shown.extent
    # In front of the hands alone: people between are cut away.
    camera.data.clip_start, camera.data.clip_end = 0.01, 3.0
    camera.location, camera.rotation_euler = (
        Vector(middle + 0.5 * way),
        Vector(-way).to_track_quat("-Z", "Y").to_euler(),
    )
    scene.camera = camera


def light(scene: bpy.types.Scene) -> None:
    """A sun over the camera's shoulder, and a grey world."""
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy, sun.data.angle = 2.5, 0.3
    turn = scene.camera.rotation_euler.to_matrix()
    sun.rotation_euler = (turn @ Vector((0.5, 0.7, 1.0))).to_track_quat("Z", "Y").to_euler()
    scene.collection.objects.link(sun)
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.45, 0.46, 0.48)
    scene.world.use_nodes = False


def main() -> None:
    """All close-ups in one picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--only", type=int, help="number of one close-up, from 0")
    given = parser.parse_args()
    intermask_blender.register()
    chosen = CLOSE_UPS if given.only is None else CLOSE_UPS[given.only : given.only + 1]
    sheet = Image.new("RGB", (WIDTH * min(COLUMNS, len(chosen)), HEIGHT * -(-len(chosen) // COLUMNS)))
    with tempfile.TemporaryDirectory() as folder:
        for number, shown in enumerate(chosen):
            target = Path(folder) / f"{number}.png"
            close_up(shown, target)
            sheet.paste(Image.open(target), (WIDTH * (number % COLUMNS), HEIGHT * (number // COLUMNS)))
            print(shown.prompt, flush=True)
    sheet.save(given.picture, optimize=True)
    intermask_blender.unregister()


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
