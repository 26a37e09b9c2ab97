"""Characters: new mannequins, or armatures of the scene."""

from __future__ import annotations

import bpy

from ..translations import TRANSLATION_CONTEXT, tr
from ..ui.property_column import property_column
from .generate import TAB
from .rig_line import draw_rig_line, has_ik_controls


class INTERMASK_PT_characters(bpy.types.Panel):
    """New mannequins, or armatures of the scene"""

    bl_idname = "INTERMASK_PT_characters"
    bl_parent_id = "INTERMASK_PT_generate"
    bl_label = "Characters"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Both people, with the rig that was recognised in each."""
        settings = context.scene.intermask
        column = property_column(self.layout)
        led = settings.leader is not None
        row = column.row()
        row.enabled = not led
        if led:
            row.label(text=tr("Person 1: {name}, the leader").format(name=settings.leader.name), translate=False)
        else:
            row.prop(settings, "character_1", placeholder=tr("New mannequin"))
            draw_rig_line(self.layout, context, settings.character_1)
            self._draw_body(settings, 1)
        column = property_column(self.layout)
        column.prop(settings, "character_2", placeholder=tr("New mannequin"))
        draw_rig_line(self.layout, context, settings.character_2)
        self._draw_body(settings, 2)

        chosen = [settings.character_2, *(() if led else (settings.character_1,))]
        if any(has_ik_controls(owner) for owner in chosen if owner is not None):
            column = property_column(self.layout)
            column.prop(settings, "arms")
            column.prop(settings, "legs")
        if not led and (settings.character_1 is not None or settings.character_2 is not None):
            column = property_column(self.layout)
            column.prop(settings, "at_cursor")

    def _draw_body(self, settings: bpy.types.PropertyGroup, number: int) -> None:
        """The body file of a new character; an armature of the scene has its own body."""
        if getattr(settings, f"character_{number}") is not None:
            return
        column = property_column(self.layout)
        column.prop(settings, f"body_{number}", text="SMPL Body File", placeholder=tr("Optional"))
