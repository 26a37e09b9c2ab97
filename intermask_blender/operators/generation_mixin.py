"""The common part of operators that generate motion: the request, its progress, and keying the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import bpy

from ..core import UserError
from ..generator.generation import Generation, GenerationSettings
from ..scene.constraint_reading import with_constraints
from ..scene.first_look import frames_beyond_scene, present_first_take
from ..scene.new_takes import missed_notice, place_takes
from ..scene.overlaps import sentence
from ..scene.placement import Placement
from ..translations import tr, tr_noop
from ..ui.preferences import runtime_problem
from ..ui.prompt_history import remember_prompt
from ..ui.prompt_understanding import request_understanding
from ..ui.services import worker_client
from ..ui.session import Pending, Report, pending, session, show_progress
from .attempt_mixin import failed, refuse
from .conclude import ALLOWED_MODES, LEAVE_MODE

POLL_INTERVAL = 0.05
"""Seconds between two polls of the worker."""

RESTARTED = tr_noop("The generator stopped unexpectedly and was started again; this is what it made then")


class GenerationMixin:
    """Mix-in of an operator, which collects the request in ``prepared``."""

    prepared: Callable[[bpy.types.Context], tuple[GenerationSettings, Placement]]
    take_settings: Callable[[bpy.types.Context], None]
    report: Callable[[set[str], str], None]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the disabled button."""
        if problem := runtime_problem(context):
            return refuse(cls, problem)
        if context.mode not in ALLOWED_MODES:
            return refuse(cls, LEAVE_MODE)
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Use the scene's settings where the caller gave none, and send the request; a timer waits for its end.

        No modal operator waits: see ``JobMixin``.
        """
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self.take_settings(context)
        begun = self._begin(context, drafts=True)
        if begun is None:
            return {"CANCELLED"}
        generation, placement = begun
        title, place = generation.settings.prompt.strip(), partial(_place, generation, placement)
        pending().append(Pending(title, generation, place, self.bl_label, placement))
        session().start_timer(_poll_generations, POLL_INTERVAL)
        show_progress(context)
        request_understanding(context)
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Generate and block until it is done: for scripts and background mode, which have no event loop."""
        self.take_settings(context)
        begun = self._begin(context)
        if begun is None:
            return {"CANCELLED"}
        begun[0].wait()
        try:
            _place(*begun, self.report)
        except UserError as error:
            return failed(self, error)
        return {"FINISHED"}

    def _begin(self, context: bpy.types.Context, drafts: bool = False) -> tuple[Generation, Placement] | None:
        """Send the request; where that fails, report the error and return None.

        Args:
            context: of the operator.
            drafts: whether drafts are shown meanwhile.
        """
        try:
            settings, placement = with_constraints(context.scene, *self.prepared(context))
            generation = Generation(worker_client(context), replace(settings, drafts=drafts))
        except UserError as error:
            failed(self, error)
            return None
        remember_prompt(settings.prompt.strip())
        return generation, placement

    bl_label: str


def _poll_generations() -> float | None:
    """Timer: seconds until the next poll of the worker, None when nothing is pending."""
    items = pending()
    for item in items:
        item.generation.poll()
    show_progress(bpy.context)
    session().playing = any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)
    if any(item.generation.done for item in items):
        session().start_events()
    return POLL_INTERVAL if items else None


def _place(generation: Generation, placement: Placement, report: Report) -> None:
    """Key the result.

    Raises:
        UserError: it failed or was cancelled, or its scene or characters no longer exist.
    """
    takes = generation.takes()
    placed = place_takes(takes, placement, generation.settings, generation.constraint_errors())
    if generation.restarted:
        report({"WARNING"}, tr(RESTARTED))
    if placed.overlaps:
        report({"WARNING"}, sentence(placed.overlaps))
    settings = bpy.data.scenes[placement.scene].intermask
    take = settings.takes[settings.take_index]
    if missed := missed_notice(take):
        report({"WARNING"}, missed)
    if beyond := frames_beyond_scene(take):
        template = tr("The take ends at frame {last}, after the scene's last frame {end}")
        report({"INFO"}, template.format(last=beyond[0], end=beyond[1]))
    if placed.first:
        present_first_take(bpy.context, take)
