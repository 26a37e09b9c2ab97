"""Draws docs/pictures/keys.png: curves in Blender's graph editor, with a key every frame and with key poses.

    python tools/key_picture.py docs/pictures/keys.png

Needs Blender as a module, PyTorch and Pillow, and a real Blender with its window (see CONTRIBUTING.md).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

import bpy
from PIL import Image, ImageDraw, ImageFont

import intermask_blender
from intermask_blender import compat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from real_blender import SIZE, RealBlender, missing

PROMPT, SECONDS, SEED = "two people shake hands", 3.0, 0
BONE = "R_Shoulder"
WIDTH, TITLE, GAP = 560, 26, 8
COLOURS = 96
TITLES = ("Every Frame: {keys} keys", "Key Poses: {keys} keys")

Curve = list[dict[str, object]]

SHOW = """
import json
window = bpy.context.window_manager.windows[0]
area = max(window.screen.areas, key=lambda one: one.width * one.height)
area.type = "GRAPH_EDITOR"
for thing in list(bpy.data.objects):
    bpy.data.objects.remove(thing)
owner = bpy.data.objects.new("Person 1", bpy.data.armatures.new("Person 1"))
bpy.context.scene.collection.objects.link(owner)
bpy.context.view_layer.objects.active = owner
with bpy.context.temp_override(window=window, area=area):
    bpy.ops.object.mode_set(mode="EDIT")
    owner.data.edit_bones.new({bone!r}).tail = (0, 0, 0.2)
    bpy.ops.object.mode_set(mode="POSE")
owner.data.bones.active = owner.data.bones[{bone!r}]
owner.data.bones[{bone!r}].select = True
owner.pose.bones[{bone!r}].rotation_mode = "QUATERNION"
owner.animation_data_create().action = bpy.data.actions.new("Person 1")
answer = 0
"""
"""A person with one bone, in a graph editor."""

DRAW = """
import json
window = bpy.context.window_manager.windows[0]
area = next(one for one in window.screen.areas if one.type == "GRAPH_EDITOR")
owner = bpy.data.objects["Person 1"]
action = owner.animation_data.action
for curve in list(action.fcurves):
    action.fcurves.remove(curve)
for index, keys in enumerate(json.loads(open({path!r}, encoding="utf-8").read())):
    curve = action.fcurves.new(f'pose.bones["{bone}"].rotation_quaternion', index=index, action_group={bone!r})
    curve.color_mode = "AUTO_YRGB"
    curve.keyframe_points.add(len(keys))
    for point, key in zip(curve.keyframe_points, keys):
        point.co = key["co"]
        point.interpolation = key["interpolation"]
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_left, point.handle_right = key["left"], key["right"]
        point.select_control_point = point.select_left_handle = point.select_right_handle = len(keys) < {few}
    curve.select = True
    curve.update()
bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, {last}
bpy.context.scene.frame_set(1)
space = area.spaces.active
space.show_region_ui = False
space.show_region_channels = True
space.use_realtime_update = True
region = next(one for one in area.regions if one.type == "WINDOW")
with bpy.context.temp_override(window=window, area=area, region=region):
    bpy.ops.graph.view_all()
area.tag_redraw()
answer = [area.x, area.y, area.width, area.height]
"""
"""The keys of the file in that graph editor; ``answer`` is where it is in the window."""


def keys_of(owner: bpy.types.Object) -> list[Curve]:
    """The keys of a bone's rotation, for each of its four curves, with their handles."""
    store = compat.fcurve_store(owner, owner.animation_data.action)
    path = f'pose.bones["{BONE}"].rotation_quaternion'
    return [
        [
            {
                "co": list(point.co),
                "left": list(point.handle_left),
                "right": list(point.handle_right),
                "interpolation": point.interpolation,
            }
            for point in store.fcurves.find(path, index=index).keyframe_points
        ]
        for index in range(4)
    ]


def generated() -> list[list[Curve]]:
    """The curves of a generated clip with a key on every frame, and with key poses."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    bpy.ops.intermask.generate(prompt=PROMPT, seconds=SECONDS, seed=SEED)
    owner = scene.intermask.takes[0].character_1
    every = keys_of(owner)
    bpy.ops.intermask.thin_out_keys()
    return [every, keys_of(owner)]


def pictures(both: list[list[Curve]], folder: Path) -> list[Image.Image]:
    """The graph editor with each density of keys."""
    blender = RealBlender(folder / "blender", {"OMP_NUM_THREADS": "1"})
    result = []
    try:
        blender.ask(SHOW.replace("{bone!r}", repr(BONE)))
        blender.settle()
        last = round(max(float(key["co"][0]) for key in both[0][0]))  # type: ignore[index]
        few = len(both[0][0])
        for number, curves in enumerate(both):
            path = folder / f"{number}.json"
            path.write_text(json.dumps(curves), encoding="utf-8")
            code = DRAW.replace("{path!r}", repr(str(path))).replace("{bone!r}", repr(BONE)).replace("{bone}", BONE)
            code = code.replace("{few}", str(few)).replace("{last}", str(last))
            blender.ask(code)
            blender.settle()
            x, y, width, height = blender.ask(code)
            blender.settle()
            shown = folder / f"{number}.png"
            blender.picture_of(shown, x, SIZE[1] - y - height, width, height)
            result.append(Image.open(shown).convert("RGB"))
    finally:
        blender.close()
    return result


def joined(shown: list[Image.Image], counts: list[int]) -> Image.Image:
    """Both pictures beside each other, each under its title."""
    height = round(WIDTH * shown[0].height / shown[0].width)
    sheet = Image.new("RGB", (2 * WIDTH + GAP, height + TITLE), "white")
    font = ImageFont.load_default(16)
    for number, picture in enumerate(shown):
        left = number * (WIDTH + GAP)
        sheet.paste(picture.resize((WIDTH, height), Image.Resampling.LANCZOS), (left, TITLE))
        words = TITLES[number].format(keys=counts[number])
        ImageDraw.Draw(sheet).text((left + 8, 3), words, fill=(30, 30, 30), font=font)
    return sheet.quantize(COLOURS)


def main() -> None:
    """The picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    if reason := missing():
        raise SystemExit(reason)
    intermask_blender.register()
    both = generated()
    intermask_blender.unregister()
    with tempfile.TemporaryDirectory() as folder:
        joined(pictures(both, Path(folder)), [len(curves[0]) for curves in both]).save(given.picture, optimize=True)


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
