"""Edit: changing the chosen take, by range, by person and by body part."""

from __future__ import annotations

import bpy

from ..operators.edit import INTERMASK_OT_edit, INTERMASK_OT_extend
from ..operators.variants import (
    INTERMASK_OT_exchange_people,
    INTERMASK_OT_mirror_take,
    INTERMASK_OT_retime_take,
    INTERMASK_OT_scale_gestures,
)
from ..translations import TRANSLATION_CONTEXT, tr, tr_noop
from ..ui.property_column import property_column
from ..ui.wrapping import paragraph
from .generate import TAB

BUTTONS = (
    ("ARMS", tr_noop("Arms")),
    ("LEGS", tr_noop("Legs")),
    ("UPPER_BODY", tr_noop("Upper Body")),
    ("HANDS", tr_noop("Hands")),
)
"""Parts of the body with a button each."""


class INTERMASK_PT_edit(bpy.types.Panel):
    """Change the chosen take; the result is a new take"""

    bl_idname = "INTERMASK_PT_edit"
    bl_label = "Edit"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Prompt, seed, person and range, then the buttons that use them."""
        scene, layout = context.scene, self.layout
        settings = scene.intermask
        column = property_column(layout)
        column.prop(settings, "edit_prompt", placeholder=self._own_prompt(settings))
        row = column.row(heading="Fixed Seed")
        row.prop(settings, "use_edit_seed", text="")
        sub = row.row()
        sub.active = settings.use_edit_seed
        sub.prop(settings, "edit_seed", text="")
        column.prop(settings, "edit_who")
        # As in the timeline's header: the preview range's button, then its two frames.
        row = layout.row(align=True)
        row.prop(scene, "use_preview_range", text="")
        sub = row.row(align=True)
        sub.active = scene.use_preview_range
        sub.prop(scene, "frame_preview_start", text="Start")
        sub.prop(scene, "frame_preview_end", text="End")
        layout.label(text=tr_noop("Regenerate") if scene.use_preview_range else tr_noop("Regenerate Whole Take"))
        grid = layout.grid_flow(columns=2, align=True, even_columns=True)
        for part, title in BUTTONS:
            button = grid.operator(INTERMASK_OT_edit.bl_idname, text=title)
            button.part, button.strength = part, 1.0
        row = layout.row()
        row.enabled = scene.use_preview_range
        button = row.operator(INTERMASK_OT_edit.bl_idname, text="Regenerate Frames in Range", icon="IPO_EASE_IN_OUT")
        button.part, button.strength = "ALL", 1.0
        if not scene.use_preview_range:
            paragraph(layout, context, tr("Turn on the frame range (clock icon) to use this"), "INFO")
        row = layout.row(align=True)
        row.prop(settings, "strength", slider=True)
        button = row.operator(INTERMASK_OT_edit.bl_idname, text="Vary")
        button.part, button.strength = "ALL", settings.strength
        row = layout.row(align=True)
        row.prop(settings, "seconds_more")
        row.operator(INTERMASK_OT_extend.bl_idname, text="Extend", text_ctxt=TRANSLATION_CONTEXT)
        grid = layout.grid_flow(columns=2, align=True, even_columns=True)
        grid.operator(INTERMASK_OT_mirror_take.bl_idname, icon="MOD_MIRROR")
        grid.operator(INTERMASK_OT_exchange_people.bl_idname, text=tr_noop("Exchange"), icon="ARROW_LEFTRIGHT")
        grid.operator(INTERMASK_OT_retime_take.bl_idname, icon="TIME")
        grid.operator(INTERMASK_OT_scale_gestures.bl_idname, icon="CON_SIZELIKE")

    @staticmethod
    def _own_prompt(settings: bpy.types.PropertyGroup) -> str:
        """The prompt that an edit uses where none is typed."""
        if 0 <= settings.take_index < len(settings.takes):
            return str(settings.takes[settings.take_index].prompt)
        return ""
