"""What the panel shows and remembers: settings with the scene, progress with the window."""

from __future__ import annotations

from functools import cache

import bpy

from .models import installed_models, model_title
from .preferences import current_preferences

NO_MODEL = "NONE"

EnumItem = tuple[str, str, str, int]


@cache
def _model_items(models: tuple[tuple[str, str], ...]) -> list[EnumItem]:
    """Items of the model menu. Cached because Blender keeps no reference to the strings of a menu made on the fly."""
    items = [(name, title, f"Use the model {title}", number) for number, (name, title) in enumerate(models)]
    return items or [(NO_MODEL, "No model", "No model is installed", 0)]


def _models(_owner: InterMaskSettings, context: bpy.types.Context | None) -> list[EnumItem]:
    folders = installed_models(current_preferences(context or bpy.context).model_folders)
    return _model_items(tuple((name, model_title(folder)) for name, folder in folders.items()))


def _chosen_model(owner: InterMaskSettings) -> int:
    """Number of the chosen model in the menu: the first one where none was chosen or it is gone."""
    return next((number for name, _, _, number in _models(owner, None) if name == owner.model_name), 0)


def _choose_model(owner: InterMaskSettings, number: int) -> None:
    """Models come and go, so the choice is stored by name and not by its place in the menu."""
    owner.model_name = _models(owner, None)[number][0]


def _is_armature(_owner: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


class InterMaskSettings(bpy.types.PropertyGroup):
    """What to generate; saved with the scene."""

    prompt: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Prompt",
        description="What the two people do, in one English sentence",
        default="two people dance salsa",
    )
    seconds: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Seconds",
        description="Duration; with a leader, the most of its motion that is used",
        default=4.0,
        min=0.5,
        max=60.0,
        precision=1,
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
        description="Animated character that the new one reacts to; empty means that both people are generated",
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


class InterMaskProgress(bpy.types.PropertyGroup):
    """How far the running generation is; not saved."""

    running: bpy.props.BoolProperty()  # type: ignore[valid-type]
    cancel: bpy.props.BoolProperty()  # type: ignore[valid-type]
    factor: bpy.props.FloatProperty(min=0.0, max=1.0)  # type: ignore[valid-type]
    text: bpy.props.StringProperty()  # type: ignore[valid-type]


def attach() -> None:
    """Hang the groups on scenes and on the window manager."""
    bpy.types.Scene.intermask = bpy.props.PointerProperty(type=InterMaskSettings)
    bpy.types.WindowManager.intermask = bpy.props.PointerProperty(type=InterMaskProgress)


def detach() -> None:
    """Take them off again; the data in files stays."""
    del bpy.types.WindowManager.intermask
    del bpy.types.Scene.intermask
