"""Export: the chosen take as files for elsewhere."""

from __future__ import annotations

import bpy

from ..operators.export import INTERMASK_OT_export
from ..rig.key import scene_fps
from ..translations import tr
from ..ui.property_column import property_column
from .generate import TAB


class INTERMASK_PT_export(bpy.types.Panel):
    """The chosen take as files"""

    bl_idname = "INTERMASK_PT_export"
    bl_label = "Export"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The format and the button."""
        column = property_column(self.layout)
        column.prop(context.scene.intermask, "export_format")
        if context.scene.intermask.export_format not in ("BVH", "NPZ"):
            column.prop(context.scene.intermask, "export_root_motion")
        if context.scene.intermask.export_format == "FBX":
            column.prop(context.scene.intermask, "export_fbx_units")
        if context.scene.intermask.export_format in ("BVH", "NPZ"):
            rate = tr("{fps:g} frames a second, as the scene").format(fps=scene_fps(context.scene))
            self.layout.label(text=rate, icon="INFO", translate=False)
        self.layout.operator(INTERMASK_OT_export.bl_idname, text="Export Both", icon="EXPORT")
