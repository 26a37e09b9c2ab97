"""The sampling settings as Blender properties, built from ``SAMPLING_SETTINGS``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import bpy

from ..core import SAMPLING_SETTINGS, SamplingSetting, SamplingSettings

PANEL_SAMPLING = ("guidance", "steps", "mask_temperature")
"""The settings that the panel shows; operators, batches and the worker accept all of ``SAMPLING_SETTINGS``."""

_SOFT_HIGHEST = {"guidance": 8.0, "steps": 50, "mask_temperature": 20.0}
"""Where a slider ends; larger values can be typed."""

_DEFAULTS = asdict(SamplingSettings())


def with_sampling_settings(*names: str) -> Any:
    """Class decorator: the class has a property for each of these settings.

    Args:
        names: keys of ``SAMPLING_SETTINGS``; without any, all of them.
    """

    def decorated(cls: type) -> type:
        for name in names or SAMPLING_SETTINGS:
            cls.__annotations__[name] = _property(name, SAMPLING_SETTINGS[name])
        return cls

    return decorated


def given_sampling(properties: bpy.types.OperatorProperties) -> dict[str, float]:
    """The sampling settings that the caller of an operator set; for the others the model's own values are used."""
    return {name: getattr(properties, name) for name in SAMPLING_SETTINGS if properties.is_property_set(name)}


def panel_sampling(settings: bpy.types.PropertyGroup) -> dict[str, float]:
    """The panel's sampling settings; empty if the model's own values are used."""
    return {} if settings.use_model_values else {name: getattr(settings, name) for name in PANEL_SAMPLING}


def _property(name: str, setting: SamplingSetting) -> Any:
    integer = isinstance(_DEFAULTS[name], int)
    declare = bpy.props.IntProperty if integer else bpy.props.FloatProperty
    return declare(
        name=setting.label,
        description=setting.help,
        default=_DEFAULTS[name],
        min=setting.lowest,
        max=setting.highest,
        soft_max=_SOFT_HIGHEST.get(name, setting.highest),
    )
