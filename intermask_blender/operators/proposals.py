"""Accept, Reject and Next: what to do with a new result over existing keys."""

from __future__ import annotations

import bpy

from ..scene.proposals import accept, reject, show_next, siblings
from ..scene.takes import chosen_take
from ..translations import TRANSLATION_CONTEXT
from .attempt_mixin import AttemptMixin, refuse


class _OnProposal(AttemptMixin):
    """Base of the operators on the chosen take while it is a proposal."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the chosen take is a proposal."""
        take = chosen_take(context.scene)
        if take is None or not take.proposal:
            return refuse(cls, "The chosen take is no proposal")
        return True


class INTERMASK_OT_accept_proposal(_OnProposal, bpy.types.Operator):
    """Keep this result. What was there before stays in the file"""

    bl_idname = "intermask.accept_proposal"
    bl_label = "Accept"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Keep it."""
        accept(chosen_take(context.scene))
        return ""


class INTERMASK_OT_reject_proposal(_OnProposal, bpy.types.Operator):
    """Remove this result and bring back exactly the keys and the pose that were there"""

    bl_idname = "intermask.reject_proposal"
    bl_label = "Reject"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Remove it."""
        reject(chosen_take(context.scene))
        return ""


class INTERMASK_OT_next_proposal(_OnProposal, bpy.types.Operator):
    """Show the next proposal of the same result"""

    bl_idname = "intermask.next_proposal"
    bl_label = "Next"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is another one."""
        if not super().poll(context):
            return False
        if len(siblings(chosen_take(context.scene))) < 2:
            return refuse(cls, "Generate several variations to choose among them")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Show it."""
        show_next(chosen_take(context.scene))
        return ""
