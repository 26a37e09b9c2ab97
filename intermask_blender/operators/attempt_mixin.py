"""What operators share: a grey button with its reason, and a fault that is reported instead of raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..core import UserError
from ..translations import tr


def refuse(operator: type[Any], reason: str) -> bool:
    """Say on an operator's grey button why it cannot run now; false, as its ``poll`` answers then."""
    operator.poll_message_set(tr(reason))
    return False


def failed(operator: Any, error: UserError) -> set[str]:
    """Report what went wrong; what ``execute`` answers then."""
    operator.report({"ERROR"}, tr(str(error)))
    return {"CANCELLED"}


class AttemptMixin:
    """Mix-in of an operator that is done at once: ``attempt`` does it, and gives what to tell of it, if anything.

    A ``UserError`` out of it becomes a report; Blender keeps no undo step then.
    """

    attempt: Callable[[bpy.types.Context], str]
    report: Callable[[set[str], str], None]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Try it."""
        try:
            told = self.attempt(context)
        except UserError as error:
            return failed(self, error)
        if told:
            self.report({"INFO"}, told)
        return {"FINISHED"}
