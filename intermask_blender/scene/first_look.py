"""How the first take of a scene is presented: selected, in view, and played in a loop from its first frame."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from .takes import bounds_now, character_actions, frames_of, people_of

VIEW_DISTANCE = 1.8
"""Distance of the view in diagonals of the people's bounds, which then fit with a margin into usual window shapes."""


def present_first_take(context: bpy.types.Context, take: bpy.types.PropertyGroup) -> None:
    """Play a take in a loop from its first frame; in the current scene, select its people and move the views to them.

    Args:
        context: its windows' 3D views move, except those that look through a camera.
        take: the one that is shown.
    """
    scene = take.id_data
    first, last = frames_of(take)
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = first, last
    scene.frame_set(first)
    owners = [owner for owner, _ in character_actions(take)]
    if context.scene != scene:
        return
    if context.mode == "OBJECT":
        _select(context.view_layer, owners)
    for window in context.window_manager.windows:
        if window.scene == scene:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    frame_people(area.spaces.active.region_3d, people_of(take))
                    area.tag_redraw()


def frame_people(view: bpy.types.RegionView3D, owners: Iterable[bpy.types.Object]) -> None:
    """Move a view so that people at the current frame fill it; a camera's view stays."""
    if view.view_perspective == "CAMERA":
        return
    low, high = bounds_now(list(owners))
    view.view_location = (low + high) / 2
    view.view_distance = VIEW_DISTANCE * float(np.linalg.norm(high - low))


def frames_beyond_scene(take: bpy.types.PropertyGroup) -> tuple[int, int] | None:
    """Last frame of a take and of its scene if the take ends after the scene, else None."""
    last, end = frames_of(take)[1], take.id_data.frame_end
    return (last, end) if last > end else None


def _select(layer: bpy.types.ViewLayer, owners: list[bpy.types.Object]) -> None:
    for item in layer.objects:
        item.select_set(item in owners)
    present = [owner for owner in owners if owner.name in layer.objects]
    if present:
        layer.objects.active = present[0]
