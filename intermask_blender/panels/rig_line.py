"""One line below a chosen armature: what was recognised in it, and what could not be mapped."""

from __future__ import annotations

import bpy

from ..rig.own_map import rig_line
from .wrapping import paragraph


def draw_rig_line(layout: bpy.types.UILayout, context: bpy.types.Context, owner: bpy.types.Object | None) -> None:
    """Draw it, or nothing where no armature is chosen."""
    if owner is None:
        return
    text, good = rig_line(owner)
    paragraph(layout, context, text, "ARMATURE_DATA" if good else "ERROR")
