"""Buttons of the preferences: install the runtime, test what generates, use another Python, remove the runtime."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import bpy

from .. import runtime
from ..core import UserError
from ..installation import SPACE, Installation, Plan, index_options, remove
from ..preferences import AUTOMATIC, current_runtime, own_python, runtime_root, stored_preferences
from ..runtime import Inspection
from ..runtime_jobs import job_board
from ..services import end_worker
from ..session import pending

LOOKS = 0.1
"""Seconds between two looks at the child process."""

NOT_AN_EXTENSION = "Install the add-on as an extension first: only then has it a folder of its own"


class _Waiting:
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
            context.workspace.status_text_set(self._job.text)
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
            self.report({"ERROR"}, str(error))
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
            self.report({"ERROR"}, self._job.failure)
            return {"CANCELLED"}
        stored = stored_preferences(context)
        if stored is not None:
            stored.source = self.SOURCE or stored.source
            stored.tested = self._job.sentence
        self.report({"INFO"}, f"It works: {self._job.sentence}")
        return {"FINISHED"}

    SOURCE: ClassVar[str] = ""
    """What is used from then on, empty where that stays."""

    begin: Callable[[bpy.types.Context], Installation | Inspection]
    report: Callable[[set[str], str], None]
    _timer: bpy.types.Timer
    _job: Installation | Inspection


class INTERMASK_OT_install_runtime(_Waiting, bpy.types.Operator):
    """Download PyTorch into a folder of the add-on; goes on where an earlier try stopped"""

    bl_idname = "intermask.install_runtime"
    bl_label = "Install Runtime"
    bl_options = {"INTERNAL"}
    SOURCE = AUTOMATIC

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if not _free(cls):
            return False
        if not bpy.app.online_access:
            cls.poll_message_set("Blender is kept offline; allow online access in Preferences > System")
            return False
        if runtime_root(create=False) is None:
            cls.poll_message_set(NOT_AN_EXTENSION)
            return False
        if not runtime.look().missing:
            cls.poll_message_set("Blender's own Python has PyTorch already")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> Installation:
        """Start pip."""
        stored, root, own = stored_preferences(context), runtime_root(create=True), own_python()
        if stored is None or root is None:
            raise UserError(f"{NOT_AN_EXTENSION}.")
        end_worker()
        index, space = index_options(stored.accelerator, sys.platform), SPACE[stored.accelerator]
        return Installation(Plan(root, runtime.look(), *own, runtime.find_pip(*own), index, space=space))


class INTERMASK_OT_test_runtime(_Waiting, bpy.types.Operator):
    """Load PyTorch once in the Python that generates, and say its version and what it computes with"""

    bl_idname = "intermask.test_runtime"
    bl_label = "Test"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if not _free(cls):
            return False
        if current_runtime(context) is None:
            cls.poll_message_set("There is nothing to test; press Install Runtime or name a Python")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> Inspection:
        """Ask the Python that generates."""
        chosen = current_runtime(context)
        if chosen is None:
            raise UserError(runtime.NOT_FOUND)
        return Inspection(chosen)


class INTERMASK_OT_use_python(_Waiting, bpy.types.Operator):
    """Generate with the Python named here, after asking whether it has PyTorch"""

    bl_idname = "intermask.use_python"
    bl_label = "Use This Python"
    bl_options = {"INTERNAL"}
    SOURCE = runtime.NAMED

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        stored = stored_preferences(context)
        if stored is None or not stored.python:
            cls.poll_message_set("Name the program file of a Python first")
            return False
        return _free(cls)

    def begin(self, context: bpy.types.Context) -> Inspection:
        """Ask the named Python."""
        stored = stored_preferences(context)
        python = Path(bpy.path.abspath(stored.python if stored is not None else ""))
        named = runtime.named_runtime(python, runtime.look())
        if named is None:
            raise UserError(f"There is no file {python}; choose the program file of a Python.")
        return Inspection(named)


class INTERMASK_OT_remove_runtime(bpy.types.Operator):
    """Delete what Install Runtime installed and what it fetched for it"""

    bl_idname = "intermask.remove_runtime"
    bl_label = "Remove Runtime"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        root = runtime_root(create=False)
        if root is None or not root.is_dir():
            cls.poll_message_set("No runtime is installed")
            return False
        return _free(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """End what runs from it, then delete it."""
        root = runtime_root(create=False)
        end_worker()
        try:
            if root is not None:
                remove(root)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        stored = stored_preferences(context)
        if stored is not None:
            stored.source, stored.tested = AUTOMATIC, ""
        self.report({"INFO"}, "The installed runtime was removed")
        return {"FINISHED"}


class INTERMASK_OT_stop_runtime_job(bpy.types.Operator):
    """Stop the installation or the test; what was fetched whole is kept"""

    bl_idname = "intermask.stop_runtime_job"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything to stop."""
        if job_board().job is None:
            cls.poll_message_set("Nothing is being installed or tested")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The waiting operator reports it."""
        job_board().stop()
        return {"FINISHED"}


def _free(cls: type[bpy.types.Operator]) -> bool:
    """Whether nothing is under way that an installation or a test would disturb."""
    if job_board().job is not None:
        cls.poll_message_set("An installation or a test is running; wait for it or stop it")
        return False
    if pending():
        cls.poll_message_set("A generation is running; wait for it or cancel it")
        return False
    return True


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
