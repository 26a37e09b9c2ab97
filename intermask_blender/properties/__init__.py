"""What the panels show and remember: settings and takes with the scene, progress with the window."""

from __future__ import annotations

import bpy

from .progress import InterMaskProgress
from .settings import NO_MODEL, InterMaskSettings, known_prompts, model_is_gone, wanted_model
from .takes import InterMaskTake

__all__ = [
    "NO_MODEL",
    "InterMaskProgress",
    "InterMaskSettings",
    "InterMaskTake",
    "attach",
    "detach",
    "known_prompts",
    "model_is_gone",
    "wanted_model",
]


def attach() -> None:
    """Hang the groups on scenes and on the window manager."""
    bpy.types.Scene.intermask = bpy.props.PointerProperty(type=InterMaskSettings)
    bpy.types.WindowManager.intermask = bpy.props.PointerProperty(type=InterMaskProgress)


def detach() -> None:
    """Take them off again; the data in files stays."""
    del bpy.types.WindowManager.intermask
    del bpy.types.Scene.intermask
