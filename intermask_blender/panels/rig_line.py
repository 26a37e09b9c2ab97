"""One line below a chosen armature: what was recognised, which joints have no bone, and what to check."""

from __future__ import annotations

import bpy

from ..rig.own_map import RigSummary, is_edited, rig_summary, stored_mapping, with_constraint
from ..ui.draw_cache import armature_key
from ..ui.session import session
from ..ui.wrapping import paragraph


def _summary(owner: bpy.types.Object) -> RigSummary:
    """What was recognised; it is kept until the armature or its edited map changes."""
    cache = session().draw_cache
    key = (armature_key(owner, cache), stored_mapping(owner) if is_edited(owner) else None)
    summary: RigSummary = cache.get(("rig", owner.name_full), key, lambda: rig_summary(owner))
    return summary


def _line(owner: bpy.types.Object) -> tuple[str, bool]:
    """The rig line."""
    return with_constraint(_summary(owner), owner)


def has_ik_controls(owner: bpy.types.Object) -> bool:
    """Whether an armature is of a kind whose arms or legs have IK controls that are known."""
    mapping = session().draw_cache.in_redraw(("ik", owner.name_full), lambda: _summary(owner).mapping)
    return mapping is not None and bool(mapping.ik)


def draw_rig_line(layout: bpy.types.UILayout, context: bpy.types.Context, owner: bpy.types.Object | None) -> None:
    """Draw the line, or nothing if no armature is chosen."""
    if owner is None:
        return
    text, good = session().draw_cache.in_redraw(("rig", owner.name_full), lambda: _line(owner))
    paragraph(layout, context, text, "ARMATURE_DATA" if good else "ERROR")
