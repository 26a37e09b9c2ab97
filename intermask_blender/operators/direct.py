"""Buttons of the list of constraints."""

from __future__ import annotations

from typing import ClassVar

import bpy
import numpy as np

from .. import compat
from ..core import SMPL, UserError
from ..properties.direct import joint_property, person_property
from ..rig.axes import vectors_to_blender
from ..rig.capture import capture_pose
from ..rig.key import scene_fps
from ..scene import constraint_objects as objects
from ..scene.held_pose import pose_of
from ..translations import tr
from .attempt_mixin import AttemptMixin, refuse

NEW = (
    ("PATH", "Path", "A curve on the ground that the person walks along; a selected curve is used"),
    ("WAYPOINT", "Waypoint", "A place on the ground and a direction, at the current frame"),
    ("PIN", "Pin", "A point that a hand, a foot, the head or the hips keep to, from the current frame on"),
    ("POSE", "Hold This Pose", "The pose of the active armature, or of the person, at the current frame"),
    ("CONTACT", "Contact", "A place of the body on a place of the partner, from the current frame on"),
    ("TIMING", "First Contact", "The two people touch for the first time at the current frame"),
    ("FROM_POSE", "From the Current Pose", "Begin in the pose in which the person is now"),
    ("TO_POSE", "To the Pose at the End of the Range", "End in the pose that the person has at the end of the preview "
     "range, or else of the scene's range"),
)  # fmt: skip
HOLDS = 1.0
"""Seconds that a new pin or contact lasts."""


class INTERMASK_OT_add_constraint(AttemptMixin, bpy.types.Operator):
    """Ask for something more than the prompt says; its object appears where the person stands"""

    bl_idname = "intermask.add_constraint"
    bl_label = "Add Constraint"
    bl_options = {"REGISTER", "UNDO"}

    kind: bpy.props.EnumProperty(name="Kind", items=NEW)  # type: ignore[valid-type]
    person: person_property()  # type: ignore[valid-type]
    joint: joint_property()  # type: ignore[valid-type]
    # Blender gives an entry of a menu the last values of what it does not set: these two would stay on.
    selected_bones: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Selected Bones Only", description="Hold the selected bones and leave the others free",
        options={"SKIP_SAVE"},
    )  # fmt: skip
    at_active: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="At Active Object", description="Put the point on the active object and let it follow that",
        options={"SKIP_SAVE"},
    )  # fmt: skip

    POSES: ClassVar[frozenset[str]] = frozenset(("POSE", "FROM_POSE", "TO_POSE"))

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What the entry of the menu adds."""
        return next(tr(words) for kind, _, words in NEW if kind == properties.kind)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Objects cannot be added in the edit modes."""
        if context.mode not in ("OBJECT", "POSE"):
            return refuse(cls, "Go back to Object Mode or Pose Mode to add a constraint")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Add the entry and its object; whatever fails, fails before anything is added."""
        scene = context.scene
        if not self.properties.is_property_set("person"):
            self.person = scene.intermask.constraint_person
        title = next(tr(title) for kind, title, _ in NEW if kind == self.kind)
        if self.kind in self.POSES:
            # The armature stays selected: its next pose may be held too.
            self._add_pose(context, title)
            return ""
        entry = self._add_place(context, title)
        if context.mode == "OBJECT" and entry.object is not None:
            _select(context, entry.object)
        return ""

    def _add_place(self, context: bpy.types.Context, title: str) -> bpy.types.PropertyGroup:
        scene, number, now = context.scene, objects.PERSON[self.person], context.scene.frame_current
        first, last = objects.clip_range(scene)
        brief = now, max(now, min(now + round(HOLDS * scene_fps(scene)), last))
        parent = self._anchor(context) if self.at_active else None
        if self.kind == "PATH":
            curve = self._chosen_curve(context)
            points = [] if curve is not None else objects.path_points(scene, number, (first, last))
            entry = objects.add_entry(scene, "PATH", self.person, (first, last), title)
            entry.whole_clip = True
            if curve is None:
                objects.new_path(scene, entry, points)
            else:
                entry.object = curve
        elif self.kind == "WAYPOINT":
            place, ahead = objects.place_of_person(scene, number, now)
            matrix = objects.standing_matrix(place, ahead)
            if parent is not None:
                matrix = objects.standing_before(parent, place, ahead, scene.unit_settings.scale_length or 1.0)
            # At an object something is done that takes a moment: the person stays there for it.
            frames = (now, now) if parent is None else brief
            entry = objects.add_entry(scene, "WAYPOINT", self.person, frames, title)
            objects.new_empty(scene, entry, matrix, "ARROWS", 0.4, parent)
        elif self.kind == "PIN":
            matrix = np.eye(4)
            matrix[:3, 3] = self._place_of_joint(scene, number) if parent is None else _centre(parent)
            entry = objects.add_entry(scene, "PIN", self.person, brief, title)
            entry.joint = self.joint
            objects.new_empty(scene, entry, matrix, "SPHERE", 0.06, parent)
        elif self.kind == "TIMING":
            entry = objects.add_entry(scene, "TIMING", self.person, (now, now), title)
        else:
            entry = objects.add_entry(scene, "CONTACT", self.person, brief, title)
            if parent is not None:
                matrix = np.eye(4)
                matrix[:3, 3] = _centre(parent)
                entry.target = "POINT"
                objects.new_empty(scene, entry, matrix, "SPHERE", 0.04, parent)
        return entry

    def _add_pose(self, context: bpy.types.Context, title: str) -> None:
        scene, frame = context.scene, None
        owner = self._posed(context)
        first = objects.clip_range(scene)[0]
        frames = scene.frame_current, scene.frame_current
        if self.kind == "FROM_POSE":
            frames = first, first
        elif self.kind == "TO_POSE":
            end = scene.frame_preview_end if scene.use_preview_range else scene.frame_end
            frames, frame = (end, end), float(end)
        bones = None
        if self.selected_bones:
            bones = compat.selected_bones(owner)
            if not bones:
                raise UserError(tr("No bone of {name} is selected; select some in Pose Mode.").format(name=owner.name))
        pose = pose_of(owner, scene, frame, bones)
        if not pose.joints:
            raise UserError(
                tr("No selected bone of {name} is a joint of a person; select others.").format(name=owner.name)
            )
        entry = objects.add_entry(scene, "POSE", self.person, frames, title)
        objects.new_figure(scene, entry, pose)

    def _posed(self, context: bpy.types.Context) -> bpy.types.Object:
        """Whose pose is taken: the active armature if it is selected and not the other person, else the person.

        In Pose Mode it is the armature that is posed; if that is one of the two people, this one is bound.
        """
        scene, active = context.scene, context.active_object
        people = [objects.person_of(scene, number) for number in (0, 1)]
        owner = people[objects.PERSON[self.person]]
        if self.kind == "POSE" and active is not None and active.type == "ARMATURE":
            if context.mode == "POSE":
                if active in people:
                    self.person = ("FIRST", "SECOND")[people.index(active)]
                return active
            if active.select_get() and active not in people:
                return active
        if owner is None:
            raise UserError(tr("There is no armature yet whose pose could be taken; select one, or generate a take."))
        return owner

    def _place_of_joint(self, scene: bpy.types.Scene, number: int) -> np.ndarray:
        """(3,) where the joint is now; a usual height in front of a person who is not generated yet."""
        owner, metres = objects.person_of(scene, number), scene.unit_settings.scale_length or 1.0
        if owner is not None:
            joints = capture_pose(owner, scene).joints[0]
            return np.asarray(vectors_to_blender(joints[SMPL.index(self.joint)]) / metres)
        place, ahead = objects.place_of_person(scene, number, scene.frame_current)
        height = {"Wrist": 1.0, "Ankle": 0.1, "Foot": 0.03, "Head": 1.6}.get(self.joint.rpartition("_")[2], 0.95)
        reach = 0.4 if self.joint.endswith("Wrist") else 0.0
        return np.asarray(place + np.array((*(reach * ahead), height)) / metres)

    def _chosen_curve(self, context: bpy.types.Context) -> bpy.types.Object | None:
        """The active curve if it is selected and is no path yet."""
        active, used = context.active_object, {entry.object for entry in context.scene.intermask.constraints}
        if active is None or active.type != "CURVE" or not active.select_get() or active in used:
            return None
        return active

    @staticmethod
    def _anchor(context: bpy.types.Context) -> bpy.types.Object:
        active = context.active_object
        if active is None:
            raise UserError(tr("No object is active; click on the one that the point should follow."))
        return active


def can_anchor(context: bpy.types.Context) -> bool:
    """Whether the active object is one that a point could be put on."""
    active = context.active_object
    return (
        active is not None
        and active.type in ("MESH", "EMPTY", "CURVE", "SURFACE", "FONT")
        and active.select_get()
        and not objects.is_constraint_object(active)
    )


def _centre(owner: bpy.types.Object) -> np.ndarray:
    """(3,) the middle of what an object shows, in the world."""
    corners = np.array(owner.bound_box) if owner.type != "EMPTY" else np.zeros((1, 3))
    matrix = np.array(owner.matrix_world, np.float64)
    return np.asarray(matrix[:3, :3] @ corners.mean(0) + matrix[:3, 3])


def _select(context: bpy.types.Context, owner: bpy.types.Object) -> None:
    """Select one object and nothing else, so that G moves it."""
    layer = context.view_layer
    layer.update()
    for other in context.selected_objects:
        other.select_set(False)
    if owner.name in layer.objects:
        owner.select_set(True)
        layer.objects.active = owner


class _OnConstraint(AttemptMixin):
    """Something done with the constraint that is chosen in the list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether one is chosen."""
        settings = context.scene.intermask
        if not 0 <= settings.constraint_index < len(settings.constraints):
            return refuse(cls, "There is no constraint yet: add one")
        return True


class INTERMASK_OT_remove_constraint(_OnConstraint, bpy.types.Operator):
    """Remove the chosen constraint, and its object if it was created for it"""

    bl_idname = "intermask.remove_constraint"
    bl_label = "Remove Constraint"
    bl_options = {"UNDO"}

    def attempt(self, context: bpy.types.Context) -> str:
        """Remove it."""
        objects.remove_entry(context.scene, context.scene.intermask.constraint_index)
        return ""


class INTERMASK_OT_select_constraint(_OnConstraint, bpy.types.Operator):
    """Select the object of the chosen constraint, to move it"""

    bl_idname = "intermask.select_constraint"
    bl_label = "Select Object"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it has an object that can be selected."""
        if not super().poll(context):
            return False
        settings = context.scene.intermask
        owner = settings.constraints[settings.constraint_index].object
        if owner is None or owner.name not in context.view_layer.objects:
            return refuse(cls, "The constraint has no object")
        if context.mode != "OBJECT":
            return refuse(cls, "Go back to Object Mode first")
        return True

    def attempt(self, context: bpy.types.Context) -> str:
        """Select it and nothing else."""
        settings = context.scene.intermask
        _select(context, settings.constraints[settings.constraint_index].object)
        return ""
