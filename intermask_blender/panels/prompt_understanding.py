"""Below the prompt: how the model understands it, and the kinds that it may mean instead."""

from __future__ import annotations

import bpy

from ..operators.prompt import INTERMASK_OT_use_prompt
from ..ui.prompt_understanding import panel_lines
from ..ui.wrapping import paragraph


def draw_understanding(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The lines, then a button for each of the next kinds; nothing if there is nothing to show."""
    lines, matches = panel_lines(context)
    for text, icon in lines:
        paragraph(layout, context, text, icon)
    if not matches:
        return
    row = layout.row(align=True)
    for match in matches:
        name = match.kind[:1].upper() + match.kind[1:]
        row.operator(INTERMASK_OT_use_prompt.bl_idname, text=name, translate=False).prompt = match.caption
