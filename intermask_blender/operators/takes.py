"""Buttons of the list of takes."""

from __future__ import annotations

import bpy

from ..scene.first_look import frame_people
from ..scene.take_settings import use_settings
from ..scene.takes import character_actions, delete_takes, frames_of, push_to_nla
from ..translations import tr
from .attempt_mixin import AttemptMixin, refuse


class _OnTake(AttemptMixin):
    """Base of the operators on the chosen take."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take is chosen; the reason is shown on the disabled button."""
        settings = context.scene.intermask
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take yet: generate one")
        return True


class INTERMASK_OT_delete_take(_OnTake, bpy.types.Operator):
    """Delete the chosen take, and the people who were generated for it if they are in no other take"""

    bl_idname = "intermask.delete_take"
    bl_label = "Delete Take"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Delete it."""
        delete_takes(context.scene, [context.scene.intermask.take_index])
        return ""


class INTERMASK_OT_delete_other_takes(_OnTake, bpy.types.Operator):
    """Delete all takes except the chosen one and those that are marked Keep"""

    bl_idname = "intermask.delete_other_takes"
    bl_label = "Delete Other Takes"
    bl_options = {"UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        message = tr("Takes to delete: {count}").format(count=len(_others(context.scene.intermask)))
        answer: set[str] = context.window_manager.invoke_confirm(
            self,
            event,
            title=tr(self.bl_label, "Operator"),
            message=message,
            confirm_text=tr("Delete"),
            translate=False,
        )
        return answer

    def attempt(self, context: bpy.types.Context) -> str:
        """Delete them."""
        delete_takes(context.scene, _others(context.scene.intermask))
        return ""


def _others(settings: bpy.types.PropertyGroup) -> list[int]:
    """Numbers of the takes that are neither chosen nor marked Keep."""
    return [n for n, take in enumerate(settings.takes) if not take.keep and n != settings.take_index]


class INTERMASK_OT_use_take_settings(_OnTake, bpy.types.Operator):
    """Set prompt, seed and all other fields above to those of the chosen take. Constraints of other takes are muted"""

    bl_idname = "intermask.use_take_settings"
    bl_label = "Use Settings of the Take"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Set them."""
        missing = use_settings(context.scene.intermask.takes[context.scene.intermask.take_index])
        if missing:
            return tr("Constraints of the take that were removed: {names}").format(names=", ".join(missing))
        return ""


class OnCharacters(_OnTake):
    """Base of the operators on the characters of the chosen take."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the take's characters exist."""
        if not super().poll(context):
            return False
        settings = context.scene.intermask
        if not character_actions(settings.takes[settings.take_index]):
            return refuse(cls, "The characters of this take were deleted")
        return True


class INTERMASK_OT_push_take(OnCharacters, bpy.types.Operator):
    """Push the chosen take down to the NLA, as a strip on a new track of each character"""

    bl_idname = "intermask.push_take"
    bl_label = "Push Down to NLA"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Push it down."""
        settings = context.scene.intermask
        push_to_nla(settings.takes[settings.take_index])
        return ""


class INTERMASK_OT_mark_take_as_asset(OnCharacters, bpy.types.Operator):
    """Mark the actions of the chosen take as assets, with a picture of both people"""

    bl_idname = "intermask.mark_take_as_asset"
    bl_label = "Mark as Asset"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Mark them."""
        from ..scene.assets import mark_as_assets  # not needed to enable the add-on

        mark_as_assets(context.scene.intermask.takes[context.scene.intermask.take_index])
        return ""


class INTERMASK_OT_play_take(OnCharacters, bpy.types.Operator):
    """Set the preview range to the frames of the chosen take, so that playback loops over it"""

    bl_idname = "intermask.play_take"
    bl_label = "Set Playback Range"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Set it."""
        scene = context.scene
        first, last = frames_of(scene.intermask.takes[scene.intermask.take_index])
        scene.use_preview_range = True
        scene.frame_preview_start, scene.frame_preview_end = first, last
        return ""


class INTERMASK_OT_view_take(OnCharacters, bpy.types.Operator):
    """Move the view so that both characters of the chosen take fill it"""

    bl_idname = "intermask.view_take"
    bl_label = "Frame Characters"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a view to move."""
        if not super().poll(context):
            return False
        if context.region_data is None or context.region_data.view_perspective == "CAMERA":
            return refuse(cls, "Look at the scene through a 3D view and not through its camera")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Move it; the selection stays."""
        settings = context.scene.intermask
        owners = [owner for owner, _ in character_actions(settings.takes[settings.take_index])]
        frame_people(context.region_data, owners)
        return ""
