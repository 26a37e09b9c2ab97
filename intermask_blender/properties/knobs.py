"""The sampling settings as Blender properties, built from ``KNOBS``: one definition of limits, label and help."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import bpy

from ..core import KNOBS, Knob, SamplingSettings

PANEL_KNOBS = ("guidance", "steps", "mask_temperature")
"""The knobs that the panel shows; operators, batches and the worker take all of ``KNOBS``."""

_SOFT_HIGHEST = {"guidance": 8.0, "steps": 50, "mask_temperature": 20.0}
"""Where a slider ends; larger values can be typed."""

_DEFAULTS = asdict(SamplingSettings())


def with_knobs(*names: str) -> Any:
    """Class decorator: the class has a property for each of these knobs.

    Args:
        names: keys of ``KNOBS``; none means all of them.
    """

    def decorated(cls: type) -> type:
        for name in names or KNOBS:
            cls.__annotations__[name] = _property(name, KNOBS[name])
        return cls

    return decorated


def knobs_set(properties: bpy.types.OperatorProperties) -> dict[str, float]:
    """The knobs that the caller of an operator set; the model's own values stand for the others."""
    return {name: getattr(properties, name) for name in KNOBS if properties.is_property_set(name)}


def panel_knobs(settings: bpy.types.PropertyGroup) -> dict[str, float]:
    """The knobs as the panel has them; empty where the model's own values are used."""
    return {} if settings.use_model_values else {name: getattr(settings, name) for name in PANEL_KNOBS}


def _property(name: str, knob: Knob) -> Any:
    integer = isinstance(_DEFAULTS[name], int)
    declare = bpy.props.IntProperty if integer else bpy.props.FloatProperty
    return declare(
        name=knob.label,
        description=knob.help,
        default=_DEFAULTS[name],
        min=knob.lowest,
        max=knob.highest,
        soft_max=_SOFT_HIGHEST.get(name, knob.highest),
    )
