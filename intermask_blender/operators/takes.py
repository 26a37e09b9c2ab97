"""Buttons of the list of takes."""

from __future__ import annotations

import bpy

from ..core import UserError
from ..takes import delete_takes, parts, push_to_nla


class _OnTake:
    """Something done with the take that is chosen in the list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take is chosen; the reason is shown on the grey button."""
        settings = context.scene.intermask
        if not 0 <= settings.take_index < len(settings.takes):
            cls.poll_message_set("There is no take yet: generate one")  # type: ignore[attr-defined]
            return False
        return True


class INTERMASK_OT_delete_take(_OnTake, bpy.types.Operator):
    """Delete the chosen take with its keys; the characters stay"""

    bl_idname = "intermask.delete_take"
    bl_label = "Delete Take"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete it."""
        delete_takes(context.scene, [context.scene.intermask.take_index])
        return {"FINISHED"}


class INTERMASK_OT_delete_other_takes(_OnTake, bpy.types.Operator):
    """Delete all takes but the chosen one and those that are marked Keep"""

    bl_idname = "intermask.delete_other_takes"
    bl_label = "Delete Other Takes"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete them."""
        settings = context.scene.intermask
        others = [number for number, take in enumerate(settings.takes) if not take.keep]
        delete_takes(context.scene, [number for number in others if number != settings.take_index])
        return {"FINISHED"}


class INTERMASK_OT_push_take(_OnTake, bpy.types.Operator):
    """Lay the chosen take down as a strip on a new NLA track of each character"""

    bl_idname = "intermask.push_take"
    bl_label = "Push Down to NLA"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the take has characters to play it."""
        if not super().poll(context):
            return False
        settings = context.scene.intermask
        if not parts(settings.takes[settings.take_index]):
            cls.poll_message_set("The characters of this take were deleted")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Push it down."""
        settings = context.scene.intermask
        try:
            push_to_nla(settings.takes[settings.take_index])
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
