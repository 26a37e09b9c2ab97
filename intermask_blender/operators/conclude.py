"""Finishes generations and jobs: timer events of a window call an operator that keys and reports their results."""

from __future__ import annotations

import bpy

from ..core import UserError
from ..translations import tr, tr_noop
from ..ui.session import Pending, pending, session, set_status_text
from .attempt_mixin import failed

ALLOWED_MODES = ("OBJECT", "POSE")
"""In other modes Blender's undo covers only one data-block, and would not remove the characters."""

LEAVE_MODE = tr_noop("Go back to Object Mode or Pose Mode: new characters cannot be undone in this mode")


class INTERMASK_OT_conclude(bpy.types.Operator):
    """Key what was generated, and report how jobs ended"""

    # An operator that a window's event starts reports to the user, and never runs in the middle of another operator
    # such as a transform. A timer of the application can do neither.
    bl_idname = "intermask.conclude"
    bl_label = "Finish Generation"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether anything has ended; if not, the event goes on to Blender."""
        return bool(session().notices) or _done() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Report, and key one generation; each further one gets its own event."""
        current = session()
        for level, text in current.notices:
            self.report({level}, text)
        current.notices.clear()
        item = _done()
        if item is None:
            current.stop_events()
            return {"FINISHED"}
        if item.generation.succeeded and context.mode not in ALLOWED_MODES:
            set_status_text(context, tr(LEAVE_MODE))
            return {"PASS_THROUGH"}
        current.drop(item)
        try:
            item.place(self.report)
        except UserError as error:
            return failed(self, error)
        # The file changed only here, so that one undo removes all of it.
        bpy.ops.ed.undo_push(message=tr(item.label, "Operator"))
        return {"FINISHED"}


def _done() -> Pending | None:
    """The first generation that has ended."""
    return next((item for item in pending() if item.generation.done), None)
