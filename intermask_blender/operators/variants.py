"""Buttons that change the chosen take without the generator; each adds a new take, and its slider reacts at once."""

from __future__ import annotations

from functools import partial

import bpy

from .. import core
from ..scene.takes import chosen_take
from ..scene.variants import add_changed_take, add_retimed_take
from ..translations import tr
from .attempt_mixin import refuse
from .takes import OnCharacters


class _Variant(OnCharacters):
    """An operator on the chosen take. Adjust Last Operation runs it again with other values."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there are characters that can be keyed in this mode."""
        if not super().poll(context):
            return False
        if context.mode not in ("OBJECT", "POSE"):
            return refuse(cls, "Go back to Object Mode or Pose Mode to change a take")
        return True


class INTERMASK_OT_mirror_take(_Variant, bpy.types.Operator):
    """Add a take with left and right exchanged; both people stay where they are"""

    bl_idname = "intermask.mirror_take"
    bl_label = "Mirror"
    bl_options = {"REGISTER", "UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Add it."""
        scene = context.scene
        add_changed_take(scene, chosen_take(scene), core.mirrored_in_place, tr("Mirrored"))
        return ""


class INTERMASK_OT_exchange_people(_Variant, bpy.types.Operator):
    """Add a take in which each person does what the other did, in the other's place"""

    bl_idname = "intermask.exchange_people"
    bl_label = "Exchange People"
    bl_options = {"REGISTER", "UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Add it."""
        scene = context.scene
        add_changed_take(scene, chosen_take(scene), core.exchanged, tr("Exchanged"))
        return ""


class INTERMASK_OT_retime_take(_Variant, bpy.types.Operator):
    """Add a slower or faster take; both people keep one time, so that contacts stay"""

    bl_idname = "intermask.retime_take"
    bl_label = "Retime"
    bl_options = {"REGISTER", "UNDO"}

    speed: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Speed", description="1 is the speed of the take, 0.5 is half as fast", default=0.8, min=0.1, max=10.0,
        soft_min=0.5, soft_max=2.0,
    )  # fmt: skip

    def attempt(self, context: bpy.types.Context) -> str:
        """Add it."""
        add_retimed_take(context.scene, chosen_take(context.scene), self.speed)
        return ""


class INTERMASK_OT_scale_gestures(_Variant, bpy.types.Operator):
    """Add a take with larger or smaller gestures of arms and head; hands that touch the partner stay"""

    bl_idname = "intermask.scale_gestures"
    bl_label = "Gestures"
    bl_options = {"REGISTER", "UNDO"}

    amount: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Amount", description="1 changes nothing, more is stronger and less is calmer", default=1.3, min=0.0,
        max=3.0, soft_max=2.0,
    )  # fmt: skip

    def attempt(self, context: bpy.types.Context) -> str:
        """Add it."""
        change = partial(core.with_gestures, amount=self.amount)
        label = f"{tr('Gestures')} {round(100 * self.amount)} %"
        add_changed_take(context.scene, chosen_take(context.scene), change, label)
        return ""
