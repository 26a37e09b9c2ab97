"""Properties about keys that the scene's settings and operators share."""

from __future__ import annotations

from math import degrees, radians
from typing import Any

import bpy

from ..core import KeySettings

KEY_DENSITIES = (
    ("EVERY_FRAME", "Every Frame", "A key on every frame of every bone"),
    ("POSES", "Key Poses", "Keys where poses matter, joined by fitted curves; the take keeps the key on every frame"),
)


class KeyProperties:
    """Mix-in: how densely motion is keyed, and how far key poses may be from it."""

    keys: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Keys", description="How densely the motion is keyed", items=KEY_DENSITIES
    )
    key_distance: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Distance",
        description="How far key poses may move a joint from the motion; standing feet and contacts stay closer",
        default=0.01,
        min=0.003,
        max=0.2,
        precision=3,
        step=0.1,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    key_angle: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Angle",
        description="How far key poses may turn a bone from the motion",
        default=radians(2.0),
        min=radians(0.2),
        max=radians(30.0),
        subtype="ANGLE",
    )


def tolerances(source: Any) -> KeySettings:
    """The tolerances for key poses of settings or an operator; lengths in metres."""
    scale = bpy.context.scene.unit_settings.scale_length or 1.0
    return KeySettings(source.key_distance * scale, degrees(source.key_angle))


def wanted_keys(source: Any) -> KeySettings | None:
    """The tolerances if settings or an operator ask for key poses, None for a key on every frame."""
    return tolerances(source) if source.keys == "POSES" else None
