"""Fingers: poses to put on chosen hands and frames."""

from __future__ import annotations

import bpy

from ..operators.fingers import PRESETS, INTERMASK_OT_pose_fingers
from ..translations import tr
from .generate import TAB


class INTERMASK_PT_fingers(bpy.types.Panel):
    """Poses for the fingers of the selected armatures"""

    bl_idname = "INTERMASK_PT_fingers"
    bl_parent_id = "INTERMASK_PT_edit"
    bl_label = "Fingers"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Which hands, a button for each pose, and the frames that get it."""
        settings, layout = context.scene.intermask, self.layout
        layout.prop(settings, "finger_hands", text="")
        grid = layout.grid_flow(columns=3, align=True, even_columns=True)
        for pose, title, _ in PRESETS:
            button = grid.operator(INTERMASK_OT_pose_fingers.bl_idname, text=title)
            button.pose, button.hands = pose, settings.finger_hands
        scene = context.scene
        text = tr("Frame {frame}").format(frame=scene.frame_current)
        if scene.use_preview_range:
            text = tr("Frames {first} to {last}").format(first=scene.frame_preview_start, last=scene.frame_preview_end)
        layout.label(text=text, icon="TIME", translate=False)
