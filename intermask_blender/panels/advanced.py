"""Advanced: how the model draws and how its motion is cleaned up."""

from __future__ import annotations

import bpy

from ..properties.sampling_settings import PANEL_SAMPLING
from .generate import TAB


class INTERMASK_PT_advanced(bpy.types.Panel):
    """How the model draws and how its motion is cleaned up"""

    bl_idname = "INTERMASK_PT_advanced"
    bl_parent_id = "INTERMASK_PT_generate"
    bl_label = "Advanced"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """All of them."""
        settings = context.scene.intermask
        # Not split: half the sidebar's usual width is too narrow for these labels in any language.
        column = self.layout.column()
        column.prop(settings, "use_model_values")
        own = column.column(align=True)
        own.active = not settings.use_model_values
        for name in PANEL_SAMPLING:
            own.prop(settings, name)
        column.prop(settings, "foot_lock")
        column.prop(settings, "contact")
        column = self.layout.column()
        column.prop(settings, "keys")
        column = self.layout.column(align=True)
        column.active = settings.keys == "POSES" or bool(settings.takes)
        column.prop(settings, "key_distance")
        column.prop(settings, "key_angle")
