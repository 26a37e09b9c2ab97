"""Properties about the controls of arms and legs that the scene's settings and operators share."""

from __future__ import annotations

from typing import Any

import bpy

from ..rig.limb_controls import BOTH, FK, IK, LimbControls

CONTROLS = (
    (FK, "FK", "Key the controls of forward kinematics"),
    (IK, "IK", "Key the controls of inverse kinematics: hand or foot, and pole target"),
    (
        BOTH,
        "FK and IK",
        "Inverse kinematics moves the limb; the controls of forward kinematics match it in every frame",
    ),
)


class LimbProperties:
    """Mix-in: which controls of a control rig are keyed."""

    arms: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Arms", description="Which controls move the arms of control rigs, such as Rigify's", items=CONTROLS
    )
    legs: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Legs", description="Which controls move the legs of control rigs, such as Rigify's", items=CONTROLS
    )


def wanted_limbs(source: Any) -> LimbControls:
    """The controls that settings or an operator ask for."""
    return LimbControls(source.arms, source.legs)
