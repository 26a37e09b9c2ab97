"""Fingers of any rig: keyed so that its finger bones point where SMPL-X's do, seen from the palm.

Directions are measured in the rest pose, so that a rig whose fingers are bent at rest still gets the motion's fingers.
The palm's axes follow from the knuckles, and the axes of a bone do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import SMPLX, SMPLX_REST_OFFSETS, PosedSkeleton, finger_bones, rotations
from .axes import BLENDER_FROM_MOTION
from .map import RigMapping
from .rest import rest_matrices

_SIDES = ("L_", "R_")
_ACROSS = ("Index", "Middle", "Ring", "Pinky")
"""Fingers from the thumb's side of the palm to the other."""


@dataclass(frozen=True)
class RigFinger:
    """The bones of one finger.

    Attributes:
        joints: SMPL-X's joints, from the knuckle on.
        bones: the bones that are keyed for them.
        turns: (N, 3, 3) smallest rotation that brings each bone from its rest pose to SMPL-X's T-pose, armature's axes.
        palm: (3, 3) takes SMPL-X's axes of the T-pose to the armature's at rest.
    """

    joints: tuple[str, ...]
    bones: tuple[str, ...]
    turns: np.ndarray
    palm: np.ndarray


def rig_fingers(owner: bpy.types.Object, mapping: RigMapping) -> list[RigFinger]:
    """The fingers of an armature; none for a hand whose knuckles do not tell where its palm is."""
    found = finger_bones(tuple(bone.name for bone in owner.data.bones))
    found = {joint: bone for joint, bone in found.items() if bone not in mapping.bones.values()}
    result = []
    for side in _SIDES:
        palm = palm_axes(owner, mapping, found, side)
        if palm is None:
            continue
        for finger in ("Thumb", *_ACROSS):
            joints = tuple(joint for segment in (1, 2, 3) if (joint := f"{side}{finger}{segment}") in found)
            if joints:
                bones = tuple(found[joint] for joint in joints)
                result.append(RigFinger(joints, bones, _turns(owner, joints, bones, palm), palm))
    return result


def finger_keys(posed: PosedSkeleton, fingers: list[RigFinger], owner: bpy.types.Object) -> Mapping[str, np.ndarray]:
    """Bone to its keyed rotations (T, 3, 3), for a motion on SMPL-X's joints."""
    keyed = {}
    for finger in fingers:
        absolute = _absolute(posed, finger.joints[0][:-1])
        rest = rest_matrices(owner, finger.bones)[:, :3, :3]
        above = np.eye(3)
        for number, (joint, bone) in enumerate(zip(finger.joints, finger.bones, strict=True)):
            moved = finger.palm @ absolute[int(joint[-1]) - 1] @ finger.palm.T @ finger.turns[number]
            keyed[bone] = rest[number].T @ rotations.transposed(above) @ moved @ rest[number]
            above = moved
    return keyed


def _absolute(posed: PosedSkeleton, finger: str) -> list[np.ndarray]:
    """Rotations (T, 3, 3) of the three joints of a finger against the hand."""
    result, turn = [], np.eye(3)
    for segment in (1, 2, 3):
        turn = turn @ rotations.matrix_from_quaternion(posed.rotations[:, SMPLX.index(f"{finger}{segment}")])
        result.append(turn)
    return result


def _turns(owner: bpy.types.Object, joints: tuple[str, ...], bones: tuple[str, ...], palm: np.ndarray) -> np.ndarray:
    """(N, 3, 3) ``RigFinger.turns``."""
    data = [owner.data.bones[bone] for bone in bones]
    turns = []
    for number, joint in enumerate(joints):
        end = data[number + 1].head_local if number + 1 < len(data) else data[number].tail_local
        own = np.array(end - data[number].head_local, np.float64)
        index = SMPLX.index(joint)
        # The last segment has no joint at its end; it continues the one before.
        wanted = palm @ SMPLX_REST_OFFSETS[index if joint.endswith("3") else index + 1]
        turns.append(rotations.matrix_from_quaternion(rotations.shortest_arc(own, wanted)))
    return np.stack(turns)


def palm_axes(owner: bpy.types.Object, mapping: RigMapping, found: Mapping[str, str], side: str) -> np.ndarray | None:
    """(3, 3) takes SMPL-X's axes to the armature's: where the knuckles of a hand are, seen from its wrist."""
    wrist = mapping.bones.get(f"{side}Wrist")
    knuckles = [joint for finger in _ACROSS if (joint := f"{side}{finger}1") in found]
    if wrist is None or len(knuckles) < 2:
        return None
    heads = np.array([owner.data.bones[found[joint]].head_local for joint in knuckles], np.float64)
    own = _axes(heads - np.array(owner.data.bones[wrist].head_local, np.float64))
    model = _axes(SMPLX_REST_OFFSETS[[SMPLX.index(joint) for joint in knuckles]] @ BLENDER_FROM_MOTION.T)
    return None if own is None or model is None else own @ model.T @ BLENDER_FROM_MOTION


def _axes(knuckles: np.ndarray) -> np.ndarray | None:
    """(3, 3) axes of a palm: along, towards the thumb, and across both; None if the knuckles lie in one place."""
    along, thumbward = knuckles.mean(0), knuckles[0] - knuckles[-1]
    lengths = np.linalg.norm(along), np.linalg.norm(thumbward)
    if min(lengths) < 1e-3 * max(lengths) or max(lengths) < 1e-9:
        return None
    along = along / lengths[0]
    thumbward = thumbward - (thumbward @ along) * along
    thumbward /= np.linalg.norm(thumbward)
    return np.stack((along, thumbward, np.cross(along, thumbward)), axis=1)
