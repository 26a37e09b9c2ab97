"""Checks that an armature will move as it is keyed."""

from __future__ import annotations

import bpy

from ..core import UserError
from ..translations import tr
from .map import RigMapping
from .rotation_modes import bone_path, rotation_channel


def check_keyable(owner: bpy.types.Object) -> None:
    """Refuse an armature that cannot be keyed, or on which a new action would have no effect.

    Raises:
        UserError: says what prevents it and how to remove that.
    """
    if owner.type != "ARMATURE":
        raise UserError(
            tr("{name} is not an armature; choose the armature that moves the character.").format(name=owner.name)
        )
    if owner.library is not None:
        raise UserError(
            tr(
                "{name} is linked from {library} and cannot be keyed; make a library override of it "
                "first (Object > Library Override > Make)."
            ).format(name=owner.name, library=owner.library.name)
        )
    if owner.mode == "EDIT" or owner.data.is_editmode:
        raise UserError(tr("{name} is in Edit Mode; leave Edit Mode first.").format(name=owner.name))
    animation = owner.animation_data
    if animation is None:
        return
    if animation.use_tweak_mode:
        raise UserError(
            tr("{name} has an NLA strip in Tweak Mode; leave Tweak Mode (Tab) first.").format(name=owner.name)
        )
    tracks = list(animation.nla_tracks) if animation.use_nla else []
    alone = next((track.name for track in tracks if track.is_solo), None)
    if alone is not None:
        raise UserError(
            tr(
                "The NLA track {alone} of {name} is soloed and would silence the new action; turn off "
                "its star in the NLA editor."
            ).format(alone=alone, name=owner.name)
        )
    blended = animation.action_blend_type != "REPLACE" or animation.action_influence < 1
    if blended and any(track.strips and not track.mute for track in tracks):
        raise UserError(
            tr(
                "The action of {name} is blended with the NLA strips below it and would not move as "
                "generated; set its blending to Replace and its influence to 1 in the NLA editor, or "
                "mute the tracks."
            ).format(name=owner.name)
        )


def check_chains(owner: bpy.types.Object, mapping: RigMapping) -> None:
    """Refuse an armature whose keyed bones do not hang from each other, such as feet that inverse kinematics moves.

    Raises:
        UserError: names the bones.
    """
    if broken := broken_limb(owner, mapping):
        raise UserError(
            tr(
                "In {name} the bone {lower} does not hang from {upper}, so the body would come apart; choose bones "
                "that form a chain under Bone Map, or parent it there in Edit Mode."
            ).format(name=owner.name, lower=broken[0], upper=broken[1])
        )


def broken_limb(owner: bpy.types.Object, mapping: RigMapping) -> tuple[str, str] | None:
    """Two keyed bones, the lower of which neither hangs from the upper nor follows it; None if there are none."""
    for upper, lower in _LINKS:
        if upper not in mapping.bones or lower not in mapping.bones or lower in mapping.follows:
            continue
        names = mapping.control(lower), mapping.control(upper)
        if not any(above.name == names[1] for above in owner.data.bones[names[0]].parent_recursive):
            return names
    return None


_LIMB_LINKS = (
    ("Hip", "Knee"), ("Knee", "Ankle"), ("Ankle", "Foot"), ("Collar", "Shoulder"), ("Shoulder", "Elbow"),
    ("Elbow", "Wrist"),
)  # fmt: skip
_LINKS = (
    *((side + upper, side + lower) for side in ("L_", "R_") for upper, lower in _LIMB_LINKS),
    ("Neck", "Head"),
    *(("Pelvis", lower) for lower in ("L_Hip", "R_Hip", "L_Shoulder", "R_Shoulder", "Neck", "Head")),
)
"""Upper and lower joints whose bones must be parent and descendant. Clavicles may hang from spine or neck."""


def overriding_constraint(owner: bpy.types.Object, mapping: RigMapping) -> tuple[str, str] | None:
    """A keyed bone of the body and its constraint that would override the keyed rotation; None if there is none."""
    switched = {setting.bone for setting in mapping.settings}
    if owner.pose is None or switched:
        # Settings switch inverse kinematics off.
        return None
    for joint in mapping.bones:
        bone = owner.pose.bones.get(mapping.control(joint))
        for constraint in bone.constraints if bone is not None else ():
            if constraint.type in _OVERRIDING_TYPES and not constraint.mute and constraint.influence > 0.0:
                return bone.name, constraint.name
    return None


_OVERRIDING_TYPES = frozenset(
    ("IK", "COPY_TRANSFORMS", "COPY_ROTATION", "DAMPED_TRACK", "TRACK_TO", "SPLINE_IK", "ARMATURE")
)
"""Types of constraints that set a bone's rotation, whatever its keys."""


def check_drivers(owner: bpy.types.Object, mapping: RigMapping) -> None:
    """Refuse an armature whose keyed bones have drivers, which override keys.

    Raises:
        UserError: names a bone.
    """
    if owner.animation_data is None:
        return
    driven = {driver.data_path for driver in owner.animation_data.drivers if not driver.mute}
    root = mapping.root_motion_bone
    for name in {root, *(mapping.control(joint) for joint in mapping.bones)}:
        bone = owner.pose.bones[name]
        if rotation_channel(bone) in driven or (name == root and f"{bone_path(name)}.location" in driven):
            raise UserError(
                tr(
                    "The bone {name} of {armature} is moved by a driver, which overrides keys; mute or delete it."
                ).format(name=name, armature=owner.name)
            )


def check_root_motion(owner: bpy.types.Object, mapping: RigMapping) -> None:
    """Refuse an armature whose root-motion bone cannot move.

    Raises:
        UserError: names the bone.
    """
    bone = owner.data.bones[mapping.root_motion_bone]
    if bone.use_connect and bone.parent:
        raise UserError(
            tr(
                "The bone {bone} of {name} is connected to its parent, so the body cannot move "
                "through the scene; disconnect it in Edit Mode."
            ).format(bone=bone.name, name=owner.name)
        )
