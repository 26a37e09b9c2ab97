"""How far the running generations are: with the window manager, never saved."""

from __future__ import annotations

import bpy


class InterMaskProgress(bpy.types.PropertyGroup):
    """How far the generation is that the worker is at; ``session`` keeps it up to date."""

    running: bpy.props.BoolProperty()  # type: ignore[valid-type]
    count: bpy.props.IntProperty()  # type: ignore[valid-type]
    factor: bpy.props.FloatProperty(min=0.0, max=1.0)  # type: ignore[valid-type]
    text: bpy.props.StringProperty()  # type: ignore[valid-type]
