"""The common part of operators that generate motion: waiting while the user works, Escape, and keying the result."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..core import UserError
from ..generator.generation import Generation, GenerationSettings
from ..scene.first_look import beyond_the_end, present_first_take
from ..scene.new_takes import place_takes
from ..scene.overlaps import sentence
from ..scene.placement import Placement
from ..translations import tr, tr_noop
from ..ui.preferences import runtime_problem
from ..ui.prompt_history import remember_prompt
from ..ui.prompt_novelty import ask
from ..ui.services import worker_client
from ..ui.session import Pending, pending, show_progress
from .attempt_mixin import failed, refuse

POLL_INTERVAL = 0.05
"""Seconds between two polls of the worker."""

ALLOWED_MODES = ("OBJECT", "POSE")
"""In other modes Blender's undo knows one data-block only, and would not take the characters back."""

LEAVE_MODE = tr_noop("Go back to Object Mode or Pose Mode: new characters cannot be undone in this mode")

RESTARTED = tr_noop("The generator stopped unexpectedly and was started again; this is what it made then")


class GenerationMixin:
    """Mix-in of an operator, which collects the request in ``prepared``."""

    prepared: Callable[[bpy.types.Context], tuple[GenerationSettings, Placement]]
    take_settings: Callable[[bpy.types.Context], None]
    report: Callable[[set[str], str], None]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if problem := runtime_problem(context):
            return refuse(cls, problem)
        if context.mode not in ALLOWED_MODES:
            return refuse(cls, LEAVE_MODE)
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Use the scene's settings where the caller gave none, and wait while the user goes on working."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self.take_settings(context)
        if not self._begin(context):
            return {"CANCELLED"}
        manager = context.window_manager
        timer = manager.event_timer_add(POLL_INTERVAL, window=context.window)
        self._pending = Pending(self._generation.settings.prompt.strip(), self._generation, timer)
        pending().append(self._pending)
        manager.modal_handler_add(self)
        show_progress(context)
        ask(context)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Generate and wait: for scripts and background mode, which have no event loop."""
        self.take_settings(context)
        if not self._begin(context):
            return {"CANCELLED"}
        self._generation.wait()
        return self._finish()

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Poll the worker; pass every other event on to Blender."""
        if self._pending not in pending():
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS" and _escape_is_ours(context, event):
            # The running generation stops, not those in the queue; its own operator reads the mark.
            pending()[0].cancel_requested = True
            if pending()[0] is not self._pending:
                return {"RUNNING_MODAL"}
        if self._pending.cancel_requested:
            self._leave(context)
            self.report({"INFO"}, tr("The generation was cancelled"))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        self._generation.poll()
        show_progress(context)
        if not self._generation.done:
            return {"PASS_THROUGH"}
        if self._generation.succeeded and context.mode not in ALLOWED_MODES:
            context.workspace.status_text_set(tr(LEAVE_MODE))
            return {"PASS_THROUGH"}
        self._leave(context)
        return self._finish()

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator, such as when another file is opened."""
        self._leave(context)

    def _begin(self, context: bpy.types.Context) -> bool:
        """Send the request; report an error and return false where that fails."""
        try:
            settings, self._placement = self.prepared(context)
            self._generation = Generation(worker_client(context), settings)
        except UserError as error:
            failed(self, error)
            return False
        remember_prompt(settings.prompt.strip())
        return True

    def _finish(self) -> set[str]:
        """Key the result. The file changes only here, so that one undo removes all of it."""
        try:
            placed = place_takes(self._generation.takes(), self._placement, self._generation.settings)
        except UserError as error:
            return failed(self, error)
        if self._generation.restarted:
            self.report({"WARNING"}, tr(RESTARTED))
        if placed.overlaps:
            self.report({"WARNING"}, sentence(placed.overlaps))
        settings = bpy.data.scenes[self._placement.scene].intermask
        take = settings.takes[settings.take_index]
        if beyond := beyond_the_end(take):
            template = tr("The take ends at frame {last}, after the scene's last frame {end}")
            self.report({"INFO"}, template.format(last=beyond[0], end=beyond[1]))
        if placed.first:
            present_first_take(bpy.context, take)
        return {"FINISHED"}

    def _leave(self, context: bpy.types.Context) -> None:
        """Remove the timer and the progress of this generation."""
        if self._pending not in pending():
            return
        pending().remove(self._pending)
        self._generation.cancel()
        context.window_manager.event_timer_remove(self._pending.timer)
        show_progress(context)

    _pending: Pending
    _generation: Generation
    _placement: Placement


def _escape_is_ours(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether Escape means the generation: over a 3D view, unless it ends the playback.

    Operators that began later, such as a transform, get the event first.
    """
    if context.screen.is_animation_playing:
        return False
    return any(
        area.type == "VIEW_3D"
        and area.x <= event.mouse_x < area.x + area.width
        and area.y <= event.mouse_y < area.y + area.height
        for area in context.screen.areas
    )
