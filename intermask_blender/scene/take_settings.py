"""The settings that a take was generated with: stored in it, used by its edits, and given back to the panel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import radians
from typing import Any

import bpy

from ..generator.generation import GenerationSettings
from .people import is_generated
from .placement import Placement
from .takes import is_reaction, leader_of, seed_of

_FIELDS = (
    "seconds", "foot_lock", "contact", "as_written", "start_at_rest", "settle_at_end", "loop", "in_place",
    "meet_partly",
)  # fmt: skip
"""Fields of ``GenerationSettings`` and properties of the panel with the same names."""
_HIGHEST_SEED = 2**31 - 1
"""That the panel's field can hold."""


def store_settings(take: bpy.types.PropertyGroup, settings: GenerationSettings, placement: Placement) -> None:
    """Store with a take how it was generated.

    Args:
        take: a new one.
        settings: of its request, with its constraints in the world of the clip.
        placement: of its result.
    """
    keys, asked = placement.keys, {item.get("name") for item in settings.constraints}
    values = {
        **{name: getattr(settings, name) for name in _FIELDS},
        "sampling": dict(settings.sampling),
        "constraints": [dict(item) for item in settings.constraints],
        "directed": [entry.name for entry in take.id_data.intermask.constraints if entry.name in asked],
        "keys": None if keys is None else {"distance": keys.distance, "degrees": keys.degrees},
        "arms": placement.limbs.arms,
        "legs": placement.limbs.legs,
    }
    take.settings = json.dumps(values)


def stored_settings(take: bpy.types.PropertyGroup) -> Mapping[str, Any]:
    """The settings of a take by name; empty for a take of an early version."""
    return json.loads(take.settings) if take.settings else {}


def use_settings(take: bpy.types.PropertyGroup) -> list[str]:
    """Give the panel the settings of a take, so that Generate makes it again.

    Constraints that were not among those of the take are muted, and those that were are not.

    Returns:
        Names of the take's constraints that are no longer in the list.
    """
    panel, values, seed = take.id_data.intermask, stored_settings(take), seed_of(take)
    panel.prompt, panel.model_name, panel.use_markers = take.prompt, take.model, False
    if seed is not None and seed <= _HIGHEST_SEED:
        panel.seed = seed
    panel.takes_wanted = max(1, take.number)
    panel.leader = leader_of(take) if is_reaction(take) else None
    for number, owner in enumerate((take.character_1, take.character_2), 1):
        setattr(panel, f"character_{number}", None if owner is None or is_generated(owner) else owner)
    if not values:
        return []
    for name in _FIELDS:
        if values[name] is not None:
            setattr(panel, name, values[name])
    panel.use_scene_range = False
    panel.use_model_values = not values["sampling"]
    for name, value in values["sampling"].items():
        if hasattr(panel, name):
            setattr(panel, name, value)
    panel.arms, panel.legs = values["arms"], values["legs"]
    keys = values["keys"]
    panel.keys = "EVERY_FRAME" if keys is None else "POSES"
    if keys is not None:
        panel.key_distance = keys["distance"] / (take.id_data.unit_settings.scale_length or 1.0)
        panel.key_angle = radians(keys["degrees"])
    for entry in panel.constraints:
        entry.mute = entry.name not in values["directed"]
    return [name for name in values["directed"] if name not in panel.constraints]
