"""The common part of operators: a reason on a disabled button, and errors that are reported instead of raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..core import UserError
from ..translations import tr
from ..translations.core_errors import tr_error


def refuse(operator: type[Any], reason: str) -> bool:
    """Show on an operator's disabled button why it cannot run now; false, which its ``poll`` returns then."""
    operator.poll_message_set(tr(reason))
    return False


def failed(operator: Any, error: UserError) -> set[str]:
    """Report an error; returns the result of ``execute`` for it."""
    operator.report({"ERROR"}, tr_error(str(error)))
    return {"CANCELLED"}


class AttemptMixin:
    """Mix-in of an operator without waiting: ``attempt`` does the work and returns a message, empty for none.

    Its ``UserError`` becomes a report, and Blender keeps no undo step then.
    """

    attempt: Callable[[bpy.types.Context], str]
    report: Callable[[set[str], str], None]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Try it."""
        try:
            message = self.attempt(context)
        except UserError as error:
            return failed(self, error)
        if message:
            self.report({"INFO"}, message)
        return {"FINISHED"}
