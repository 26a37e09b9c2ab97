"""The add-on's state from ``register`` to ``unregister``: one object, which owns its processes and timers."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ..generator.client import WorkerClient
from ..generator.generation import Generation
from ..translations import tr
from .constraint_overlay import ConstraintOverlay
from .draft_overlay import DraftOverlay
from .draw_cache import DrawCache
from .previews import Previews
from .shortcuts import Shortcuts

if TYPE_CHECKING:
    from ..generator.job import Job
    from ..generator.understanding import Understanding
    from ..scene.placement import Placement
    from .prompt_understanding import Question
    from .user_words import Stamp

AppTimer = Callable[[], float | None]
Report = Callable[[set[str], str], None]
"""An operator's ``report``."""

EVENT_INTERVAL = 0.05
"""Seconds between two timer events of a window, as long as something waits for one."""


@dataclass
class Pending:
    """A generation that the user waits for.

    Attributes:
        title: its name in the panel.
        generation: its request.
        place: keys the result and reports what to know of it; raises ``UserError``.
        label: what the undo history calls the result.
        placement: where the result goes.
    """

    title: str
    generation: Generation
    place: Callable[[Report], None]
    label: str
    placement: Placement


@dataclass
class Session:
    """What the add-on remembers while it is enabled.

    Attributes:
        client: the generator's process, None until the first request.
        pending: generations that the user waits for; the worker works on the first one.
        job: the installation, test or import that runs, None when none does.
        notices: what has to be reported, each with its level; add to them with ``notify``.
        understood: how models understand prompts, by model folder and prompt.
        questions: prompts that were sent to the generator and are not answered.
        words: the user's ``words.json`` with which ``understood`` was answered; None if there is none.
        warmed: whether the panel has asked for the generator's process to be started, since it last ended when idle.
        prompts: earlier prompts, the newest first; None until they are read from disk.
        draw_cache: results that panels show again and again.
        previews: pictures that panels have drawn.
        shortcuts: entries of the keymap.
        overlay: draws constraints in 3D views.
        drafts: draws the draft of the running generation in 3D views.
        playing: whether the animation played when the generations were last polled.
    """

    client: WorkerClient | None = None
    pending: list[Pending] = field(default_factory=list)
    job: Job | None = None
    notices: list[tuple[str, str]] = field(default_factory=list)
    understood: dict[tuple[str, str], Understanding] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    words: Stamp | None = None
    warmed: bool = False
    prompts: list[str] | None = None
    draw_cache: DrawCache = field(default_factory=DrawCache)
    previews: Previews = field(default_factory=Previews)
    shortcuts: Shortcuts = field(default_factory=Shortcuts)
    overlay: ConstraintOverlay = field(default_factory=ConstraintOverlay)
    drafts: DraftOverlay = field(default_factory=DraftOverlay)
    playing: bool = False
    _app_timers: list[AppTimer] = field(default_factory=list, init=False)
    _events: tuple[int, bpy.types.Timer] | None = field(default=None, init=False)

    def start_timer(self, function: AppTimer, interval: float) -> None:
        """Run an application timer, which ends with the session at the latest.

        Args:
            function: gives the seconds until its next call, None to end.
            interval: seconds until its first call.
        """
        # Without a window there is no event loop for timers, and a timer left over at exit hangs Blender.
        if bpy.app.background or bpy.app.timers.is_registered(function):
            return
        bpy.app.timers.register(function, first_interval=interval, persistent=True)
        self._app_timers = [known for known in self._app_timers if bpy.app.timers.is_registered(known)]
        self._app_timers.append(function)

    def start_events(self) -> None:
        """Send timer events to a window, whose keymap calls the operator that ends what is done."""
        windows = bpy.context.window_manager.windows
        # A window takes its timers with it when it is closed.
        if self._events is not None and self._events[0] in {window.as_pointer() for window in windows}:
            return
        if bpy.app.background or not windows:
            return
        timer = bpy.context.window_manager.event_timer_add(EVENT_INTERVAL, window=windows[0])
        self._events = windows[0].as_pointer(), timer

    def stop_events(self) -> None:
        """End the timer events."""
        manager = bpy.context.window_manager
        if self._events is not None and self._events[0] in {window.as_pointer() for window in manager.windows}:
            manager.event_timer_remove(self._events[1])
        self._events = None

    def notify(self, level: str, text: str) -> None:
        """Report something to the user when no operator of the add-on runs.

        Args:
            level: ``INFO``, ``WARNING`` or ``ERROR``.
            text: translated.
        """
        self.notices.append((level, text))
        self.start_events()

    def drop(self, item: Pending) -> None:
        """Cancel a generation, if it has not ended, and remove its progress."""
        self.pending.remove(item)
        item.generation.cancel()
        show_progress(bpy.context)

    def drop_all(self) -> None:
        """Cancel all generations: their scene is about to be closed."""
        while self.pending:
            self.drop(self.pending[-1])

    def end_job(self) -> None:
        """Forget the job and remove what was shown of it."""
        if self.job is not None:
            set_status_text(bpy.context, None)
        self.job = None

    def end_processes(self) -> None:
        """End all child processes."""
        if self.job is not None:
            self.job.cancel()
        if self.client is not None:
            self.client.close()

    def close(self) -> None:
        """Cancel everything and remove all timers: the add-on is disabled, perhaps while something runs."""
        for function in self._app_timers:
            if bpy.app.timers.is_registered(function):
                bpy.app.timers.unregister(function)
        self.drop_all()
        self.questions.clear()
        self.notices.clear()
        self.stop_events()
        self.shortcuts.remove()
        self.overlay.close()
        self.drafts.close()
        self.previews.close()
        show_progress(bpy.context)
        self.end_processes()
        self.end_job()


_current: Session | None = None


@bpy.app.handlers.persistent
def _file_is_closed(*_arguments: object) -> None:
    """Another file is opened: what is being generated has no scene to go to."""
    session().drop_all()


@bpy.app.handlers.persistent
def _scene_was_evaluated(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Blender calls this before it draws what changed, but not for a change of the frame alone."""
    if depsgraph.id_type_updated("ARMATURE"):
        session().draw_cache.armature_updates += 1


@bpy.app.handlers.persistent
def _file_was_read(*_arguments: object) -> None:
    """A file, or an undo step, brought other armatures."""
    session().draw_cache.armature_updates += 1


_HANDLERS: tuple[tuple[list[Callable[..., None]], Callable[..., None]], ...] = (
    (bpy.app.handlers.load_pre, _file_is_closed),
    (bpy.app.handlers.depsgraph_update_post, _scene_was_evaluated),
    (bpy.app.handlers.load_post, _file_was_read),
    (bpy.app.handlers.undo_post, _file_was_read),
    (bpy.app.handlers.redo_post, _file_was_read),
)


def start_session() -> None:
    """Make the session; its child processes do not outlive Blender."""
    global _current
    _current = Session()
    _current.shortcuts.add()
    _current.overlay.start()
    _current.drafts.start()
    atexit.register(_current.end_processes)
    for handlers, function in _HANDLERS:
        handlers.append(function)


def session() -> Session:
    """The session.

    Raises:
        RuntimeError: the add-on is not registered.
    """
    if _current is None:
        raise RuntimeError("intermask_blender is not registered")
    return _current


def end_session() -> None:
    """Close the session and drop it, if there is one."""
    global _current
    if _current is None:
        return
    atexit.unregister(_current.end_processes)
    for handlers, function in _HANDLERS:
        if function in handlers:
            handlers.remove(function)
    try:
        _current.close()
    finally:
        _current = None


def pending() -> list[Pending]:
    """Generations that the user waits for; the worker works on the first one."""
    return session().pending


def show_progress(context: bpy.types.Context) -> None:
    """Mirror the first generation in the window manager, where panels and scripts read it, and in the status bar."""
    progress, items = context.window_manager.intermask, pending()
    _show_draft(items)
    text, factor = (items[0].generation.text, items[0].generation.factor) if items else ("", 0.0)
    count = len(items)
    if (progress.text, progress.factor, progress.count) == (text, factor, count):
        return
    progress.running, progress.count, progress.text, progress.factor = bool(items), count, text, factor
    template = tr("{progress}, {count} waiting   (Esc cancels)") if count > 1 else tr("{progress}   (Esc cancels)")
    set_status_text(context, template.format(progress=text, count=count - 1) if items else None)
    redraw_sidebars(context)


def _show_draft(items: list[Pending]) -> None:
    """Show the newest draft of the first generation in all 3D views, or no draft."""
    draft, drafts = items[0].generation.draft if items else None, session().drafts
    if draft is None:
        changed, drafts.shown = drafts.places is not None, None
        drafts.places = None
    else:
        changed = draft[0] is not drafts.shown
        if changed:
            drafts.show(*draft, items[0].placement)
    if changed:
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()


def set_status_text(context: bpy.types.Context, text: str | None) -> None:
    """Show a line in the status bar of all windows; None shows Blender's own again."""
    # Timers run outside all windows; and the workspace may be another one than the text was shown in.
    if text is None:
        shown = set(bpy.data.workspaces)
    else:
        shown = {window.workspace for window in context.window_manager.windows}
    for workspace in shown:
        workspace.status_text_set(text)


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Redraw the sidebars of the 3D views of all windows, not the views themselves, which can take long."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != "VIEW_3D":
                continue
            for region in area.regions:
                if region.type == "UI":
                    region.tag_redraw()
