"""The scene's settings for a generation, which are saved with it."""

from __future__ import annotations

from functools import cache

import bpy

from ..generator.models import recommended_sampling
from ..operators.fingers import HANDS as FINGER_HANDS
from ..operators.props import SHAPES as PROP_SHAPES
from ..translations import TRANSLATION_CONTEXT, tr, tr_noop
from ..ui.model_list import model_list
from ..ui.prompt_history import past_prompts
from ..ui.prompt_understanding import request_understanding
from .direct import ConstraintListProperties
from .keys import KeyProperties
from .limbs import LimbProperties
from .request import RequestProperties, prompt_property, takes_property
from .sampling_settings import PANEL_SAMPLING, with_sampling_settings
from .takes import EditProperties, TakeListProperties

NO_MODEL = "NONE"

WHO = (
    ("BOTH", "Both", "Change both people"),
    ("FIRST", "Person 1", "Change person 1 only; person 2 keeps its motion"),
    ("SECOND", "Person 2", "Change person 2 only; person 1 keeps its motion"),
)

EXPORT_FORMATS = (
    ("FBX", "FBX", "One file with both characters, for game engines and other programs"),
    ("GLTF", "glTF", "One .glb file with both characters, for engines and the web"),
    ("USD", "USD", "One .usdc file with both characters, for pipelines"),
    ("BVH", "BVH", "One file for each character, with bones and motion only"),
    ("NPZ", "NumPy", "One .npz file with joints and SMPL poses of both characters, for research"),
)

FBX_UNITS = (
    ("CENTIMETRES", "Unreal", "Centimetres, as Unreal and most programs read FBX files"),
    ("METRES", "Unity, Godot", "Metres, so that objects have the scale 1 in Unity and Godot"),
)

ROOT_MOTION = (
    ("HIPS", "Hips", "As in the scene: the hips carry the travel"),
    (
        "PAIR",
        "Root Bone, Shared",
        "A root bone of each character carries the travel that both share; they stay together",
    ),
    ("PERSON", "Root Bone, Each", "A root bone of each character carries its own travel"),
    ("LEFT_OUT", "Left Out", "The travel that both share is left out; they stay together"),
)

EnumItem = tuple[str, str, str, int]


@cache
def _model_items(models: tuple[tuple[str, str], ...], tooltip: str) -> list[EnumItem]:
    """Items of the model menu. Cached because Blender keeps no reference to the strings of a dynamic enum."""
    items = [(name, title, tooltip.format(title=title), number) for number, (name, title) in enumerate(models)]
    return items or [(NO_MODEL, tr_noop("No model"), tr_noop("No model is installed"), 0)]


def _models(_owner: InterMaskSettings, context: bpy.types.Context | None) -> list[EnumItem]:
    return _model_items(model_list(context or bpy.context).titles, tr("Use the model {title}"))


def _chosen_model(owner: InterMaskSettings) -> int:
    """Number of the chosen model in the menu; 0 if none was chosen or it no longer exists."""
    names = list(model_list(bpy.context).folders)
    return names.index(owner.model_name) if owner.model_name in names else 0


def _choose_model(owner: InterMaskSettings, number: int) -> None:
    """Store the choice by name: a model's place in the menu can change."""
    owner.model_name = _models(owner, None)[number][0]
    request_understanding(bpy.context, start=True)


def wanted_model(owner: InterMaskSettings) -> str:
    """Name of the chosen model, even if it no longer exists; empty if none was chosen, which means the first one."""
    return str(owner.model_name)


def model_is_missing(owner: InterMaskSettings) -> bool:
    """Whether the chosen model's folder no longer exists in the folders of models."""
    return bool(owner.model_name) and owner.model_name not in model_list(bpy.context).folders


def _is_armature(_owner: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def known_prompts(owner: InterMaskSettings, context: bpy.types.Context) -> tuple[list[str], list[str]]:
    """Earlier prompts, and the examples of the chosen model."""
    return list(past_prompts()), model_list(context).examples.get(owner.model, [])


def _prompt_changed(owner: InterMaskSettings, context: bpy.types.Context) -> None:
    request_understanding(context, start=True)


def _offer_recommended(owner: InterMaskSettings, context: bpy.types.Context) -> None:
    """Start the user's own sampling settings with the model's values."""
    folder = model_list(context).folders.get(owner.model)
    if owner.use_model_values or folder is None:
        return
    for name, value in recommended_sampling(folder).items():
        if name in PANEL_SAMPLING and not owner.is_property_set(name):
            setattr(owner, name, value)


@with_sampling_settings(*PANEL_SAMPLING)
class InterMaskSettings(
    RequestProperties,
    KeyProperties,
    LimbProperties,
    TakeListProperties,
    EditProperties,
    ConstraintListProperties,
    bpy.types.PropertyGroup,
):
    """The scene's settings for a generation."""

    prompt: prompt_property(_prompt_changed)  # type: ignore[valid-type]
    takes_wanted: takes_property()  # type: ignore[valid-type]
    model_name: bpy.props.StringProperty()  # type: ignore[valid-type]
    model: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Model",
        description="The model that generates the motion",
        items=_models,
        get=_chosen_model,
        set=_choose_model,
    )
    leader: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Leader",
        description="Animated character that the new character reacts to. If empty, both people are generated",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    character_1: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Person 1",
        description="Armature that receives the motion of person 1. If empty, a new character is created",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    character_2: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Person 2",
        description="Armature that receives the motion of person 2. If empty, a new character is created",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    mapped: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Armature",
        description="Armature whose bone map is shown. If empty, the leader or a chosen character",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    use_model_values: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Use Recommended Settings",
        description="Sample with the values that come with the model",
        default=True,
        update=_offer_recommended,
    )
    edit_who: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Affect", description="Whose motion is regenerated", items=WHO, translation_context=TRANSLATION_CONTEXT
    )
    prop_object: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Prop", description="The object that the people get; none means a simple one", type=bpy.types.Object
    )
    prop_shape: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Simple Prop", description="What is made if no object is chosen", items=PROP_SHAPES
    )
    finger_hands: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Hands to Pose", description="Which hands get the finger pose", items=FINGER_HANDS
    )
    strength: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Amount", description="How much of the motion is regenerated", default=0.5, min=0.05, max=1.0,
        subtype="FACTOR",
    )  # fmt: skip
    seconds_more: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Extend by",
        description="Seconds to add at the end of the take",
        default=2.0,
        min=0.5,
        max=59.0,
        precision=1,
    )
    export_fbx_units: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="For", description="The unit of FBX files", items=FBX_UNITS
    )
    export_root_motion: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Root Motion", description="What carries the travel of the characters in FBX, glTF and USD files",
        items=ROOT_MOTION,
    )  # fmt: skip
    export_format: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Format", description="File format", items=EXPORT_FORMATS, default="FBX"
    )
