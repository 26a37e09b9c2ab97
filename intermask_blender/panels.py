"""The InterMask tab in the sidebar of the 3D view."""

from __future__ import annotations

import bpy

from .operators.generate import INTERMASK_OT_cancel, INTERMASK_OT_generate
from .properties import NO_MODEL
from .rig.detect import rig_line


class INTERMASK_PT_generate(bpy.types.Panel):
    """Prompt in, two people out"""

    bl_idname = "INTERMASK_PT_generate"
    bl_label = "Generate Interaction"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "InterMask"

    def draw(self, context: bpy.types.Context) -> None:
        """Settings, then the button, or progress and Cancel while it works."""
        settings, progress = context.scene.intermask, context.window_manager.intermask
        layout = self.layout
        layout.prop(settings, "prompt", text="")
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for name in ("seconds", "seed", "model", "leader"):
            column.prop(settings, name)
        _rig_label(column, settings.leader)
        column.label(text="Characters")
        for name in ("character_1", "character_2"):
            row = column.row()
            row.enabled = name == "character_2" or settings.leader is None
            row.prop(settings, name, text="First" if name == "character_1" else "Second")
            if row.enabled:
                _rig_label(column, getattr(settings, name))
        if progress.running:
            layout.progress(factor=progress.factor, text=progress.text)
            layout.operator(INTERMASK_OT_cancel.bl_idname, icon="X")
            return
        reason = self._missing(settings)
        if reason:
            layout.label(text=reason, icon="INFO")
        row = layout.row()
        row.scale_y = 1.5
        row.enabled = not reason
        row.operator(INTERMASK_OT_generate.bl_idname, text="Generate", icon="PLAY")

    @staticmethod
    def _missing(settings: bpy.types.PropertyGroup) -> str:
        """What must be filled in first, empty where nothing is missing."""
        if not settings.prompt.strip():
            return "Write what the two people do"
        if settings.model == NO_MODEL:
            return "No model is installed"
        return ""


def _rig_label(layout: bpy.types.UILayout, owner: bpy.types.Object | None) -> None:
    """One line on what was recognised in a chosen armature."""
    if owner is None:
        return
    text, good = rig_line(owner)
    layout.label(text=text, icon="ARMATURE_DATA" if good else "ERROR")
