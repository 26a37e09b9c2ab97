"""Buttons that thin out the keys of the chosen take, and restore them."""

from __future__ import annotations

import bpy

from ..properties.keys import tolerances
from ..scene.takes import chosen_take
from ..scene.thinning import is_thinned, restore_every_frame, thin_out_take
from ..translations import tr
from .attempt_mixin import refuse
from .takes import OnCharacters


class INTERMASK_OT_thin_out_keys(OnCharacters, bpy.types.Operator):
    """Replace the key on every frame of the chosen take by key poses; the motion is kept with the take"""

    bl_idname = "intermask.thin_out_keys"
    bl_label = "Thin Out Keys"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the take has a key on every frame."""
        if not super().poll(context):
            return False
        if is_thinned(chosen_take(context.scene)):
            return refuse(cls, "This take has key poses already")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Thin them out."""
        before, after = thin_out_take(chosen_take(context.scene), tolerances(context.scene.intermask))
        return tr("Keyed frames: {after} instead of {before}").format(after=after, before=before)


class INTERMASK_OT_restore_every_frame(OnCharacters, bpy.types.Operator):
    """Give the chosen take a key on every frame again, as before Thin Out Keys; changes to its key poses are kept"""

    bl_idname = "intermask.restore_every_frame"
    bl_label = "Restore Every Frame"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the take has key poses."""
        if not super().poll(context):
            return False
        if not is_thinned(chosen_take(context.scene)):
            return refuse(cls, "This take has a key on every frame already")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Restore them."""
        restore_every_frame(chosen_take(context.scene))
        return ""
