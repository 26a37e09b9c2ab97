"""Props: objects in the hands or at the feet of the people of the chosen take."""

from __future__ import annotations

import bpy

from ..operators.props import USES, INTERMASK_OT_add_prop
from ..ui.property_column import property_column
from .generate import TAB


class INTERMASK_PT_props(bpy.types.Panel):
    """Objects that the people of the chosen take hold, hand over or kick"""

    bl_idname = "INTERMASK_PT_props"
    bl_parent_id = "INTERMASK_PT_takes"
    bl_label = "Props"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The object or a simple shape, and what happens with it."""
        settings, layout = context.scene.intermask, self.layout
        column = property_column(layout)
        column.prop(settings, "prop_object")
        # Greyed out, not left out: the buttons below would move under the mouse.
        row = column.row()
        row.active = settings.prop_object is None
        row.prop(settings, "prop_shape")
        row = layout.row(align=True)
        for use, title, _ in USES:
            row.operator(INTERMASK_OT_add_prop.bl_idname, text=title).use = use
