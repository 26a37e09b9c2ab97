"""Buttons that change the chosen take; each adds a new take, and the old one stays in the list."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy

from ..core import UserError
from ..generator.generation import GenerationSettings
from ..generator.models import find_model
from ..properties import wanted_model
from ..properties.keys import wanted_keys
from ..properties.request import PromptProperties
from ..properties.sampling_settings import panel_sampling
from ..scene.placement import Placement
from ..scene.request import TakeOptions
from ..scene.take_settings import stored_settings
from ..scene.takes import character_actions
from ..translations import tr
from ..ui.preferences import current_preferences
from ..ui.user_words import words_path
from .attempt_mixin import refuse
from .generation_mixin import GenerationMixin
from .prompt import MAX_RANDOM_SEED

BODY_PARTS = (
    ("ALL", "Whole Body", "The whole body"),
    ("ARMS", "Arms", "Shoulders, arms and hands"),
    ("HANDS", "Hands", "Forearms and hands"),
    ("LEGS", "Legs", "Hips, legs and feet"),
    ("UPPER_BODY", "Upper Body", "Trunk, head, arms and hands"),
)


class _Editing(GenerationMixin, PromptProperties):
    """An operator on the take that is shown."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a take to change; the reason is shown on the disabled button."""
        settings = context.scene.intermask
        if not super().poll(context):
            return False
        if not 0 <= settings.take_index < len(settings.takes):
            return refuse(cls, "There is no take to change: generate one")
        if not character_actions(settings.takes[settings.take_index]):
            return refuse(cls, "The characters of this take were deleted")
        return True

    def chosen(self, context: bpy.types.Context) -> tuple[bpy.types.PropertyGroup, tuple, TakeOptions]:
        """The take; prompt, seed and model; and the options of the generation, which are those of the take."""
        settings, folders = context.scene.intermask, current_preferences(context).model_folders
        take = settings.takes[settings.take_index]
        own = stored_settings(take)
        model = find_model(self.model or _model_of(take, folders) or wanted_model(settings), folders)
        options = TakeOptions(
            1,
            own.get("sampling", panel_sampling(settings)),
            own.get("foot_lock", settings.foot_lock),
            own.get("contact", settings.contact),
            self.as_written,
            words_path(),
        )
        return take, (self.prompt, self.seed, model), options

    def take_settings(self, context: bpy.types.Context) -> None:
        """Properties that the caller did not set come from the panel; the seed is new unless it is fixed there."""
        settings = context.scene.intermask
        given = self.properties.is_property_set  # type: ignore[attr-defined]
        for name, source in {"prompt": "edit_prompt", "as_written": "as_written", **self.FROM_PANEL}.items():
            if not given(name):
                setattr(self, name, getattr(settings, source))
        own = stored_settings(settings.takes[settings.take_index])
        if not given("as_written") and not self.prompt.strip():
            # Its own prompt is understood as it was for the take.
            self.as_written = own.get("as_written", self.as_written)
        if not given("seed"):
            self.seed = settings.edit_seed if settings.use_edit_seed else random.randint(0, MAX_RANDOM_SEED)

    FROM_PANEL: dict[str, str]
    model: str


def _model_of(take: bpy.types.PropertyGroup, folders: Sequence[Path]) -> str:
    """The name of the model that made a take; empty if it was deleted."""
    try:
        find_model(take.model, folders)
    except UserError:
        return ""
    return str(take.model)


def _with_wanted_keys(
    scene: bpy.types.Scene, prepared: tuple[GenerationSettings, Placement]
) -> tuple[GenerationSettings, Placement]:
    """The request and its placement, keyed as densely as the panel says."""
    settings, placement = prepared
    return settings, replace(placement, keys=wanted_keys(scene.intermask))


class INTERMASK_OT_edit(_Editing, bpy.types.Operator):
    """Regenerate a part of the chosen take as a new take; the rest of it is kept"""

    bl_idname = "intermask.edit"
    bl_label = "Regenerate"
    bl_description = "Regenerate a part of the chosen take as a new take; the rest of it is kept"
    bl_options = {"UNDO"}
    FROM_PANEL = {"who": "edit_who"}

    model: bpy.props.StringProperty(name="Model")  # type: ignore[valid-type]
    part: bpy.props.EnumProperty(name="Part", items=BODY_PARTS)  # type: ignore[valid-type]
    who: bpy.props.StringProperty(name="Affect", description="BOTH, FIRST or SECOND")  # type: ignore[valid-type]
    strength: bpy.props.FloatProperty(name="Amount", default=1.0, min=0.05, max=1.0)  # type: ignore[valid-type]
    start: bpy.props.IntProperty(name="First Frame")  # type: ignore[valid-type]
    end: bpy.props.IntProperty(name="Last Frame")  # type: ignore[valid-type]

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """The request; its range is the one given, else the timeline's preview range, else the whole take."""
        from ..scene.editing import Edit, prepare_edit  # not needed to enable the add-on

        scene = context.scene
        frames = (scene.frame_preview_start, scene.frame_preview_end) if scene.use_preview_range else None
        if self.properties.is_property_set("start") and self.properties.is_property_set("end"):
            frames = self.start, self.end
        if self.who not in ("BOTH", "FIRST", "SECOND"):
            raise UserError(tr("{who} is unknown; choose BOTH, FIRST or SECOND.").format(who=repr(self.who)))
        take, settings, options = self.chosen(context)
        edit = Edit(self.part, self.who, frames, self.strength, label=self._label())
        return _with_wanted_keys(scene, prepare_edit(scene, take, settings, options, edit))

    def _label(self) -> str:
        """What changed, for the name of the new take."""
        if self.strength < 1.0:
            return f"{tr('Vary')} {round(100 * self.strength)} %"
        return tr(next(title for part, title, _ in BODY_PARTS if part == self.part))


class INTERMASK_OT_extend(_Editing, bpy.types.Operator):
    """Continue after the end of the chosen take"""

    bl_idname = "intermask.extend"
    bl_label = "Extend"
    bl_description = "Continue after the end of the chosen take, with the prompt of this panel or the take's own"
    bl_options = {"UNDO"}
    FROM_PANEL = {"seconds": "seconds_more"}

    model: bpy.props.StringProperty(name="Model")  # type: ignore[valid-type]
    seconds: bpy.props.FloatProperty(name="Extend by", default=2.0, min=0.5, max=59.0)  # type: ignore[valid-type]

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """The request; all of the take is kept."""
        from ..scene.editing import Edit, prepare_edit  # not needed to enable the add-on

        take, settings, options = self.chosen(context)
        edit = Edit(more=self.seconds, label=f"+{self.seconds:g} s")
        return _with_wanted_keys(context.scene, prepare_edit(context.scene, take, settings, options, edit))
