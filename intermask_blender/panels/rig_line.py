"""One line below a chosen armature: what was recognised, which joints have no bone, and what to check."""

from __future__ import annotations

import bpy

from ..rig.own_map import is_edited, rig_line
from ..ui.draw_cache import armature_key
from ..ui.session import session
from ..ui.wrapping import paragraph


def _line(owner: bpy.types.Object) -> tuple[str, bool]:
    """What ``rig_line`` says, kept until the armature changes; an edited map is cheap to check, and has its own say."""
    if is_edited(owner):
        return rig_line(owner)
    return session().drawn.get(("rig", owner.name_full), armature_key(owner), lambda: rig_line(owner))


def draw_rig_line(layout: bpy.types.UILayout, context: bpy.types.Context, owner: bpy.types.Object | None) -> None:
    """Draw the line, or nothing if no armature is chosen."""
    if owner is None:
        return
    text, good = _line(owner)
    paragraph(layout, context, text, "ARMATURE_DATA" if good else "ERROR")
