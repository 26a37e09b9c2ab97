"""File browsers that wait for an operator of the add-on."""

from __future__ import annotations

import bpy

PREFIX = "INTERMASK_OT_"
"""How Blender names the add-on's operators."""


def close_file_browsers() -> None:
    """Cancel them before the operators are unregistered: else Blender crashes when the next file browser opens."""
    for window in list(bpy.context.window_manager.windows):
        for area in list(window.screen.areas):
            if area.type != "FILE_BROWSER":
                continue
            operator = area.spaces.active.active_operator
            if operator is None or not operator.bl_idname.startswith(PREFIX):
                continue
            alone = len(window.screen.areas) == 1
            with bpy.context.temp_override(window=window, area=area, region=area.regions[0]):
                bpy.ops.file.cancel()
            # Blender would close it at its next event, on behalf of an operator that no longer exists then.
            if alone and len(bpy.context.window_manager.windows) > 1:
                with bpy.context.temp_override(window=window):
                    bpy.ops.wm.window_close()
            else:
                with bpy.context.temp_override(window=window, area=area, region=area.regions[0]):
                    bpy.ops.screen.back_to_previous()
