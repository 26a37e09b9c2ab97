"""Events that call operators of the add-on: entries of the keymap, which the user can change."""

from __future__ import annotations

import bpy

SHORTCUTS = (
    ("Window", "EMPTY", "intermask.conclude", "TIMER", "ANY", True),
    ("3D View Generic", "VIEW_3D", "intermask.escape", "ESC", "PRESS", False),
)
"""Keymap, its space, operator, event, the event's value, and whether modifier keys do not matter."""


class Shortcuts:
    """Entries that are in the keymap until ``remove``."""

    def __init__(self) -> None:
        """None yet."""
        self._added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []

    def add(self) -> None:
        """Add them; Blender without a window has no keymap."""
        keys = bpy.context.window_manager.keyconfigs.addon
        if keys is None:
            return
        for name, space, operator, event, value, modified in SHORTCUTS:
            keymap = keys.keymaps.new(name, space_type=space)
            self._added.append((keymap, keymap.keymap_items.new(operator, event, value, any=modified)))

    def remove(self) -> None:
        """Take them out again."""
        for keymap, item in self._added:
            keymap.keymap_items.remove(item)
        self._added.clear()
