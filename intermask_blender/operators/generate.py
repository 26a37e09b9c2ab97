"""Generate Interaction, and the Cancel of everything that is under way."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ..core import MOST_TAKES, UserError
from ..generator.generation import GenerationSettings
from ..generator.models import find_model
from ..properties import wanted_model
from ..rig.key import scene_fps
from ..scene.markers import timed_prompt
from ..scene.placing import Placement, Sampling, prepare, with_bodies
from ..translations import TRANSLATION_CONTEXT, tr
from ..ui.preferences import current_preferences
from ..ui.session import pending
from .attempt_mixin import refuse
from .generation_mixin import GenerationMixin


class INTERMASK_OT_generate(GenerationMixin, bpy.types.Operator):
    """Generate two people who do what the prompt says, or one who reacts to the leader"""

    bl_idname = "intermask.generate"
    bl_label = "Generate Interaction"
    bl_description = "Generate two people who do what the prompt says, or one who reacts to the leader"
    # Without REGISTER: Adjust Last Operation would generate anew, and freeze the window, at every change of a field.
    bl_options = {"UNDO"}

    prompt: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Prompt", description="What the two people do", translation_context=TRANSLATION_CONTEXT
    )
    seconds: bpy.props.FloatProperty(name="Seconds", default=4.0, min=0.5, max=60.0)  # type: ignore[valid-type]
    use_scene_range: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Use Scene Range", description="As long as the scene's frame range, whatever Seconds says"
    )
    seed: bpy.props.IntProperty(name="Seed", default=0, min=0)  # type: ignore[valid-type]
    takes: bpy.props.IntProperty(name="Takes", default=1, min=1, max=MOST_TAKES)  # type: ignore[valid-type]
    model: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Model", description="Name or folder; empty means the first one"
    )
    leader: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Leader", description="Name of the armature that the new character reacts to; empty generates both"
    )
    character_1: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="First Character", description="Name of the armature to key the first person on; empty makes a new one"
    )
    character_2: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Second Character", description="Name of the armature to key the second person on; empty makes a new one"
    )
    body_1: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="First Body",
        description="SMPL or SMPL-X model file (.npz or .pkl) that a new first character is; empty means as the "
        "preferences say",
        subtype="FILE_PATH",
    )
    body_2: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Second Body",
        description="SMPL or SMPL-X model file (.npz or .pkl) that a new second character is; empty means as the "
        "preferences say",
        subtype="FILE_PATH",
    )
    guidance: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Guidance", description="How closely the prompt is followed; -1 as the model has it", default=-1, min=-1
    )
    steps: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Steps", description="Steps of generation; 0 as the model has it", default=0, min=0, max=1000
    )
    mask_temperature: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Variety", description="How far takes differ; -1 as the model has it", default=-1, min=-1
    )
    use_markers: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Prompts from Markers", description="Timeline markers say what happens from their frame on"
    )
    foot_lock: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Foot Lock", description="Hold standing feet in place", default=True
    )
    contact: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Contact", description="Keep touching hands together with what they touch", default=True
    )

    SETTINGS: ClassVar[tuple[str, ...]] = (
        "prompt", "seed", "foot_lock", "contact", "use_markers", "body_1", "body_2",
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
        if not settings.use_model_values:
            for name in ("guidance", "steps", "mask_temperature"):
                if not given(name):
                    setattr(self, name, getattr(settings, name))
        if not given("model"):
            self.model = wanted_model(settings)
        for name in self.OBJECTS:
            if not given(name):
                chosen = getattr(settings, name)
                setattr(self, name, chosen.name if chosen is not None else "")

    def prepared(self, context: bpy.types.Context) -> tuple[GenerationSettings, Placement]:
        """What to ask for, and where it goes."""
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
            self._sampling(),
            scene_range if self.use_scene_range else None,
        )
        files = [Path(bpy.path.abspath(own)) if own else preferences.body_file for own in (self.body_1, self.body_2)]
        return settings, with_bodies(placement, files)

    def _length(self, scene: bpy.types.Scene) -> float:
        """Seconds."""
        if not self.use_scene_range:
            return self.seconds
        return (scene.frame_end - scene.frame_start + 1) / scene_fps(scene)

    def _sampling(self) -> Sampling:
        return Sampling(
            self.takes,
            self.guidance if self.guidance >= 0 else None,
            self.steps or None,
            self.mask_temperature if self.mask_temperature >= 0 else None,
            self.foot_lock,
            self.contact,
        )

    def _object(self, scene: bpy.types.Scene, role: str) -> bpy.types.Object | None:
        """The object that was named for a role, None where none was."""
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
        """Tell the running operator."""
        if self.number < len(pending()):
            pending()[self.number].stop = True
        return {"FINISHED"}
