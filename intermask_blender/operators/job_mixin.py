"""Operators that run a job in a child process while Blender stays responsive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import bpy

from ..core import UserError
from ..generator.job import Job
from ..translations import tr
from ..translations.core_errors import tr_error
from ..ui.session import pending, redraw_sidebars, session, set_status_text
from .attempt_mixin import failed, refuse

POLL_INTERVAL = 0.1
"""Seconds between two polls of the child process."""

Finished = Callable[[bpy.types.Context, str], str]
"""Stores the result of a successful job; returns the message to report."""


class JobMixin:
    """Mix-in for an operator that starts the job returned by ``begin``; without a window it also waits for the job.

    A timer polls the job. A modal operator would prevent auto-save, and Blender crashes if another modal operator
    starts right after the class of a running one was unregistered.
    """

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start the job; a timer polls it."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        job = self._started(context)
        if job is None:
            return {"CANCELLED"}
        session().start_timer(partial(_poll, job, self.finished), POLL_INTERVAL)
        redraw_job(context)
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the job and block until it is done."""
        job = self._started(context)
        if job is None:
            return {"CANCELLED"}
        job.wait()
        session().end_job()
        if job.error:
            return failed(self, UserError(job.error))
        self.report({"INFO"}, self.finished(context, job.sentence))
        return {"FINISHED"}

    def _started(self, context: bpy.types.Context) -> Job | None:
        try:
            job = self.begin(context)
            job.start()
        except UserError as error:
            failed(self, error)
            return None
        session().job = job
        return job

    begin: Callable[[bpy.types.Context], Job]
    # A class method: the operator itself has ended when the job ends.
    finished: Finished
    report: Callable[[set[str], str], None]


def _poll(job: Job, finished: Finished) -> float | None:
    """Timer: seconds until the next poll, None when the job has ended."""
    current, context = session(), bpy.context
    if current.job is not job:
        return None
    before = job.text, job.factor
    job.poll()
    if (job.text, job.factor) != before:
        set_status_text(context, tr(job.text))
        redraw_job(context)
    if not job.done:
        return POLL_INTERVAL
    current.end_job()
    if job.error:
        current.notify("ERROR", tr_error(job.error))
    else:
        current.notify("INFO", finished(context, job.sentence))
    redraw_job(context)
    return None


def poll_idle(cls: type[bpy.types.Operator]) -> bool:
    """Whether no job and no generation is running; for ``poll``, which shows the reason on the disabled button."""
    if session().job is not None:
        return refuse(cls, "An installation, a test or an import is running; wait for it or stop it")
    if pending():
        return refuse(cls, "A generation is running; wait for it or cancel it")
    return True


def redraw_job(context: bpy.types.Context) -> None:
    """Redraw the regions that show a job or its result: the preferences and the sidebars."""
    session().draw_cache.expire()
    redraw_sidebars(context)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
