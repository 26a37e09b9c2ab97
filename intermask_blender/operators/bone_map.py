"""Operators of the bone map: edit, detect again, save and load."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core import UserError
from ..rig.labels import bone_labels
from ..rig.own_map import begin_editing, forget, is_edited, load_own_map, save_own_map
from ..translations import tr
from .attempt_mixin import AttemptMixin, refuse


def mapped_armature(settings: bpy.types.PropertyGroup) -> bpy.types.Object | None:
    """The armature whose map is shown: the chosen one, else the leader or a character."""
    for owner in (settings.mapped, settings.leader, settings.character_1, settings.character_2):
        if owner is not None:
            return owner
    return None


class _OnArmature(AttemptMixin):
    """Base of the operators on the armature whose map is shown."""

    EDITS = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a suitable armature is chosen; the reason is shown on the disabled button."""
        owner = mapped_armature(context.scene.intermask)
        if owner is None:
            return refuse(cls, "Choose an armature above")
        if cls.EDITS and owner.library is not None:
            return refuse(cls, "The armature is linked from a library: make a library override of it first")
        return True

    @staticmethod
    def owner(context: bpy.types.Context) -> bpy.types.Object:
        """The armature."""
        owner = mapped_armature(context.scene.intermask)
        if owner is None:
            raise UserError(tr("No armature is chosen; choose one in the panel."))
        return owner


class INTERMASK_OT_edit_bones(_OnArmature, bpy.types.Operator):
    """Choose the bone of each joint yourself, beginning with what was recognised"""

    bl_idname = "intermask.edit_bones"
    bl_label = "Customize Mapping"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Store the recognised map as a list."""
        begin_editing(self.owner(context))
        return ""


class INTERMASK_OT_detect_bones(_OnArmature, bpy.types.Operator):
    """Drop the edited bones: the armature is recognised by itself again"""

    bl_idname = "intermask.detect_bones"
    bl_label = "Detect Again"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything to drop."""
        if not super().poll(context):
            return False
        if not is_edited(cls.owner(context)):
            return refuse(cls, "The bones were not edited")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Drop them."""
        forget(self.owner(context))
        return ""


class _WithFile(_OnArmature):
    """Base of the operators on a bone map's file, chosen in the file browser."""

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")  # type: ignore[valid-type]
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    def path(self) -> Path:
        """The chosen file."""
        if not self.filepath.strip():
            raise UserError(tr("No file was named; choose the bone map's file."))
        return Path(bpy.path.abspath(self.filepath))


class INTERMASK_OT_save_bones(_WithFile, bpy.types.Operator):
    """Write this armature's bone map to a file, for other rigs of its kind"""

    bl_idname = "intermask.save_bones"
    bl_label = "Save Bone Map"
    bl_options = {"REGISTER"}
    EDITS = False

    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file, named after the armature."""
        name = bpy.path.clean_name(self.owner(context).name)[:60] or "bones"
        self.filepath = str(Path(bpy.data.filepath).parent / f"{name}.json")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Write."""
        path = self.path()
        path = path if path.suffix.lower() == ".json" else path.with_name(f"{path.name}.json")
        save_own_map(self.owner(context), path)
        return tr("Wrote {files}").format(files=path.name)


class INTERMASK_OT_load_bones(_WithFile, bpy.types.Operator):
    """Take this armature's bone map from a file"""

    bl_idname = "intermask.load_bones"
    bl_label = "Load Bone Map"
    bl_options = {"UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Read, and say which joints found no bone."""
        mapping = load_own_map(self.owner(context), self.path())
        if mapping.missing:
            self.report({"WARNING"}, tr("No bone was found for {joints}").format(joints=bone_labels(mapping.missing)))
        return ""
