"""What to generate: saved with the scene."""

from __future__ import annotations

from functools import cache

import bpy

from ..core import MOST_TAKES
from ..generator.models import installed_models, model_examples, model_title
from ..scene.takes import show_take
from ..translations import TRANSLATION_CONTEXT, tr, tr_noop
from ..ui.preferences import current_preferences
from ..ui.prompt_history import past_prompts
from ..ui.prompt_novelty import ask
from .takes import InterMaskTake

NO_MODEL = "NONE"

WHO = (
    ("BOTH", "Both", "Both people"),
    ("FIRST", "First", "The first person alone; the second stays"),
    ("SECOND", "Second", "The second person alone; the first stays"),
)

EXPORT_FORMATS = (
    ("FBX", "FBX", "One file with both characters, for game engines and other programs"),
    ("GLTF", "glTF", "One .glb file with both characters, for engines and the web"),
    ("USD", "USD", "One .usdc file with both characters, for pipelines"),
    ("BVH", "BVH", "One file for each character: bones and motion alone"),
    ("NPZ", "NumPy", "One .npz file with joints and SMPL poses of both characters, for research"),
)

EnumItem = tuple[str, str, str, int]


@cache
def _model_items(models: tuple[tuple[str, str], ...], tooltip: str) -> list[EnumItem]:
    """Items of the model menu. Cached because Blender keeps no reference to the strings of a menu made on the fly."""
    items = [(name, title, tooltip.format(title=title), number) for number, (name, title) in enumerate(models)]
    return items or [(NO_MODEL, tr_noop("No model"), tr_noop("No model is installed"), 0)]


def _models(_owner: InterMaskSettings, context: bpy.types.Context | None) -> list[EnumItem]:
    folders = installed_models(current_preferences(context or bpy.context).model_folders)
    titles = tuple((name, model_title(folder)) for name, folder in folders.items())
    return _model_items(titles, tr("Use the model {title}"))


def _chosen_model(owner: InterMaskSettings) -> int:
    """Number of the chosen model in the menu: the first one where none was chosen or it is gone."""
    return next((number for name, _, _, number in _models(owner, None) if name == owner.model_name), 0)


def _choose_model(owner: InterMaskSettings, number: int) -> None:
    """Models come and go, so the choice is stored by name and not by its place in the menu."""
    owner.model_name = _models(owner, None)[number][0]
    ask(bpy.context)


def wanted_model(owner: InterMaskSettings) -> str:
    """Name of the model that was chosen, even where it is gone since; empty where none was, which means the first."""
    return str(owner.model_name)


def model_is_gone(owner: InterMaskSettings) -> bool:
    """Whether the chosen model's folder was deleted or renamed, or its parent is no longer named."""
    return bool(owner.model_name) and all(name != owner.model_name for name, _, _, _ in _models(owner, None))


def _is_armature(_owner: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def known_prompts(owner: InterMaskSettings, context: bpy.types.Context) -> tuple[list[str], list[str]]:
    """What was generated before, and the examples of the chosen model."""
    folder = installed_models(current_preferences(context).model_folders).get(owner.model)
    return list(past_prompts()), model_examples(folder) if folder is not None else []


def _ask_of_the_prompt(owner: InterMaskSettings, context: bpy.types.Context) -> None:
    ask(context)


def _show_chosen_take(owner: InterMaskSettings, context: bpy.types.Context) -> None:
    if 0 <= owner.take_index < len(owner.takes):
        show_take(owner.takes[owner.take_index])


class InterMaskSettings(bpy.types.PropertyGroup):
    """What to generate; saved with the scene."""

    prompt: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Prompt",
        description="What the two people do, in one English sentence",
        default="two friends hug each other",
        update=_ask_of_the_prompt,
        translation_context=TRANSLATION_CONTEXT,
    )
    seconds: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Seconds",
        description="Duration; with a leader, the most of its motion that is used",
        default=4.0,
        min=0.5,
        max=60.0,
        precision=1,
    )
    use_scene_range: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Use Scene Range", description="As long as the scene's frame range"
    )
    takes_wanted: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Takes",
        description="How many different draws to choose from",
        default=1,
        min=1,
        max=MOST_TAKES,
        soft_max=8,
    )
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed",
        description="The same prompt, model and seed give the same motion",
        default=0,
        min=0,
    )
    model_name: bpy.props.StringProperty()  # type: ignore[valid-type]
    model: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Model", description="What generates the motion", items=_models, get=_chosen_model, set=_choose_model
    )
    leader: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Leader",
        description="Animated character that the new one reacts to; without one both people are new",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    character_1: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="First Character",
        description="Armature that the first person's motion is keyed on; empty makes a new character",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    character_2: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Second Character",
        description="Armature that the second person's motion is keyed on; empty makes a new character",
        type=bpy.types.Object,
        poll=_is_armature,
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
    mapped: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Armature",
        description="Armature whose bone map is shown; empty shows the leader's, else a character's",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    use_model_values: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Model's Own Values", description="Guidance, steps and variety as the model's makers chose", default=True
    )
    guidance: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Guidance", description="How closely the prompt is followed", default=2.0, min=0.0, max=100.0, soft_max=8.0
    )
    steps: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Steps", description="More take longer and fit together better", default=20, min=1, max=1000, soft_max=50
    )
    mask_temperature: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Variety",
        description="How far takes differ from each other",
        default=10.0,
        min=0.0,
        max=100.0,
        soft_max=20,
    )
    foot_lock: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Foot Lock", description="Hold standing feet in place", default=True
    )
    contact: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Contact", description="Keep hands that touch the other person together with what they touch", default=True
    )
    use_markers: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Prompts from Markers",
        description="Timeline markers say what happens from their frame on; before the first it is the prompt",
    )
    edit_who: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Change", description="Whose motion is made anew", items=WHO, translation_context=TRANSLATION_CONTEXT
    )
    strength: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Strength", description="How much of it is made anew to suit the prompt", default=0.5, min=0.05, max=1.0,
        subtype="FACTOR",
    )  # fmt: skip
    seconds_more: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Seconds More", description="How much longer the take becomes", default=2.0, min=0.5, max=59.0, precision=1
    )
    takes: bpy.props.CollectionProperty(type=InterMaskTake)  # type: ignore[valid-type]
    take_index: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Take", description="The take that the characters show", update=_show_chosen_take
    )
    export_format: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Format", description="What to write", items=EXPORT_FORMATS, default="FBX"
    )
