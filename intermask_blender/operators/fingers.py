"""Buttons that put a finger pose on chosen hands and frames."""

from __future__ import annotations

import bpy

from ..rig.finger_presets import pose_fingers
from ..translations import tr, tr_noop
from .attempt_mixin import AttemptMixin, refuse

PRESETS = (
    ("RELAXED", "Relaxed", "Slightly bent fingers of a hand at rest"),
    ("FIST", "Fist", "Closed fingers, with the thumb over them"),
    ("GRIP", "Grip", "Fingers bent around a limb or an edge"),
    ("POINTING", "Point", "The index finger straight, the others closed"),
    ("FLAT", "Flat", "Straight fingers, side by side"),
)
HANDS = (
    ("BOTH", "Both Hands", "Left and right hand"),
    ("LEFT", "Left Hand", "The left hand only"),
    ("RIGHT", "Right Hand", "The right hand only"),
)
_SIDES = {"BOTH": "LR", "LEFT": "L", "RIGHT": "R"}


class INTERMASK_OT_pose_fingers(AttemptMixin, bpy.types.Operator):
    """Key a finger pose on the hands of the selected armatures"""

    bl_idname = "intermask.pose_fingers"
    bl_label = "Pose Fingers"
    bl_options = {"REGISTER", "UNDO"}

    pose: bpy.props.EnumProperty(name="Finger Pose", items=PRESETS)  # type: ignore[valid-type]
    hands: bpy.props.EnumProperty(name="Hands to Pose", items=HANDS)  # type: ignore[valid-type]

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What the button's pose looks like."""
        return next(tr(words) for pose, _, words in PRESETS if pose == properties.pose)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether an armature is selected."""
        return bool(_armatures(context)) or refuse(cls, tr_noop("Select an armature whose fingers are posed"))

    def attempt(self, context: bpy.types.Context) -> str:
        """Key the pose in the preview range, or at the current frame."""
        scene = context.scene
        frames = scene.frame_current, scene.frame_current
        if scene.use_preview_range:
            frames = scene.frame_preview_start, scene.frame_preview_end
        for owner in _armatures(context):
            pose_fingers(owner, scene, self.pose.lower(), _SIDES[self.hands], frames)
        return ""


def _armatures(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected armatures, and the active one in Pose Mode."""
    chosen = [owner for owner in context.selected_objects if owner.type == "ARMATURE"]
    active = context.active_object
    if active is not None and active.type == "ARMATURE" and active.mode == "POSE" and active not in chosen:
        chosen.append(active)
    return chosen
