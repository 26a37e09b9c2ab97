"""Sentences in narrow regions: Blender truncates a label that does not fit, so long ones are wrapped."""

from __future__ import annotations

import textwrap
from functools import lru_cache

import bpy

from ..translations import tr

LETTER = 7.0
"""Pixels that a letter of Blender's own font takes on average, at a resolution scale of 1."""

LEAST_LETTERS, MOST_LETTERS = 16, 110


def letters_across(context: bpy.types.Context) -> int:
    """How many letters fit into a line of the region."""
    if context.region is None:
        return 40
    scale = context.preferences.system.ui_scale
    return min(MOST_LETTERS, max(LEAST_LETTERS, int((context.region.width / scale - 70.0) / LETTER)))


@lru_cache(64)
def _lines(text: str, letters: int) -> tuple[str, ...]:
    """The text in lines, of which there is at least one. Panels draw the same text many times a second."""
    return tuple(textwrap.wrap(text, letters)) or ("",)


def paragraph(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """A label with as many lines as the text needs.

    Args:
        layout: gets the label.
        context: whose region decides the width.
        text: English, or translated already.
        icon: name of the icon before the first line.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(_lines(tr(text), letters_across(context))):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"), translate=False)
