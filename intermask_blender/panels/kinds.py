"""The browser of all kinds of interaction that the chosen model knows: a popover with a picture of each."""

from __future__ import annotations

import bpy

from ..operators.prompt import INTERMASK_OT_use_prompt
from ..translations import capitalised, kind_name, tr
from ..ui.kinds import picture_path
from ..ui.model_list import model_list
from ..ui.session import session

COLUMNS = 4
PICTURE = 6.0
"""Size of a picture, as a multiple of a button's height."""


class INTERMASK_PT_kinds(bpy.types.Panel):
    """Browse what the chosen model can do"""

    bl_idname = "INTERMASK_PT_kinds"
    bl_label = "Kinds of Interaction"
    bl_description = "Browse what the chosen model can do"
    bl_space_type = "VIEW_3D"
    # A popover: drawn only when it is opened.
    bl_region_type = "HEADER"
    bl_options = {"INSTANCED"}
    bl_ui_units_x = 28

    def draw(self, context: bpy.types.Context) -> None:
        """A tab for each group, and the kinds of the chosen group."""
        layout, models, model = self.layout, model_list(context), context.scene.intermask.model
        groups = models.kinds.get(model, ())
        if not groups:
            layout.label(text=tr("This model lists no kinds of interaction"), icon="INFO", translate=False)
            return
        shown = context.window_manager.intermask
        layout.grid_flow(row_major=True, columns=3, even_columns=True, align=True).prop(
            shown, "kind_group", expand=True
        )
        grid = layout.grid_flow(row_major=True, columns=COLUMNS, even_columns=True)
        group = next((group for group in groups if group.title == shown.kind_group), groups[0])
        for kind in group.kinds:
            cell = grid.column(align=True)
            picture = session().previews.icon(picture_path(models.folders[model], kind.name))
            if picture:
                cell.template_icon(picture, scale=PICTURE)
            name = capitalised(kind_name(kind.name))
            cell.operator(INTERMASK_OT_use_prompt.bl_idname, text=name, translate=False).prompt = kind.prompt
