"""What the panels show and remember: with the scene settings and takes, with armatures bone maps, else progress."""

from __future__ import annotations

import bpy

from .bone_map import InterMaskBone, InterMaskBoneMap, InterMaskBoneSetting
from .progress import InterMaskProgress
from .settings import NO_MODEL, InterMaskSettings, known_prompts, model_is_gone, wanted_model
from .takes import InterMaskTake

__all__ = [
    "NO_MODEL",
    "InterMaskBone",
    "InterMaskBoneMap",
    "InterMaskBoneSetting",
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
    """Hang the groups on scenes, on objects and on the window manager."""
    bpy.types.Scene.intermask = bpy.props.PointerProperty(type=InterMaskSettings)
    bpy.types.Object.intermask_bones = bpy.props.PointerProperty(
        type=InterMaskBoneMap, override={"LIBRARY_OVERRIDABLE"}
    )
    bpy.types.WindowManager.intermask = bpy.props.PointerProperty(type=InterMaskProgress)


def detach() -> None:
    """Take them off again; the data in files stays."""
    del bpy.types.WindowManager.intermask
    del bpy.types.Object.intermask_bones
    del bpy.types.Scene.intermask
