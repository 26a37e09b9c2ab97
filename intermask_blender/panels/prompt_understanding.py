"""Below the prompt: how the model understands it, and the kinds that it may mean instead."""

from __future__ import annotations

import bpy

from ..operators.prompt import INTERMASK_OT_use_prompt
from ..translations import capitalised, kind_name, tr
from ..ui.prompt_understanding import panel_lines, prompt_of_all_acts
from ..ui.wrapping import letters_across, paragraph


def draw_understanding(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The lines, then a button for each of the next kinds; nothing if there is nothing to show."""
    lines, matches = panel_lines(context)
    for text, icon in lines:
        paragraph(layout, context, text, icon)
    if prompt := prompt_of_all_acts(context):
        name = tr("Use All Acts")
        layout.operator(INTERMASK_OT_use_prompt.bl_idname, text=name, icon="TIME", translate=False).prompt = prompt
    if not matches:
        return
    names = [capitalised(kind_name(match.kind)) for match in matches]
    # Next to each other only if no name is truncated: names such as "Arm around the shoulder walking" need a row each.
    fits = max(map(len, names)) <= letters_across(context) // len(names)
    buttons = layout.row(align=True) if fits else layout.column(align=True)
    for name, match in zip(names, matches, strict=True):
        buttons.operator(INTERMASK_OT_use_prompt.bl_idname, text=name, translate=False).prompt = match.caption
