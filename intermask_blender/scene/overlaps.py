"""What new characters would stand in. They come to the 3D cursor as everything new does, and in the scene that Blender
begins with a cube is there: nothing of the user's is moved or hidden, but it is told.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ..core import SMPL
from ..translations import tr

LARGEST = 4.0
"""Metres. What reaches farther is a room or a ground, in which people are meant to stand."""

FEET = ("L_Ankle", "R_Ankle", "L_Foot", "R_Foot")
"""Joints that may be inside of something, such as a carpet."""

SOLID = frozenset(("MESH", "CURVE", "SURFACE", "META", "FONT"))


def overlapping_objects(scene: bpy.types.Scene, joints: np.ndarray) -> list[bpy.types.Object]:
    """Visible things whose box a person is in at some moment; what an armature moves, such as a body, does not count.

    Args:
        scene: where the people are.
        joints: (..., 22, 3) of the people, in Blender's world.
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


def sentence(names: Iterable[str]) -> str:
    """What is told of them, empty where there is nothing to tell."""
    things = ", ".join(names)
    told = tr("The characters stand in {things}: hide it, or move the 3D cursor and generate again")
    return told.format(things=things) if things else ""


def still_there(scene: bpy.types.Scene, take: bpy.types.PropertyGroup) -> list[str]:
    """Of what the people of a take stood in, what is still to be seen."""
    things = [(name, scene.objects.get(name)) for name in take.stands_in.splitlines()]
    return [name for name, thing in things if thing is not None and _visible(thing)]


def _visible(thing: bpy.types.Object) -> bool:
    return not thing.hide_render and bool(thing.visible_get())


def _box(thing: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner, (3,) in the world."""
    corners = np.array(thing.bound_box) @ np.array(thing.matrix_world)[:3, :3].T + np.array(thing.matrix_world)[:3, 3]
    return corners.min(axis=0), corners.max(axis=0)
