"""The add-on's preferences, and what holds where it runs without being installed as an add-on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from .client import default_python

ADDON = __package__.removesuffix(".intermask_blender")
"""What Blender calls the add-on: the extension's package, or this one where it is used by itself."""


@dataclass(frozen=True)
class Preferences:
    """What the user set.

    Attributes:
        python: the interpreter that has torch.
        idle_seconds: after so long without a request the generator's process is ended to free its memory.
        model_folders: where to look for models beside the bundled ones.
    """

    python: Path
    idle_seconds: float = 900.0
    model_folders: tuple[Path, ...] = ()


class InterMaskPreferences(bpy.types.AddonPreferences):
    """Which Python generates, and where models are."""

    bl_idname = ADDON

    python: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Python",
        description="Interpreter with PyTorch in it that runs the generator; empty means Blender's own",
        subtype="FILE_PATH",
    )
    idle_minutes: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Free Memory After",
        description="Minutes without a request after which the generator is ended; the next request starts it again",
        default=15.0,
        min=0.5,
        max=600.0,
    )
    model_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Models",
        description="Folder with model folders in it, beside the bundled ones",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The fields, one below the other."""
        column = self.layout.column()
        column.use_property_split = True
        for name in ("python", "idle_minutes", "model_folder"):
            column.prop(self, name)


def current_preferences(context: bpy.types.Context) -> Preferences:
    """The user's preferences, or the defaults where the add-on is not installed."""
    addon = context.preferences.addons.get(ADDON)
    stored = addon.preferences if addon is not None else None
    if stored is None:
        return Preferences(default_python())
    folders = (Path(bpy.path.abspath(stored.model_folder)),) if stored.model_folder else ()
    python = Path(bpy.path.abspath(stored.python)) if stored.python else default_python()
    return Preferences(python, stored.idle_minutes * 60.0, folders)
