"""Blender properties: of scenes the settings and takes, of objects the bone map, of the window manager the progress."""

from __future__ import annotations

import bpy

from .bone_map import OBJECT_PROPERTIES, InterMaskBone, InterMaskBoneSetting
from .direct import InterMaskConstraint, InterMaskConstraintError
from .progress import InterMaskProgress
from .settings import NO_MODEL, InterMaskSettings, known_prompts, model_is_missing, wanted_model
from .takes import GENERATED, InterMaskTake

__all__ = [
    "NO_MODEL",
    "InterMaskBone",
    "InterMaskBoneSetting",
    "InterMaskConstraint",
    "InterMaskConstraintError",
    "InterMaskProgress",
    "InterMaskSettings",
    "InterMaskTake",
    "attach",
    "detach",
    "known_prompts",
    "model_is_missing",
    "wanted_model",
]


def attach() -> None:
    """Add the properties to scenes, objects and the window manager."""
    bpy.types.Scene.intermask = bpy.props.PointerProperty(type=InterMaskSettings)
    for name, value in OBJECT_PROPERTIES.items():
        setattr(bpy.types.Object, name, value)
    for kind in (bpy.types.Object, bpy.types.Collection):
        kind.intermask_generated = GENERATED
    bpy.types.WindowManager.intermask = bpy.props.PointerProperty(type=InterMaskProgress)


def detach() -> None:
    """Remove the properties; values that files store stay."""
    del bpy.types.WindowManager.intermask
    for kind in (bpy.types.Object, bpy.types.Collection):
        del kind.intermask_generated
    for name in OBJECT_PROPERTIES:
        delattr(bpy.types.Object, name)
    del bpy.types.Scene.intermask
