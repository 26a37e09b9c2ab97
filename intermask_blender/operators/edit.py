"""Buttons that change the chosen take; each makes a new take and leaves the old one in the list."""

from __future__ import annotations

import bpy

from ..core import UserError
from ..generator.generation import GenerationSettings
from ..generator.models import find_model
from ..properties import wanted_model
from ..properties.knobs import panel_knobs
from ..properties.request import PromptProperties
from ..scene.editing import prepare_edit
from ..scene.placement import Placement
from ..scene.request import Sampling
from ..scene.takes import parts
from ..translations import tr
from ..ui.preferences import current_preferences
from .attempt_mixin import refuse
from .generation_mixin import GenerationMixin

BODY_PARTS = (
    ("ALL", "Whole Body", "The whole body"),
    ("ARMS", "Arms", "Shoulders, arms and hands"),
    ("HANDS", "Hands", "Forearms and hands"),
    ("LEGS", "Legs", "Hips, legs and feet"),
    ("UPPER_BODY", "Upper Body", "Trunk, head, arms and hands"),
)


class _Editing(GenerationMixin, PromptProperties):
    """An operator on the take that is shown, with the prompt, the seed and the model of the panel."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a take to change; the reason is shown on the grey button."""
        settings = context.scene.intermask
        if not super().poll(context):
            return False
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take to change: generate one")
        if not parts(settings.takes[settings.take_index]):
            return refuse(cls, "The characters of this take were deleted")
        return True

    def chosen(self, context: bpy.types.Context) -> tuple[bpy.types.PropertyGroup, tuple, Sampling]:
        """The take, what the panel says of the draw, and how to sample."""
        settings = context.scene.intermask
        model = find_model(self.model or wanted_model(settings), current_preferences(context).model_folders)
        sampling = Sampling(1, panel_knobs(settings), settings.foot_lock, settings.contact)
        return settings.takes[settings.take_index], (self.prompt, self.seed, model), sampling

    def take_settings(self, context: bpy.types.Context) -> None:
        """Properties that the caller did not set come from the panel."""
        settings = context.scene.intermask
        for name in self.FROM_PANEL:
            if not self.properties.is_property_set(name):  # type: ignore[attr-defined]
                setattr(self, name, getattr(settings, self.FROM_PANEL[name]))

    FROM_PANEL: dict[str, str]
    model: str


class INTERMASK_OT_edit(_Editing, bpy.types.Operator):
    """Make a part of the chosen take anew; the rest of it is held"""

    bl_idname = "intermask.edit"
    bl_label = "Generate Again"
    bl_description = "Make a part of the chosen take anew, with the prompt and the seed above; the rest of it is held"
    bl_options = {"UNDO"}
    FROM_PANEL = {"prompt": "prompt", "seed": "seed", "who": "edit_who"}

    model: bpy.props.StringProperty(name="Model")  # type: ignore[valid-type]
    part: bpy.props.EnumProperty(name="Part", items=BODY_PARTS)  # type: ignore[valid-type]
    who: bpy.props.StringProperty(name="Who", description="BOTH, FIRST or SECOND")  # type: ignore[valid-type]
    strength: bpy.props.FloatProperty(name="Strength", default=1.0, min=0.05, max=1.0)  # type: ignore[valid-type]
    start: bpy.props.IntProperty(name="First Frame")  # type: ignore[valid-type]
    end: bpy.props.IntProperty(name="Last Frame")  # type: ignore[valid-type]

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """The range is the one given, else the timeline's preview range, else all."""
        scene = context.scene
        frames = (scene.frame_preview_start, scene.frame_preview_end) if scene.use_preview_range else None
        if self.properties.is_property_set("start") and self.properties.is_property_set("end"):
            frames = self.start, self.end
        if self.who not in ("BOTH", "FIRST", "SECOND"):
            raise UserError(tr("{who} is nobody; choose BOTH, FIRST or SECOND.").format(who=repr(self.who)))
        take, settings, sampling = self.chosen(context)
        return prepare_edit(scene, take, settings, sampling, self.part, self.who, frames, self.strength)


class INTERMASK_OT_extend(_Editing, bpy.types.Operator):
    """Go on after the end of the chosen take"""

    bl_idname = "intermask.extend"
    bl_label = "Extend"
    bl_description = "Go on after the end of the chosen take with the prompt above"
    bl_options = {"UNDO"}
    FROM_PANEL = {"prompt": "prompt", "seed": "seed", "seconds": "seconds_more"}

    model: bpy.props.StringProperty(name="Model")  # type: ignore[valid-type]
    seconds: bpy.props.FloatProperty(name="Seconds More", default=2.0, min=0.5, max=59.0)  # type: ignore[valid-type]

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """All of the take is held."""
        take, settings, sampling = self.chosen(context)
        return prepare_edit(context.scene, take, settings, sampling, more=self.seconds)
