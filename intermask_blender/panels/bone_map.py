"""Panel Bone Map: shows and edits which bones of an armature are a person's joints."""

from __future__ import annotations

import bpy

from ..operators.bone_map import (
    INTERMASK_OT_detect_bones,
    INTERMASK_OT_edit_bones,
    INTERMASK_OT_load_bones,
    INTERMASK_OT_save_bones,
    mapped_armature,
)
from ..rig.labels import bone_label
from ..rig.own_map import is_edited, joint_needs_attention
from ..translations import TRANSLATION_CONTEXT
from ..ui.property_column import property_column
from .generate import TAB
from .rig_line import draw_rig_line


class INTERMASK_UL_bones(bpy.types.UIList):
    """The joints with their bones"""

    bl_idname = "INTERMASK_UL_bones"

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
        """The joint, and a field that searches the armature's bones."""
        owner = data.id_data
        row = layout.split(factor=0.48)
        row.label(
            text=bone_label(item.name), icon="ERROR" if joint_needs_attention(owner, item) else "NONE", translate=False
        )
        row.prop_search(item, "bone", owner.data, "bones", text="")

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.AnyType, property: str
    ) -> tuple[list[int], list[int]]:
        """Search and sort by what is shown; the items' names are SMPL's."""
        labels = [bone_label(item.name) for item in getattr(data, property)]
        wanted = self.filter_name.casefold()
        flags = [self.bitflag_filter_item if wanted in label.casefold() else 0 for label in labels] if wanted else []
        order = (
            bpy.types.UI_UL_list.sort_items_helper(list(enumerate(labels)), lambda pair: pair[1])
            if self.use_filter_sort_alpha
            else []
        )
        return flags, order


class INTERMASK_PT_bone_map(bpy.types.Panel):
    """Which bones of an armature are a person's joints"""

    bl_idname = "INTERMASK_PT_bone_map"
    bl_parent_id = "INTERMASK_PT_generate"
    bl_label = "Bone Map"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What was recognised, and the list if the map was edited."""
        settings, layout = context.scene.intermask, self.layout
        column = property_column(layout)
        column.prop(settings, "mapped")
        owner = mapped_armature(settings)
        if owner is None:
            layout.label(text="Choose a leader or a character", icon="INFO")
            return
        if settings.mapped is None:
            layout.label(text=owner.name, icon="OBJECT_DATA", translate=False)
        draw_rig_line(layout, context, owner)
        if is_edited(owner):
            self._draw_list(layout, owner)
        else:
            layout.operator(INTERMASK_OT_edit_bones.bl_idname, icon="GREASEPENCIL")
        row = layout.row(align=True)
        ours = {"text_ctxt": TRANSLATION_CONTEXT}
        row.operator(INTERMASK_OT_load_bones.bl_idname, text="Load", icon="FILE_FOLDER", **ours)
        row.operator(INTERMASK_OT_save_bones.bl_idname, text="Save", icon="FILE_TICK", **ours)

    @staticmethod
    def _draw_list(layout: bpy.types.UILayout, owner: bpy.types.Object) -> None:
        layout.template_list(
            INTERMASK_UL_bones.bl_idname, "", owner, "intermask_bones", owner, "intermask_bone_index", rows=5
        )
        column = property_column(layout)
        if 0 <= owner.intermask_bone_index < len(owner.intermask_bones):
            item = owner.intermask_bones[owner.intermask_bone_index]
            column.prop_search(item, "control", owner.data, "bones", text="Control to Key")
        column.prop_search(owner, "intermask_root_bone", owner.data, "bones", text="Root Motion")
        layout.operator(INTERMASK_OT_detect_bones.bl_idname, icon="FILE_REFRESH")
