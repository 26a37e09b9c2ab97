"""Takes: what was generated, to choose from."""

from __future__ import annotations

import bpy

from ..operators.keys import INTERMASK_OT_restore_every_frame, INTERMASK_OT_thin_out_keys
from ..operators.proposals import (
    INTERMASK_OT_accept_proposal,
    INTERMASK_OT_next_proposal,
    INTERMASK_OT_reject_proposal,
)
from ..operators.takes import (
    INTERMASK_OT_delete_other_takes,
    INTERMASK_OT_delete_take,
    INTERMASK_OT_mark_take_as_asset,
    INTERMASK_OT_play_take,
    INTERMASK_OT_push_take,
    INTERMASK_OT_use_take_settings,
    INTERMASK_OT_view_take,
)
from ..scene.overlaps import sentence, still_there
from ..scene.takes import character_actions, seed_of
from ..translations import tr
from ..ui.wrapping import paragraph
from .generate import TAB


class INTERMASK_UL_takes(bpy.types.UIList):
    """The takes of the scene; a click shows one"""

    bl_idname = "INTERMASK_UL_takes"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int,
    ) -> None:
        """Name and Keep."""
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="ACTION" if character_actions(item) else "ERROR")
        row.prop(item, "keep", text="", emboss=False, icon="SOLO_ON" if item.keep else "SOLO_OFF")


class INTERMASK_MT_takes(bpy.types.Menu):
    """More that can be done with the takes"""

    bl_idname = "INTERMASK_MT_takes"
    bl_label = "Takes"

    def draw(self, context: bpy.types.Context) -> None:
        """What is seldom needed, or should not happen at one click."""
        self.layout.operator(INTERMASK_OT_use_take_settings.bl_idname, icon="COPYDOWN")
        self.layout.operator(INTERMASK_OT_delete_other_takes.bl_idname, icon="TRASH")


class INTERMASK_PT_takes(bpy.types.Panel):
    """What was generated, to choose from"""

    bl_idname = "INTERMASK_PT_takes"
    bl_label = "Takes"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: bpy.types.Context) -> None:
        """The list, or what it is for."""
        settings, layout = context.scene.intermask, self.layout
        if not settings.takes:
            layout.label(text="What you generate is listed here", icon="INFO")
            return
        row = layout.row()
        # Of one height: buttons that move with every new take are clicked by mistake.
        row.template_list(
            INTERMASK_UL_takes.bl_idname, "", settings, "takes", settings, "take_index", rows=4, maxrows=4
        )
        side = row.column(align=True)
        side.operator(INTERMASK_OT_delete_take.bl_idname, text="", icon="REMOVE")
        side.separator()
        side.menu(INTERMASK_MT_takes.bl_idname, text="", icon="DOWNARROW_HLT")
        if 0 <= settings.take_index < len(settings.takes):
            take = settings.takes[settings.take_index]
            line = tr("Seed {seed}, take {number}, model {model}")
            line = line.format(seed=seed_of(take), number=take.number, model=take.model)
            layout.label(text=line, translate=False)
            if notice := sentence(still_there(context.scene, take)):
                paragraph(layout, context, notice, "ERROR")
            if take.proposal:
                row = layout.row(align=True)
                row.operator(INTERMASK_OT_accept_proposal.bl_idname, icon="CHECKMARK")
                row.operator(INTERMASK_OT_reject_proposal.bl_idname, icon="X")
                row.operator(INTERMASK_OT_next_proposal.bl_idname, icon="FORWARD")
        column = layout.column(align=True)
        column.operator(INTERMASK_OT_view_take.bl_idname, icon="VIEWZOOM")
        column.operator(INTERMASK_OT_play_take.bl_idname, icon="PREVIEW_RANGE")
        column.operator(INTERMASK_OT_push_take.bl_idname, icon="NLA_PUSHDOWN")
        column.operator(INTERMASK_OT_mark_take_as_asset.bl_idname, icon="ASSET_MANAGER")
        column.operator(INTERMASK_OT_thin_out_keys.bl_idname, icon="KEYFRAME_HLT")
        column.operator(INTERMASK_OT_restore_every_frame.bl_idname, icon="KEYFRAME")
        layout.prop(settings, "hide_other_people")
