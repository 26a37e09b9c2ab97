"""What the 3D views show of constraints: their frames, and points and paths in the colour of their person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import blf
import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..scene.constraint_objects import PERSON, person_of
from ..scene.placing import COLOURS
from .path_frames import path_frames

RING = 0.25
"""Metres: radius of the ring on the ground of a waypoint."""
ARROW = 0.5
"""Metres: length of the arrow of a waypoint."""
CROSS = 0.06
"""Metres: half the length of the lines of a point."""
TICK = 0.08
"""Metres: length of the line at a frame of a path."""
TEXT_SIZE = 12
"""Points."""
_SEGMENTS = 24
_UPRIGHT = np.array(((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
_PALER = 1.6
"""Of the people's colours, which are dark, for lines over a dark view."""


@dataclass(frozen=True)
class Mark:
    """What is drawn for a constraint, or for a frame of a path.

    Attributes:
        lines: (2 N, 3) ends of lines, in the world.
        place: (3,) where the text begins.
        text: the name and the frames, or the frame.
        colour: red, green, blue.
    """

    lines: np.ndarray
    place: np.ndarray
    text: str
    colour: tuple[float, float, float]


def marks(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Iterator[Mark]:
    """What is drawn for the constraints of a scene that are not muted and whose objects are shown."""
    metres = scene.unit_settings.scale_length or 1.0
    for entry in scene.intermask.constraints:
        owner = entry.object
        if entry.mute or owner is None or owner.name not in layer.objects or not owner.visible_get(view_layer=layer):
            continue
        matrix = np.array(owner.matrix_world, np.float64)
        below = np.empty((0, 3))
        if entry.kind == "WAYPOINT":
            matrix, below = _on_ground(matrix, _ground(scene, PERSON[entry.person]))
        lines = _lines(entry.kind) / metres
        if len(lines):
            axes = matrix[:3, :3] / np.maximum(np.linalg.norm(matrix[:3, :3], axis=0), 1e-9)
            lines = lines @ axes.T + matrix[:3, 3]
        frames = str(entry.start) if entry.start == entry.end else f"{entry.start}-{entry.end}"
        text = entry.name if entry.whole_clip else f"{entry.name}  {frames}"
        first, second, third = (min(1.0, _PALER * part) for part in COLOURS[PERSON[entry.person]])
        yield Mark(np.concatenate((lines, below)), matrix[:3, 3], text, (first, second, third))
        if entry.kind == "PATH":
            for frame, place in path_frames(scene, entry):
                yield Mark(place + (TICK / metres) * _UPRIGHT, place, str(frame), (first, second, third))


def _ground(scene: bpy.types.Scene, person: int) -> float:
    """Height of the ground under a person, scene units."""
    owner = person_of(scene, person)
    return float(scene.cursor.location.z if owner is None else owner.matrix_world.translation.z)


def _on_ground(matrix: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a person will stand for a waypoint, which may be above or under the ground or tilted.

    Args:
        matrix: (4, 4) of its object.
        height: of the ground, scene units.

    Returns:
        (4, 4) upright on the ground, and the ends (2, 3) of a line from there to the object.
    """
    placed = np.eye(4)
    ahead = matrix[:2, 1] / max(float(np.linalg.norm(matrix[:2, 1])), 1e-9)
    placed[:2, 0], placed[:2, 1], placed[:3, 3] = (ahead[1], -ahead[0]), ahead, (*matrix[:2, 3], height)
    return placed, np.stack((placed[:3, 3], matrix[:3, 3]))


def _lines(kind: str) -> np.ndarray:
    """(2 N, 3) ends of the lines of a waypoint or a point, metres in its own space."""
    if kind == "WAYPOINT":
        angles = np.linspace(0.0, 2 * np.pi, _SEGMENTS + 1)
        ring = RING * np.stack((np.cos(angles), np.sin(angles), np.zeros_like(angles)), -1)
        tip, left, right = (0.0, ARROW, 0.0), (-0.07, ARROW - 0.1, 0.0), (0.07, ARROW - 0.1, 0.0)
        arrow = [(0.0, RING, 0.0), tip, tip, left, tip, right]
        return np.concatenate((np.stack((ring[:-1], ring[1:]), 1).reshape(-1, 3), arrow))
    if kind in ("PIN", "CONTACT"):
        return CROSS * np.stack((-np.eye(3), np.eye(3)), 1).reshape(-1, 3)
    return np.empty((0, 3))


@dataclass
class ConstraintOverlay:
    """The drawing of constraints in all 3D views, from ``start`` to ``close``."""

    _handles: list[object] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Draw them from now on; without a window nothing is drawn."""
        if bpy.app.background or self._handles:
            return
        view = bpy.types.SpaceView3D
        self._handles.append(view.draw_handler_add(_draw_lines, (), "WINDOW", "POST_VIEW"))
        self._handles.append(view.draw_handler_add(_draw_texts, (), "WINDOW", "POST_PIXEL"))

    def close(self) -> None:
        """Draw them no longer."""
        for handle in self._handles:
            bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
        self._handles.clear()


def _shown(context: bpy.types.Context) -> list[Mark]:
    """What the current view shows; nothing where its overlays are switched off."""
    if not context.scene.intermask.constraints or not context.space_data.overlay.show_overlays:
        return []
    return list(marks(context.scene, context.view_layer))


def _draw_lines() -> None:
    context = bpy.context
    shown = [mark for mark in _shown(context) if len(mark.lines)]
    if not shown:
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.uniform_float("viewportSize", (context.region.width, context.region.height))
    shader.uniform_float("lineWidth", 2.0)
    for mark in shown:
        shader.uniform_float("color", (*mark.colour, 1.0))
        batch_for_shader(shader, "LINES", {"pos": mark.lines.astype(np.float32).tolist()}).draw(shader)


def _draw_texts() -> None:
    context = bpy.context
    for mark in _shown(context):
        place = location_3d_to_region_2d(context.region, context.region_data, Vector(mark.place.tolist()))
        if place is None:
            continue
        blf.size(0, TEXT_SIZE * context.preferences.system.ui_scale)
        blf.color(0, *mark.colour, 1.0)
        blf.position(0, place.x + 8, place.y + 8, 0.0)
        blf.draw(0, mark.text)
