"""Buttons of the list of takes."""

from __future__ import annotations

import bpy
import numpy as np

from ..scene.takes import bounds_now, delete_takes, frames_of, parts, push_to_nla
from .attempt_mixin import AttemptMixin, refuse

CLOSENESS = 1.8
"""Distance of the view in diagonals of what it shows: all of it is seen, with some air, in views of any usual shape."""


class _OnTake(AttemptMixin):
    """Something done with the take that is chosen in the list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take is chosen; the reason is shown on the grey button."""
        settings = context.scene.intermask
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take yet: generate one")
        return True


class INTERMASK_OT_delete_take(_OnTake, bpy.types.Operator):
    """Delete the chosen take with its keys; the characters stay"""

    bl_idname = "intermask.delete_take"
    bl_label = "Delete Take"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Delete it."""
        delete_takes(context.scene, [context.scene.intermask.take_index])
        return ""


class INTERMASK_OT_delete_other_takes(_OnTake, bpy.types.Operator):
    """Delete all takes but the chosen one and those that are marked Keep"""

    bl_idname = "intermask.delete_other_takes"
    bl_label = "Delete Other Takes"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Delete them."""
        settings = context.scene.intermask
        others = [number for number, take in enumerate(settings.takes) if not take.keep]
        delete_takes(context.scene, [number for number in others if number != settings.take_index])
        return ""


class _OnCharacters(_OnTake):
    """Something done with the characters of the chosen take."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the take has characters to play it."""
        if not super().poll(context):
            return False
        settings = context.scene.intermask
        if not parts(settings.takes[settings.take_index]):
            return refuse(cls, "The characters of this take were deleted")
        return True


class INTERMASK_OT_push_take(_OnCharacters, bpy.types.Operator):
    """Lay the chosen take down as a strip on a new NLA track of each character"""

    bl_idname = "intermask.push_take"
    bl_label = "Push Down to NLA"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Push it down."""
        settings = context.scene.intermask
        push_to_nla(settings.takes[settings.take_index])
        return ""


class INTERMASK_OT_play_take(_OnCharacters, bpy.types.Operator):
    """Set the preview range to the frames of the chosen take, so that playback repeats it"""

    bl_idname = "intermask.play_take"
    bl_label = "Preview Range to Take"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Set it."""
        scene = context.scene
        first, last = frames_of(scene.intermask.takes[scene.intermask.take_index])
        scene.use_preview_range = True
        scene.frame_preview_start, scene.frame_preview_end = first, last
        return ""


class INTERMASK_OT_view_take(_OnCharacters, bpy.types.Operator):
    """Move the view so that both characters of the chosen take fill it"""

    bl_idname = "intermask.view_take"
    bl_label = "View Take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a view to move."""
        if not super().poll(context):
            return False
        if context.region_data is None or context.region_data.view_perspective == "CAMERA":
            return refuse(cls, "Look at the scene through a 3D view and not through its camera")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Move it; what is selected stays."""
        settings, view = context.scene.intermask, context.region_data
        owners = [owner for owner, _ in parts(settings.takes[settings.take_index])]
        low, high = bounds_now(owners)
        view.view_location = (low + high) / 2
        view.view_distance = CLOSENESS * float(np.linalg.norm(high - low))
        return ""
