"""Properties that the scene's settings and the operators share: each is declared once and inherited by both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..core import MAX_TAKES
from ..translations import TRANSLATION_CONTEXT

MAX_SECONDS = 60.0


Update = Callable[[Any, bpy.types.Context], None]


def prompt_property(update: Update | None = None) -> bpy.types.Property:
    """The prompt.

    Args:
        update: called when it changes.
    """
    return bpy.props.StringProperty(
        name="Prompt",
        description="What the two people do, in one English sentence",
        default="two friends hug each other",
        update=update,
        translation_context=TRANSLATION_CONTEXT,
    )


class PromptProperties:
    """Mix-in: prompt and seed."""

    prompt: prompt_property()  # type: ignore[valid-type]
    as_written: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Use My Words as Written",
        description="Generate from the prompt's own words instead of the closest training caption",
    )
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed",
        description="The same prompt, model and seed give the same motion",
        default=0,
        min=0,
    )


class RequestProperties(PromptProperties):
    """Mix-in: properties that Generate and the panel have in common."""

    seconds: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Seconds",
        description="Duration; with a leader, the longest part of its motion that is used",
        default=4.0,
        min=0.5,
        max=MAX_SECONDS,
        precision=1,
    )
    use_scene_range: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Match Scene Length", description="Use the length of the scene's frame range instead of Seconds"
    )
    use_markers: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Use Markers",
        description="Timeline markers are prompts: each describes what happens from its frame on. Before the first "
        "marker the prompt above applies",
    )
    body_1: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Body of Person 1",
        description="SMPL or SMPL-X model file (.npz or .pkl) for a new person 1. If empty, the body file of the "
        "preferences is used",
        subtype="FILE_PATH",
    )
    body_2: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Body of Person 2",
        description="SMPL or SMPL-X model file (.npz or .pkl) for a new person 2. If empty, the body file of the "
        "preferences is used",
        subtype="FILE_PATH",
    )
    foot_lock: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Foot Lock", description="Prevent foot sliding", default=True
    )
    contact: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep Hands in Contact", description="Keep hands on what they touch of the other person", default=True
    )
    start_at_rest: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Start at Rest",
        description="Both people of a new clip begin at rest. A reaction begins as its leader does",
        default=True,
    )
    settle_at_end: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Settle at the End",
        description="Both people of a new clip come to rest in its last half second. A reaction ends as its leader "
        "does",
        default=True,
    )
    loop: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Loop",
        description="The last frame leads into the first, and keys repeat. People who travel go on from cycle to cycle",
    )
    in_place: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="In Place", description="Leave out the travel that both people share; they keep their distance"
    )


def takes_property() -> bpy.types.Property:
    """The number of takes; the panel and the operator have different names for it."""
    return bpy.props.IntProperty(
        name="Variations",
        description="Number of different takes to generate from the prompt",
        default=1,
        min=1,
        max=MAX_TAKES,
        soft_max=8,
    )
