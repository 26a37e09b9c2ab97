"""Runs inside a real Blender: carries out what the tests ask for, between Blender's own events.

``blender --python real_blender_inside.py -- FOLDER``: a file ``ask-N.py`` in the folder is run, its variable ``answer``
is written to ``answer-N.json``.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
LOOKS = 0.005


def view3d() -> dict[str, object]:
    """The 3D view with its sidebar, as an override of the context."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "UI")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def hovered() -> str:
    """The operator of the button under the mouse as Python would call it, empty where there is none."""
    with bpy.context.temp_override(**view3d()):
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.ops.ui.copy_python_command_button()
    return bpy.context.window_manager.clipboard


def field() -> str:
    """The property of the field under the mouse, as a path from ``bpy``; empty where there is none."""
    with bpy.context.temp_override(**view3d()):
        if not bpy.ops.ui.copy_data_path_button.poll():
            return ""
        bpy.context.window_manager.clipboard = ""
        bpy.ops.ui.copy_data_path_button(full_path=True)
    return bpy.context.window_manager.clipboard


class TEST_OT_watch(bpy.types.Operator):
    """Sees where the mouse is, and leaves every event to Blender"""

    bl_idname = "test.watch"
    bl_label = "Watch the Mouse"
    running = False
    place = (-1, -1)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Watch until Blender ends it, such as when it opens a file."""
        context.window_manager.modal_handler_add(self)
        TEST_OT_watch.running = True
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Remember the place."""
        TEST_OT_watch.place = event.mouse_x, event.mouse_y
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """It begins again with the next look."""
        TEST_OT_watch.running = False


def mouse() -> list[int]:
    """Where the mouse was at the last event that Blender has dealt with."""
    return list(TEST_OT_watch.place)


def look() -> float:
    """Timer: run what was asked."""
    if not TEST_OT_watch.running and bpy.context.window_manager.windows:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.test.watch("INVOKE_DEFAULT")
    for path in sorted(FOLDER.glob("ask-*.py")):
        code = path.read_text(encoding="utf-8")
        path.unlink()
        helpers = {"bpy": bpy, "view3d": view3d, "hovered": hovered, "field": field, "mouse": mouse}
        names: dict[str, object] = {**helpers, "answer": None}
        try:
            exec(code, names)
            told = {"answer": names["answer"]}
        except BaseException:
            told = {"fault": traceback.format_exc()}
        part = FOLDER / f"{path.stem}.part"
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(FOLDER / f"{path.stem.replace('ask', 'answer')}.json")
    return LOOKS


bpy.utils.register_class(TEST_OT_watch)
bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(look, first_interval=LOOKS, persistent=True)
