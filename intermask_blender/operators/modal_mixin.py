"""Operators whose work a child process does while Blender stays responsive."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..core import UserError
from ..generator.job import Job
from ..translations import tr
from ..ui.session import pending, session, set_status_text
from .attempt_mixin import failed, refuse

POLL_INTERVAL = 0.1
"""Seconds between two polls of the child process."""


class ModalMixin:
    """Mix-in of an operator: runs the job of ``begin`` while the user works, or blocks if there is no window."""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start the job and wait for it in ``modal``."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if not self._started(context):
            return {"CANCELLED"}
        session().job_timer = context.window_manager.event_timer_add(POLL_INTERVAL, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the job and block until it is done."""
        if not self._started(context):
            return {"CANCELLED"}
        self._job.wait()
        return self._ended(context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Poll the job; all events go on to Blender."""
        if event.type != "TIMER" and not self._job.done:
            return {"PASS_THROUGH"}
        before = self._job.text, self._job.factor
        self._job.poll()
        if (self._job.text, self._job.factor) != before:
            set_status_text(context, tr(self._job.text))
            _redraw(context)
        if not self._job.done:
            return {"PASS_THROUGH"}
        return self._ended(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Cancel the job: Blender ends the operator."""
        self._job.cancel()
        session().end_job()
        _redraw(context)

    def _started(self, context: bpy.types.Context) -> bool:
        try:
            self._job = self.begin(context)
            self._job.start()
        except UserError as error:
            failed(self, error)
            return False
        session().job = self._job
        return True

    def _ended(self, context: bpy.types.Context) -> set[str]:
        session().end_job()
        _redraw(context)
        if self._job.error:
            return failed(self, UserError(self._job.error))
        self.report({"INFO"}, self.finished(context, self._job.sentence))
        return {"FINISHED"}

    begin: Callable[[bpy.types.Context], Job]
    finished: Callable[[bpy.types.Context, str], str]
    report: Callable[[set[str], str], None]
    _job: Job


def free(cls: type[bpy.types.Operator]) -> bool:
    """Whether no job and no generation runs that another job would disturb; the grey button shows the reason."""
    if session().job is not None:
        return refuse(cls, "An installation, a test or an import is running; wait for it or stop it")
    if pending():
        return refuse(cls, "A generation is running; wait for it or cancel it")
    return True


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
