"""The generations that are under way in a Blender session, in the order in which they were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import bpy

from ..generator.generation import Generation
from ..translations import tr


@dataclass
class Pending:
    """A generation that somebody waits for.

    Attributes:
        title: what the panel calls it.
        generation: its request.
        timer: what wakes the operator that waits.
        stop: true once the user wants it no more; the operator that waits sees to it.
    """

    title: str
    generation: Generation
    timer: bpy.types.Timer
    stop: bool = False


@cache
def pending() -> list[Pending]:
    """What is under way, the one that the worker is at first."""
    return []


def abandon_all() -> None:
    """Cancel everything and remove the timers: the add-on goes while operators wait."""
    manager = bpy.context.window_manager
    while pending():
        item = pending().pop()
        item.generation.cancel()
        manager.event_timer_remove(item.timer)
    show_progress(bpy.context)


def show_progress(context: bpy.types.Context) -> None:
    """Mirror the first generation in the window manager, where panels and scripts read it, and in the status bar."""
    progress, items = context.window_manager.intermask, pending()
    text, factor = (items[0].generation.text, items[0].generation.factor) if items else ("", 0.0)
    count = len(items)
    if (progress.text, progress.factor, progress.count) == (text, factor, count):
        return
    progress.running, progress.count, progress.text, progress.factor = bool(items), count, text, factor
    if context.workspace is not None:
        template = tr("{progress}, {count} waiting   (Esc cancels)") if count > 1 else tr("{progress}   (Esc cancels)")
        context.workspace.status_text_set(template.format(progress=text, count=count - 1) if items else None)
    redraw_sidebars(context)


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Draw the sidebars of the 3D views of all windows again; the views themselves, which can take long, are not."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != "VIEW_3D":
                continue
            for region in area.regions:
                if region.type == "UI":
                    region.tag_redraw()
