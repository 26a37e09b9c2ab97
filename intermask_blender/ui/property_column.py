"""Columns of properties as Blender's own panels have them."""

from __future__ import annotations

import bpy


def property_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column whose properties have their labels on the left, and no buttons for keys."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    return column
