"""Edit My Words: the user's own phrases for kinds of interaction, in Blender's text editor."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core import UserError
from ..translations import tr
from ..ui.model_list import model_list
from ..ui.user_words import words_path, write_example
from .attempt_mixin import AttemptMixin, refuse
from .runtime import NOT_AN_EXTENSION


class INTERMASK_OT_edit_words(AttemptMixin, bpy.types.Operator):
    """Open your own phrases in the text editor"""

    bl_idname = "intermask.edit_words"
    bl_label = "Edit My Words"
    bl_description = (
        "Open words.json in the text editor: your own phrases for each kind of interaction. Save the text to use them"
    )
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the add-on has a folder for the file."""
        return words_path() is not None or refuse(cls, NOT_AN_EXTENSION)

    def attempt(self, context: bpy.types.Context) -> str:
        """Create the file if it is missing, and show it."""
        path = words_path(create=True)
        if path is None:
            raise UserError(tr(NOT_AN_EXTENSION))
        if not path.exists():
            models = model_list(context)
            groups = models.kinds.get(models.chosen(context.scene.intermask.model_name), ())
            write_example(path, [kind.name for group in groups for kind in group.kinds])
        _show(_loaded(path))
        return tr("Save the text to use your words: {path}").format(path=path)


def _loaded(path: Path) -> bpy.types.Text:
    """The file as a text datablock, loaded unless it already is.

    Raises:
        UserError: Blender cannot read it.
    """
    for text in bpy.data.texts:
        if text.filepath and Path(bpy.path.abspath(text.filepath)) == path:
            return text
    try:
        return bpy.data.texts.load(str(path))
    except RuntimeError as error:
        raise UserError(tr("Blender cannot open {path}; check the file's permissions.").format(path=path)) from error


def _show(text: bpy.types.Text) -> None:
    """Show a text in a text editor that is open, else in a new window; not in background mode."""
    windows = bpy.context.window_manager.windows
    areas = [area for window in windows for area in window.screen.areas if area.type == "TEXT_EDITOR"]
    if not areas:
        if bpy.app.background or not windows:
            return
        bpy.ops.wm.window_new()
        areas = [windows[-1].screen.areas[0]]
        areas[0].type = "TEXT_EDITOR"
    areas[0].spaces.active.text = text
    areas[0].tag_redraw()
