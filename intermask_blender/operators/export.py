"""Export Interaction: the chosen take, both people in one click."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core import UserError
from ..properties.settings import EXPORT_FORMATS
from ..scene.export import SUFFIXES, export_take, missing_exporter
from ..scene.takes import parts
from ..translations import tr
from .attempt_mixin import AttemptMixin, refuse


class INTERMASK_OT_export(AttemptMixin, bpy.types.Operator):
    """Write both characters of the chosen take to a file"""

    bl_idname = "intermask.export"
    bl_label = "Export Interaction"
    bl_description = "Write both characters of the chosen take to a file; nothing in the scene changes"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")  # type: ignore[valid-type]
    filter_glob: bpy.props.StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})  # type: ignore[valid-type]
    format: bpy.props.EnumProperty(name="Format", items=EXPORT_FORMATS)  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is something to write; the reason is shown on the grey button."""
        settings = context.scene.intermask
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take to export: generate one")
        if not parts(settings.takes[settings.take_index]):
            return refuse(cls, "The characters of this take were deleted")
        if context.mode != "OBJECT":
            return refuse(cls, "Go back to Object Mode: Blender's exporters work there")
        if reason := missing_exporter(settings.export_format):
            return refuse(cls, reason)
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self._take_format(context)
        settings = context.scene.intermask
        name = bpy.path.clean_name(settings.takes[settings.take_index].name)[:60] or "interaction"
        # Beside the saved file; of an unsaved one Blender knows where its browser was last.
        self.filepath = str(Path(bpy.data.filepath).parent / (name + SUFFIXES[self.format]))
        self.filter_glob = f"*{SUFFIXES[self.format]}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Write."""
        self._take_format(context)
        settings = context.scene.intermask
        if not self.filepath.strip():
            raise UserError(tr("No file was named; choose where to write."))
        made = export_take(
            context, settings.takes[settings.take_index], self.format, Path(bpy.path.abspath(self.filepath))
        )
        return tr("Wrote {files}").format(files=", ".join(path.name for path in made))

    def _take_format(self, context: bpy.types.Context) -> None:
        if not self.properties.is_property_set("format"):
            self.format = context.scene.intermask.export_format
