"""Generate Interaction, and Cancel for generations that run or wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import bpy

from ..core import UserError, constraints_from_text, constraints_to_json, read_constraints
from ..generator.generation import GenerationSettings
from ..generator.models import find_model
from ..properties import wanted_model
from ..properties.direct import meet_partly_property
from ..properties.keys import KeyProperties, wanted_keys
from ..properties.limbs import LimbProperties, wanted_limbs
from ..properties.request import RequestProperties, takes_property
from ..properties.sampling_settings import given_sampling, panel_sampling, with_sampling_settings
from ..properties.takes import at_cursor_property, new_pair_property
from ..rig.key import scene_fps
from ..rig.own_map import check_limbs
from ..scene.markers import timed_prompt
from ..scene.placement import Placement, with_bodies
from ..scene.request import TakeOptions, prepare
from ..translations import tr
from ..ui.preferences import current_preferences
from ..ui.session import pending, session
from ..ui.user_words import words_path
from .attempt_mixin import refuse
from .generation_mixin import GenerationMixin


@with_sampling_settings()
class INTERMASK_OT_generate(GenerationMixin, RequestProperties, KeyProperties, LimbProperties, bpy.types.Operator):
    """Generate two people who do what the prompt says, or one who reacts to the leader"""

    bl_idname = "intermask.generate"
    bl_label = "Generate Interaction"
    bl_description = "Generate two people who do what the prompt says, or one who reacts to the leader"
    # Without REGISTER: Adjust Last Operation would generate again, and freeze the window, at every change of a field.
    bl_options = {"UNDO"}

    takes: takes_property()  # type: ignore[valid-type]
    model: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Model", description="Name or folder of the model. If empty, the first model"
    )
    leader: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Leader", description="Name of the armature that the new character reacts to. If empty, both are generated"
    )
    character_1: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Person 1",
        description="Name of the armature that receives the motion of person 1. If empty, a new character",
    )
    character_2: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Person 2",
        description="Name of the armature that receives the motion of person 2. If empty, a new character",
    )
    constraints: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Constraints",
        description="Constraint file (.json), or the text of one. If empty, the constraints under Direct",
    )
    meet_partly: meet_partly_property()  # type: ignore[valid-type]
    new_pair: new_pair_property()  # type: ignore[valid-type]
    at_cursor: at_cursor_property()  # type: ignore[valid-type]
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "prompt", "as_written", "seed", "foot_lock", "contact", "use_markers", "body_1", "body_2", "new_pair",
        "at_cursor", "meet_partly", "start_at_rest", "settle_at_end", "loop", "in_place",
        "keys", "key_distance", "key_angle", "arms", "legs",
    )  # fmt: skip
    OBJECTS: ClassVar[tuple[str, ...]] = ("leader", "character_1", "character_2")

    def take_settings(self, context: bpy.types.Context) -> None:
        """Properties that the caller did not set come from the panel."""
        settings = context.scene.intermask
        given = self.properties.is_property_set
        for name in self.SETTINGS:
            if not given(name):
                setattr(self, name, getattr(settings, name))
        if not given("seconds") and not given("use_scene_range"):
            self.seconds, self.use_scene_range = settings.seconds, settings.use_scene_range
        if not given("takes"):
            self.takes = settings.takes_wanted
        for name, value in panel_sampling(settings).items():
            if not given(name):
                setattr(self, name, value)
        if not given("model"):
            self.model = wanted_model(settings)
        for name in self.OBJECTS:
            if not given(name):
                chosen = getattr(settings, name)
                setattr(self, name, chosen.name if chosen is not None else "")

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """The request, and the placement of its result."""
        leader, first, second = (self._object(context.scene, name) for name in self.OBJECTS)
        preferences = current_preferences(context)
        model = find_model(self.model, preferences.model_folders)
        seconds = self._length(context.scene)
        prompt = timed_prompt(context.scene, self.prompt, seconds) if self.use_markers else self.prompt
        scene_range = (float(context.scene.frame_start), float(context.scene.frame_end))
        settings, placement = prepare(
            context.scene,
            prompt,
            seconds,
            self.seed,
            model,
            leader,
            (first, second),
            self._take_options(),
            scene_range if self.use_scene_range else None,
            reuse=not self.new_pair,
            at_cursor=self.at_cursor,
        )
        files = [Path(bpy.path.abspath(own)) if own else preferences.body_file for own in (self.body_1, self.body_2)]
        settings = replace(settings, constraints=self._constraints(), meet_partly=self.meet_partly)
        limbs = wanted_limbs(self)
        for character in check_limbs([owner for owner in (first, second) if owner is not None], limbs):
            self.report(
                {"WARNING"}, tr("{name} has no IK controls that are known, so FK is keyed").format(name=character)
            )
        return settings, with_bodies(replace(placement, keys=wanted_keys(self), limbs=limbs), files)

    def _length(self, scene: bpy.types.Scene) -> float:
        """Duration in seconds."""
        if not self.use_scene_range:
            return self.seconds
        return (scene.frame_end - scene.frame_start + 1) / scene_fps(scene)

    def _constraints(self) -> tuple[Mapping[str, Any], ...]:
        """The list of the constraint file, or of its text."""
        given = self.constraints.strip()
        if not given:
            return ()
        text = given.startswith("[")
        found = constraints_from_text(given, "constraints") if text else read_constraints(bpy.path.abspath(given))
        return tuple(constraints_to_json(found))

    def _take_options(self) -> TakeOptions:
        sampling = given_sampling(self.properties)
        return TakeOptions(
            self.takes,
            sampling,
            self.foot_lock,
            self.contact,
            self.as_written,
            words_path(),
            self.start_at_rest,
            self.settle_at_end,
            self.loop,
            self.in_place,
        )

    def _object(self, scene: bpy.types.Scene, role: str) -> bpy.types.Object | None:
        """The object that is named for a role, None if none is."""
        name = getattr(self, role)
        if name and name not in scene.objects:
            if role == "leader":
                template = tr("There is no object called {name} in this scene; choose another leader.")
            else:
                template = tr("There is no object called {name} in this scene; choose another character.")
            raise UserError(template.format(name=name))
        return scene.objects[name] if name else None


class INTERMASK_OT_cancel(bpy.types.Operator):
    """Stop the running generation"""

    bl_idname = "intermask.cancel"
    bl_label = "Cancel"
    bl_description = "Stop this generation; nothing that it made so far is kept"
    bl_options = {"INTERNAL"}

    number: bpy.props.IntProperty(min=0, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything to cancel."""
        if not pending():
            return refuse(cls, "Nothing is being generated")
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel it."""
        if self.number < len(pending()):
            session().drop(pending()[self.number])
            self.report({"INFO"}, tr("The generation was cancelled"))
        return {"FINISHED"}


class INTERMASK_OT_escape(bpy.types.Operator):
    """Stop the running generation, not those in the queue"""

    # In the keymap of the 3D view, so that operators that began later, such as a transform, get the key first.
    bl_idname = "intermask.escape"
    bl_label = "Cancel Generation"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether Escape means the generation: while the animation plays, it ends the playback."""
        # Blender ends the playback first and hands the key on.
        return bool(pending()) and not session().playing

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel it."""
        session().drop(pending()[0])
        self.report({"INFO"}, tr("The generation was cancelled"))
        return {"FINISHED"}
