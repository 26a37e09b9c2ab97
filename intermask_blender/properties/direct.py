"""What is asked of the two people beyond the prompt: the constraints of a scene, and how well a take meets them."""

from __future__ import annotations

import bpy

from ..scene.constraint_objects import paint
from ..translations import TRANSLATION_CONTEXT
from .request import Update

PEOPLE = (
    ("FIRST", "Person 1", "The constraint binds person 1"),
    ("SECOND", "Person 2", "The constraint binds person 2"),
)

KINDS = (
    ("PATH", "Path", "Walk along a curve on the ground"),
    ("WAYPOINT", "Waypoint", "Stand at a place on the ground, facing along its Y axis"),
    ("PIN", "Pin", "Keep a hand, a foot, the head or the hips at a point"),
    ("POSE", "Pose", "Hold a pose"),
    ("TIMING", "First Contact", "Touch each other for the first time at a frame"),
    ("CONTACT", "Contact", "Put a place of the body on a place of the partner, or on a point"),
)

TIMINGS = (
    ("EVEN", "Even Speed", "Move along the curve at the same speed from the first frame to the last"),
    ("KEYED", "Keyed", "Move along the curve as the keys of its Evaluation Time (Path Animation) say"),
)

PIN_JOINTS = (
    ("L_Wrist", "Left Hand", "The joint where the left hand begins"),
    ("R_Wrist", "Right Hand", "The joint where the right hand begins"),
    ("L_Ankle", "Left Foot", "The joint where the left foot begins"),
    ("R_Ankle", "Right Foot", "The joint where the right foot begins"),
    ("L_Foot", "Left Toes", "The joint where the toes of the left foot begin"),
    ("R_Foot", "Right Toes", "The joint where the toes of the right foot begin"),
    ("Head", "Head", "The joint where the head begins"),
    ("Pelvis", "Hips", "The joint between the hips"),
)

PLACES = (
    ("left_hand", "Left Hand", "Palm of the left hand"),
    ("right_hand", "Right Hand", "Palm of the right hand"),
    ("left_wrist", "Left Wrist", ""),
    ("right_wrist", "Right Wrist", ""),
    ("left_forearm", "Left Forearm", ""),
    ("right_forearm", "Right Forearm", ""),
    ("left_upper_arm", "Left Upper Arm", ""),
    ("right_upper_arm", "Right Upper Arm", ""),
    ("left_shoulder", "Left Shoulder", ""),
    ("right_shoulder", "Right Shoulder", ""),
    ("far_left_shoulder", "Outer Left Shoulder", ""),
    ("far_right_shoulder", "Outer Right Shoulder", ""),
    ("left_shoulder_blade", "Left Shoulder Blade", ""),
    ("right_shoulder_blade", "Right Shoulder Blade", ""),
    ("upper_back", "Upper Back", ""),
    ("lower_back", "Lower Back", ""),
    ("left_waist", "Left Waist", ""),
    ("right_waist", "Right Waist", ""),
    ("left_chest", "Left Chest", ""),
    ("right_chest", "Right Chest", ""),
    ("chest", "Chest", ""),
    ("belly", "Belly", ""),
    ("face", "Face", ""),
    ("mouth", "Mouth", ""),
    ("left_ear", "Left Ear", ""),
    ("right_ear", "Right Ear", ""),
    ("left_foot", "Left Foot", ""),
    ("right_foot", "Right Foot", ""),
)
"""The places of ``model_core.motion.places``; those that are used most come first."""

CONTACT_TARGETS = (
    ("PARTNER", "Partner", "A place on the body of the partner"),
    ("POINT", "Point", "The origin of an object"),
)


def _is_curve_or_any(owner: InterMaskConstraint, candidate: bpy.types.Object) -> bool:
    """A path follows a curve; any object can be a place."""
    return owner.kind != "PATH" or candidate.type == "CURVE"


def _repaint(owner: InterMaskConstraint, context: bpy.types.Context) -> None:
    paint(owner)


def person_property(update: Update | None = None) -> bpy.types.Property:
    """Who is bound; the list and the operators have it.

    Args:
        update: called when it changes.
    """
    return bpy.props.EnumProperty(
        name="Person",
        description="Who is bound by the constraint",
        items=PEOPLE,
        update=update,
        translation_context=TRANSLATION_CONTEXT,
    )


def joint_property() -> bpy.types.Property:
    """What is pinned; the list and the operator have it."""
    return bpy.props.EnumProperty(
        name="Joint",
        description="What stays at the point",
        items=PIN_JOINTS,
        default="R_Wrist",
        translation_context=TRANSLATION_CONTEXT,
    )


class InterMaskConstraint(bpy.types.PropertyGroup):
    """One constraint; its name is shown in the list, in errors and in results."""

    kind: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Kind", items=KINDS, translation_context=TRANSLATION_CONTEXT
    )
    person: person_property(_repaint)  # type: ignore[valid-type]
    mute: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Mute", description="Leave the constraint out when generating"
    )
    weight: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Weight",
        description="1 for what must be met, less for a wish",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    whole_clip: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Whole Clip", description="Bind from the first to the last frame of the clip, however long it is"
    )
    start: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="First Frame", description="Scene frame from which the constraint binds"
    )
    end: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Last Frame", description="Scene frame up to which the constraint binds"
    )
    object: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Object",
        description="Object of the scene that gives the place; it may be animated or parented",
        type=bpy.types.Object,
        poll=_is_curve_or_any,
    )
    timing: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Timing", description="When the person is where on the curve", items=TIMINGS
    )
    face_along: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Face Along Path", description="Face where the path leads. If off, the direction is free"
    )
    use_heading: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Face Along Y", description="Face along the object's Y axis. If off, the direction is free", default=True
    )
    joint: joint_property()  # type: ignore[valid-type]
    use_rotation: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Rotation",
        description="Turn the joint as the object is turned, too. An object without rotation means the joint of a "
        "T-pose that faces along -Y",
    )
    blend: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Blend",
        description="Scene frames before and after in which the joint moves to the point and away from it",
        default=10,
        min=0,
        soft_max=60,
    )
    in_place: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="In Place",
        description="Hold the pose where its figure stands, facing as it does. If off, wherever the person is",
        default=True,
    )
    place: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Place", description="Place on the body of the person", items=PLACES, default="right_hand",
        translation_context=TRANSLATION_CONTEXT,
    )  # fmt: skip
    target: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Touches", description="What the place of the body touches", items=CONTACT_TARGETS,
        translation_context=TRANSLATION_CONTEXT,
    )  # fmt: skip
    other_place: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Partner's Place", description="Place on the body of the partner", items=PLACES, default="right_hand",
        translation_context=TRANSLATION_CONTEXT,
    )  # fmt: skip
    use_distance: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Never Nearer", description="Keep the two apart instead of bringing them together"
    )
    distance: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Distance", description="Smallest distance between the two", default=0.3, min=0.01, subtype="DISTANCE"
    )


class InterMaskConstraintError(bpy.types.PropertyGroup):
    """How far a take is from what a constraint asked; the item's name is the constraint's."""

    # -1 where the constraint asks for no such thing.
    metres: bpy.props.FloatProperty(default=-1.0)  # type: ignore[valid-type]
    degrees: bpy.props.FloatProperty(default=-1.0)  # type: ignore[valid-type]
    seconds: bpy.props.FloatProperty(default=-1.0)  # type: ignore[valid-type]
    missed: bpy.props.BoolProperty()  # type: ignore[valid-type]


def meet_partly_property() -> bpy.types.Property:
    """What happens to constraints that cannot be met."""
    return bpy.props.BoolProperty(
        name="Meet What Is Possible",
        description="Leave out what lies outside the clip or cannot be reached, instead of refusing to generate",
    )


class ConstraintListProperties:
    """Mix-in of the scene's settings: the list of constraints."""

    constraints: bpy.props.CollectionProperty(type=InterMaskConstraint)  # type: ignore[valid-type]
    constraint_index: bpy.props.IntProperty(name="Constraint")  # type: ignore[valid-type]
    constraint_person: person_property()  # type: ignore[valid-type]
    constraint_collection: bpy.props.PointerProperty(type=bpy.types.Collection)  # type: ignore[valid-type]
    begin_in_place: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Begin Where They Stand",
        description="People who are in the scene begin where they stand at the first frame. If off, their whole motion "
        "may be moved to meet the constraints",
        default=True,
    )
    meet_partly: meet_partly_property()  # type: ignore[valid-type]
