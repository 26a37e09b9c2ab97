"""Fingers, jaw and eyes of armatures that have SMPL-X's joints: read and keyed in addition to the body's 22.

A joint's local rotation is expressed in the axes of the T-pose, which follow the landmark of the wrist (or head). A
hand that is rotated at rest therefore still moves like the motion's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..core import SMPL, SMPLX, Motion, PosedSkeleton, canonical, rotations
from .axes import BLENDER_FROM_MOTION
from .map import RigMapping
from .rest import MeasuredRig, rest_matrices

BODY = len(SMPL)
_SIDES = {"L_": "left_", "R_": "right_"}
_SPELLINGS = {"L_Eye": "left_eye_smplhf", "R_Eye": "right_eye_smplhf"}
"""Names that SMPL-X armatures use instead of the side in full."""


@dataclass(frozen=True)
class Hands:
    """The bones of an armature that are SMPL-X's joints beyond SMPL's, all 33 of them.

    Attributes:
        names: the bones, in SMPL-X's order.
        turned: (33, 3, 3) each one's orientation at rest, in the T-pose's axes.
    """

    names: tuple[str, ...]
    turned: np.ndarray

    @property
    def controls(self) -> dict[str, str]:
        """Joint to the bone that is keyed for it."""
        return dict(zip(SMPLX.joints[BODY:], self.names, strict=True))


def hand_bones(owner: bpy.types.Object) -> tuple[str, ...]:
    """The bones of SMPL-X's joints from 22 on; empty if any of them is missing."""
    by_canonical = {canonical(bone.name): bone.name for bone in owner.data.bones}
    found = []
    for joint in SMPLX.joints[BODY:]:
        in_full = _SIDES.get(joint[:2], "") + joint[2:] if joint[:2] in _SIDES else joint
        names = (joint, in_full, _SPELLINGS.get(joint, joint))
        found.append(next((by_canonical[key] for name in names if (key := canonical(name)) in by_canonical), ""))
    return tuple(found) if all(found) else ()


def measure_hands(owner: bpy.types.Object, mapping: RigMapping, rig: MeasuredRig) -> Hands | None:
    """The hands of an armature, None if it lacks any of SMPL-X's joints.

    Args:
        owner: the armature.
        mapping: its bones.
        rig: its body's rest pose.
    """
    names = hand_bones(owner)
    if not names or any(joint not in mapping.bones for joint in ("Head", "L_Wrist", "R_Wrist")):
        return None
    at_rest, body_at_rest = (
        BLENDER_FROM_MOTION.T @ rest_matrices(owner, bones)[:, :3, :3] for bones in (names, rig.names)
    )
    turned = np.empty_like(at_rest)
    for number, above in enumerate(_CARRIERS):
        bone = int(rig.rest.landmarks.owners[above])
        # Not the rotations in which the rig was measured, which may be those of a frame.
        frame = body_at_rest[bone] @ rig.rest.landmarks.turns[above]
        turned[number] = frame.T @ at_rest[number]
    return Hands(names, turned)


def hand_rotations(posed: PosedSkeleton, hands: Hands) -> Mapping[str, np.ndarray]:
    """Bone to its keyed rotations (T, 3, 3), for a motion with hands."""
    local = rotations.matrix_from_quaternion(posed.rotations[:, BODY:])
    keyed = rotations.transposed(hands.turned) @ local @ hands.turned
    return {name: keyed[:, number] for number, name in enumerate(hands.names)}


def with_captured_hands(
    body: Motion, owner: bpy.types.Object, hands: Hands, matrices: Mapping[str, np.ndarray], points: np.ndarray
) -> Motion:
    """A captured body with the hands that its armature has.

    Args:
        body: T frames on SMPL's joints.
        owner: the armature.
        hands: its bones.
        matrices: bone to its orientations (T, 3, 3) in the world, for the hands' bones and their parents.
        points: (T, 33, 3) heads of the hands' bones in the world, motion's axes, metres.
    """
    local = np.empty((len(body), len(hands.names), 3, 3))
    for number, name in enumerate(hands.names):
        bone = owner.data.bones[name]
        above = bone.parent.name
        at_rest = rest_matrices(owner, (above, name))[:, :3, :3]
        basis = at_rest[1].T @ at_rest[0] @ rotations.transposed(matrices[above]) @ matrices[name]
        local[:, number] = hands.turned[number] @ basis @ hands.turned[number].T
    assert body.rotations is not None
    return replace(
        body,
        joints=np.concatenate((body.joints, points), axis=1),
        rotations=np.concatenate((body.rotations, local), axis=1),
        skeleton=SMPLX,
    )


def carrier(joint: str) -> str:
    """The body's joint that a joint of the hands or the face hangs from; a joint of the body itself."""
    number = SMPLX.index(joint)
    while number >= BODY:
        number = SMPLX.parents[number]
    return SMPLX.joints[number]


_CARRIERS = tuple(SMPLX.index(carrier(joint)) for joint in SMPLX.joints[BODY:])
