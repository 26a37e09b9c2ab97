"""Export Interaction: both people of the chosen take as files."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core import UserError
from ..properties.settings import EXPORT_FORMATS, FBX_UNITS, ROOT_MOTION
from ..rig.key import scene_fps
from ..scene.export import SUFFIXES, export_take, files_of, missing_exporter
from ..scene.takes import character_actions
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
    fbx_units: bpy.props.EnumProperty(name="For", items=FBX_UNITS)  # type: ignore[valid-type]
    root_motion: bpy.props.EnumProperty(name="Root Motion", items=ROOT_MOTION)  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is something to write; the reason is shown on the disabled button."""
        settings = context.scene.intermask
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take to export: generate one")
        if not character_actions(settings.takes[settings.take_index]):
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
        # In the saved file's folder; for an unsaved file, Blender uses its browser's last folder.
        self.filepath = str(self._first_file(context, Path(bpy.data.filepath).parent / name))
        self.filter_glob = f"*{SUFFIXES[self.format]}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Blender asks after each change in its file browser: the name follows the format."""
        path, pattern = str(self._first_file(context, Path(self.filepath))), f"*{SUFFIXES[self.format]}"
        if (self.filepath, self.filter_glob) == (path, pattern):
            return False
        self.filepath, self.filter_glob = path, pattern
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Write."""
        self._take_format(context)
        settings = context.scene.intermask
        if not self.filepath.strip():
            raise UserError(tr("No file was named; choose where to write."))
        take = settings.takes[settings.take_index]
        path = Path(bpy.path.abspath(self.filepath))
        files = export_take(context, take, self.format, path, self.root_motion, self.fbx_units)
        names = ", ".join(path.name for path in files)
        if self.format in ("BVH", "NPZ"):
            return tr("Wrote {files} at {fps:g} frames a second").format(files=names, fps=scene_fps(context.scene))
        return tr("Wrote {files}").format(files=names)

    def _first_file(self, context: bpy.types.Context, path: Path) -> Path:
        """The first file that is written: Blender's browser warns if it exists."""
        settings = context.scene.intermask
        # The browser's folder ends with a separator where no name is typed.
        if not path.name:
            return path
        # A suffix of BVH's first file does not belong to other formats.
        if path.suffix == SUFFIXES["BVH"] and self.format != "BVH":
            path = path.with_stem(path.stem.removesuffix("_1"))
        return files_of(path, self.format, len(character_actions(settings.takes[settings.take_index])))[0]

    def _take_format(self, context: bpy.types.Context) -> None:
        if not self.properties.is_property_set("format"):
            self.format = context.scene.intermask.export_format
        if not self.properties.is_property_set("fbx_units"):
            self.fbx_units = context.scene.intermask.export_fbx_units
        if not self.properties.is_property_set("root_motion"):
            self.root_motion = context.scene.intermask.export_root_motion
