"""Buttons of the preferences whose work is done by a child process while Blender goes on."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..core import UserError
from ..translations import tr
from ..ui.runtime_jobs import Job, job_board
from ..ui.session import pending
from .attempt_mixin import failed, refuse

LOOKS = 0.1
"""Seconds between two looks at the child process."""


class ModalMixin:
    """Something that a child process does while Blender goes on; without a window it is waited for."""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Work beside the user."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if not self._started(context):
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(LOOKS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Work and wait."""
        if not self._started(context):
            return {"CANCELLED"}
        self._job.wait()
        return self._ended(context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the child process; everything goes on to Blender."""
        if event.type != "TIMER" and not self._job.done:
            return {"PASS_THROUGH"}
        before = self._job.text, self._job.factor
        self._job.poll()
        if (self._job.text, self._job.factor) != before:
            context.workspace.status_text_set(tr(self._job.text))
            _redraw(context)
        if not self._job.done:
            return {"PASS_THROUGH"}
        self._take_down(context)
        return self._ended(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator."""
        self._job.cancel()
        self._take_down(context)
        job_board().job = None

    def _started(self, context: bpy.types.Context) -> bool:
        try:
            self._job = job_board().job = self.begin(context)
        except UserError as error:
            failed(self, error)
            return False
        return True

    def _take_down(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        _redraw(context)

    def _ended(self, context: bpy.types.Context) -> set[str]:
        job_board().job = None
        if self._job.failure:
            return failed(self, UserError(self._job.failure))
        self.report({"INFO"}, self.finished(context, self._job.sentence))
        return {"FINISHED"}

    begin: Callable[[bpy.types.Context], Job]
    finished: Callable[[bpy.types.Context, str], str]
    report: Callable[[set[str], str], None]
    _timer: bpy.types.Timer
    _job: Job


def free(cls: type[bpy.types.Operator]) -> bool:
    """Whether nothing is under way that such a job would disturb; the reason is shown on the grey button."""
    if job_board().job is not None:
        return refuse(cls, "An installation, a test or an import is running; wait for it or stop it")
    if pending():
        return refuse(cls, "A generation is running; wait for it or cancel it")
    return True


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
