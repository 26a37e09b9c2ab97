"""Below the prompt: how the model understands it, and the kinds that it may mean instead."""

from __future__ import annotations

import bpy

from ..operators.prompt import INTERMASK_OT_use_prompt
from ..ui.prompt_understanding import panel_lines
from ..ui.wrapping import letters_across, paragraph


def draw_understanding(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The lines, then a button for each of the next kinds; nothing if there is nothing to show."""
    lines, matches = panel_lines(context)
    for text, icon in lines:
        paragraph(layout, context, text, icon)
    if not matches:
        return
    names = [match.kind[:1].upper() + match.kind[1:] for match in matches]
    # Next to each other only if no name is truncated: names such as "Arm around the shoulder walking" need a row each.
    fits = max(map(len, names)) <= letters_across(context) // len(names)
    buttons = layout.row(align=True) if fits else layout.column(align=True)
    for name, match in zip(names, matches, strict=True):
        buttons.operator(INTERMASK_OT_use_prompt.bl_idname, text=name, translate=False).prompt = match.caption
