"""What Blender is told of, in the order in which it must be, and taken back in reverse."""

from __future__ import annotations

import bpy

from .operators.generate import INTERMASK_OT_cancel, INTERMASK_OT_generate
from .operators.runtime import (
    INTERMASK_OT_install_runtime,
    INTERMASK_OT_remove_runtime,
    INTERMASK_OT_stop_runtime_job,
    INTERMASK_OT_test_runtime,
    INTERMASK_OT_use_python,
)
from .panels import INTERMASK_PT_generate
from .preferences import InterMaskPreferences
from .properties import InterMaskProgress, InterMaskSettings, attach, detach
from .runtime_jobs import job_board
from .services import end_worker

BlenderClass = (
    type[bpy.types.AddonPreferences] | type[bpy.types.PropertyGroup] | type[bpy.types.Operator] | type[bpy.types.Panel]
)

CLASSES: tuple[BlenderClass, ...] = (
    InterMaskPreferences,
    InterMaskSettings,
    InterMaskProgress,
    INTERMASK_OT_generate,
    INTERMASK_OT_cancel,
    INTERMASK_OT_install_runtime,
    INTERMASK_OT_test_runtime,
    INTERMASK_OT_use_python,
    INTERMASK_OT_remove_runtime,
    INTERMASK_OT_stop_runtime_job,
    INTERMASK_PT_generate,
)


def register_all() -> None:
    """Register all classes and settings."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    attach()


def unregister_all() -> None:
    """Undo ``register_all`` and end the generator's process."""
    job_board().stop()
    end_worker()
    detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
