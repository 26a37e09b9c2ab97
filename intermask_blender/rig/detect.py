"""Recognition of the bones of an armature that are a person's joints, by the recogniser of ``model_core``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import bpy
import numpy as np

from .. import core
from ..core import BoneMap, NotRecognisedError, Recognition, SkeletonTree, UserError
from ..translations import tr
from .keyed_poses import keyed_poses
from .labels import bone_labels
from .map import RigMapping

KEYED_POSES = 9
"""Frames in which a standing person is looked for, as in files of motion."""


def detect_rig(owner: bpy.types.Object) -> RigMapping:
    """The bones of an armature that are SMPL's joints.

    Raises:
        UserError: the object is no armature, or no person can be found in it.
    """
    if owner.type != "ARMATURE":
        raise UserError(
            tr("{name} is not an armature; choose the armature that moves the character.").format(name=owner.name)
        )
    tree = skeleton_of(owner)
    try:
        return _mapping(core.recognise(tree, candidate_poses=lambda: _upright_poses(owner, tree)), tree, owner)
    except NotRecognisedError as error:
        raise UserError(_sentence(error, owner)) from error


def nearest_rig(owner: bpy.types.Object) -> RigMapping:
    """The recognised bones of an armature, else those that the nearest known map finds, which may be none."""
    try:
        return detect_rig(owner)
    except UserError:
        tree = skeleton_of(owner)
        nearest = core.nearest_match(tree)
        return _mapping(nearest, tree, owner) if nearest is not None else RigMapping("Own", {})


def resolve(bone_map: BoneMap, owner: bpy.types.Object) -> RigMapping:
    """A bone map with the names of this armature; joints whose bones it lacks are omitted."""
    tree = skeleton_of(owner)
    return _mapping(core.find_mapped(bone_map, tree), tree, owner)


def skeleton_of(owner: bpy.types.Object) -> SkeletonTree:
    """An armature's bones at rest, in the world with Y up."""
    bones = owner.data.bones
    names = tuple(bone.name for bone in bones)
    index = {name: number for number, name in enumerate(names)}
    parents = tuple(index[bone.parent.name] if bone.parent else -1 for bone in bones)
    points = np.empty((2, len(names) * 3), np.float32)
    bones.foreach_get("head_local", points[0])
    bones.foreach_get("tail_local", points[1])
    heads, tails = _in_world(owner, points)
    return SkeletonTree(names, parents, heads, tails)


def _upright_poses(owner: bpy.types.Object, tree: SkeletonTree) -> Iterator[SkeletonTree]:
    """The rest pose, the pose of the current frame, and poses of the armature's own keys: one may be standing."""
    yield tree
    if owner.pose is not None and len(owner.pose.bones) == len(tree):
        points = np.empty((2, len(tree) * 3), np.float32)
        owner.pose.bones.foreach_get("head", points[0])
        owner.pose.bones.foreach_get("tail", points[1])
        heads, tails = _in_world(owner, points)
        yield replace(tree, heads=heads, tails=tails)
    for ends in keyed_poses(owner, KEYED_POSES):
        heads, tails = _in_world(owner, ends)
        yield replace(tree, heads=heads, tails=tails)


def _in_world(owner: bpy.types.Object, points: np.ndarray) -> np.ndarray:
    """(2, N, 3) heads and tails in the world, Y up, from flat ones in the armature (2, 3 N)."""
    placed = np.array(owner.matrix_world, np.float64)
    return _y_up(points.reshape(2, -1, 3) @ placed[:3, :3].T + placed[:3, 3])


def _y_up(points: np.ndarray) -> np.ndarray:
    """Blender's points (..., 3) with Y up."""
    return np.stack((points[..., 0], points[..., 2], -points[..., 1]), -1)


def _mapping(found: Recognition, tree: SkeletonTree, owner: bpy.types.Object) -> RigMapping:
    bone_map = found.bone_map
    return RigMapping(
        found.kind,
        {joint: tree.names[found.joints[joint]] for joint in core.SMPL.joints if joint in found.joints},
        {joint: tree.names[bone] for joint, bone in found.controls.items()},
        tree.names[found.root] if found.root >= 0 else "",
        {joint: other for joint, other in bone_map.follows.items() if joint in found.joints} if bone_map else {},
        tuple(setting for setting in bone_map.settings if setting.property in _properties(owner, setting.bone))
        if bone_map
        else (),
        found.checks,
        found.ik,
    )


def _properties(owner: bpy.types.Object, bone: str) -> list[str]:
    # Armatures that were never drawn have no pose yet.
    return list(owner.pose.bones[bone].keys()) if owner.pose and bone in owner.pose.bones else []


def _sentence(error: NotRecognisedError, owner: bpy.types.Object) -> str:
    """Why no person is found, and what to do."""
    template = {
        core.FailureReason.BROKEN_LIMB: tr(
            "In {name} the bone {lower} does not hang from {upper}, so the limb cannot be keyed; parent it there, or "
            "choose the bones under Bone Map."
        ),
        core.FailureReason.MISSING_JOINTS: tr(
            "{name} looks like {kind} but lacks the bones for {joints}; choose them under Bone Map, or add them."
        ),
        core.FailureReason.DISCONNECTED: tr(
            "Legs, spine and arms of {name} do not hang together like a person's; choose its bones under Bone Map."
        ),
        core.FailureReason.AMBIGUOUS_ARMS: tr(
            "Two pairs of limbs of {name} could be the arms; choose its bones under Bone Map."
        ),
        core.FailureReason.UNKNOWN: tr(
            "No person is recognised in the armature {name}; choose its bones under Bone Map."
        ),
    }[error.reason]
    return template.format(name=owner.name, joints=bone_labels(error.joints), **error.values)
