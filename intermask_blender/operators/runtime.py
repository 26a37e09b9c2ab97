"""Buttons of the preferences: install PyTorch, test it, use another Python, remove PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import bpy

from ..core import UserError
from ..generator import runtime
from ..generator.job import Job
from ..generator.runtime import Inspection
from ..translations import tr, tr_noop
from ..ui.preferences import (
    AUTOMATIC,
    current_preferences,
    current_runtime,
    own_python,
    runtime_root,
    stored_preferences,
)
from ..ui.services import end_worker
from ..ui.session import session
from .attempt_mixin import AttemptMixin, refuse
from .job_mixin import JobMixin, poll_idle

NOT_AN_EXTENSION = tr_noop("Install the add-on as an extension first: only extensions have a folder of their own")


class _RuntimeJob(JobMixin):
    """A job that ends with a test of a Python: its result is stored in the preferences."""

    SOURCE: ClassVar[str] = ""
    """The source of the runtime from then on; empty to leave it."""

    @classmethod
    def finished(cls, context: bpy.types.Context, sentence: str) -> str:
        """Store the result; give what to report."""
        stored = stored_preferences(context)
        if stored is not None:
            stored.source = cls.SOURCE or stored.source
            stored.tested = sentence
        return tr("It works: {found}").format(found=sentence)


class INTERMASK_OT_install_runtime(_RuntimeJob, bpy.types.Operator):
    """Download PyTorch into a folder of the add-on; an interrupted download continues"""

    bl_idname = "intermask.install_runtime"
    bl_label = "Install PyTorch"
    bl_options = {"INTERNAL"}
    SOURCE = AUTOMATIC

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if not poll_idle(cls):
            return False
        if not bpy.app.online_access:
            return refuse(cls, "Blender is offline; allow online access in Preferences > System")
        if runtime_root(create=False) is None:
            return refuse(cls, NOT_AN_EXTENSION)
        if not runtime.find_packages().missing:
            return refuse(cls, "Blender's own Python has PyTorch already")
        return True

    def begin(self, context: bpy.types.Context) -> Job:
        """The installation."""
        from ..generator.installation import BUILDS, Installation, Plan, index_options

        stored, root, own = stored_preferences(context), runtime_root(create=True), own_python()
        if stored is None or root is None:
            raise UserError(tr(NOT_AN_EXTENSION))
        end_worker()
        index, space = index_options(stored.accelerator, sys.platform), BUILDS[stored.accelerator].space
        return Installation(Plan(root, runtime.find_packages(), *own, runtime.find_pip(*own), index, space=space))


class INTERMASK_OT_test_runtime(_RuntimeJob, bpy.types.Operator):
    """Load PyTorch in the chosen Python, and show its version and devices"""

    bl_idname = "intermask.test_runtime"
    bl_label = "Test"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if not poll_idle(cls):
            return False
        if current_runtime(context) is None:
            return refuse(cls, "There is nothing to test; press Install PyTorch or name a Python")
        return True

    def begin(self, context: bpy.types.Context) -> Inspection:
        """A test of the Python that runs the generator."""
        chosen = current_runtime(context)
        if chosen is None:
            raise UserError(runtime.NOT_FOUND)
        return Inspection(chosen, device=current_preferences(context).device)


class INTERMASK_OT_use_python(_RuntimeJob, bpy.types.Operator):
    """Generate with this Python, after a test that it has PyTorch"""

    bl_idname = "intermask.use_python"
    bl_label = "Use This Python"
    bl_options = {"INTERNAL"}
    SOURCE = runtime.NAMED

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        stored = stored_preferences(context)
        if stored is None or not stored.python:
            return refuse(cls, "Choose a Python executable first")
        return poll_idle(cls)

    def begin(self, context: bpy.types.Context) -> Inspection:
        """A test of the named Python."""
        stored = stored_preferences(context)
        python = Path(bpy.path.abspath(stored.python if stored is not None else ""))
        named = runtime.named_runtime(python, runtime.find_packages())
        if named is None:
            raise UserError(tr("There is no file {path}; choose a Python executable.").format(path=python))
        return Inspection(named, device=current_preferences(context).device)


class INTERMASK_OT_remove_runtime(AttemptMixin, bpy.types.Operator):
    """Delete the PyTorch that the add-on installed, and its downloads"""

    bl_idname = "intermask.remove_runtime"
    bl_label = "Remove PyTorch"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        root = runtime_root(create=False)
        if root is None or not root.is_dir():
            return refuse(cls, "The add-on has not installed PyTorch")
        return poll_idle(cls)

    def attempt(self, context: bpy.types.Context) -> str:
        """End the generator, which may use its files, then delete it."""
        from ..generator.installation import remove

        root = runtime_root(create=False)
        end_worker()
        if root is not None:
            remove(root)
        stored = stored_preferences(context)
        if stored is not None:
            stored.source, stored.tested = AUTOMATIC, ""
        return tr("PyTorch was removed")


class INTERMASK_OT_stop_runtime_job(bpy.types.Operator):
    """Stop the installation, the test or the import; complete downloads are kept"""

    bl_idname = "intermask.stop_runtime_job"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything to stop."""
        if session().job is None:
            return refuse(cls, "Nothing is being installed, tested or imported")
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel the job; the timer that polls it reports that."""
        if (job := session().job) is not None:
            job.cancel()
        return {"FINISHED"}
