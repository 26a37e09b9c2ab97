"""A finger pose put on the hands of an armature by hand: at a frame, or over a range of frames."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .. import compat
from ..core import FINGER_SHAPES, FINGER_STATES, SMPL, SMPLX, PosedSkeleton, UserError, finger_rotations, rotations
from ..translations import tr
from .fingers import finger_keys, rig_fingers
from .hands import hand_rotations, measure_hands
from .keyable import check_keyable
from .own_map import mapping_of
from .rest import measure
from .rotation_modes import quaternions_of, rotation_channel, rotation_values

BLEND = 4
"""Frames over which a pose blends into the keys before and after it."""


def pose_fingers(
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    state: str,
    sides: Sequence[str],
    frames: tuple[int, int],
    blend: int = BLEND,
) -> int:
    """Key the pose of a state of the fingers on an armature, and return the number of bones.

    Args:
        owner: the armature.
        scene: gives the unit.
        state: of ``FINGER_STATES``.
        sides: ``"L"``, ``"R"`` or both.
        frames: first and last frame of the pose.
        blend: frames over which it blends into keys around it; keys within are replaced.

    Raises:
        UserError: the armature cannot be keyed, or has no finger bones.
    """
    number = pose_finger_angles(owner, scene, FINGER_SHAPES[FINGER_STATES.index(state)], sides, frames, blend)
    if not number:
        raise UserError(
            tr("{name} has no finger bones that are known; its fingers stay as they are.").format(name=owner.name)
        )
    return number


def pose_finger_angles(
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    angles: np.ndarray,
    sides: Sequence[str],
    frames: tuple[int, int],
    blend: int = BLEND,
) -> int:
    """Key fingers at angles (20,) in degrees as ``pose_fingers`` does; returns 0 for an armature without fingers.

    Raises:
        UserError: the armature cannot be keyed.
    """
    check_keyable(owner)
    bones = _shape(owner, scene, angles, sides)
    if not bones:
        return 0
    animation = owner.animation_data or owner.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{owner.name} Fingers")
    store = compat.fcurve_store(owner, animation.action)
    for name, matrix in bones.items():
        bone = owner.pose.bones[name]
        path, wanted = rotation_channel(bone), rotations.quaternion_from_matrix(matrix[None])
        curves = [store.fcurves.find(path, index=index) for index in range(_size(bone))]
        if all(curve is not None and len(curve.keyframe_points) for curve in curves):
            # Of the two signs of a quaternion the one that is near the keys before it.
            before = np.array([[curve.evaluate(frames[0] - blend) for curve in curves]])
            old = quaternions_of(bone, before)
            wanted = np.where((wanted * old).sum() < 0, -wanted, wanted)
        values = rotation_values(bone, wanted)[0]
        for index, value in enumerate(values):
            curve = curves[index] or compat.add_fcurve(store, path, index, name)
            _hold(curve, float(value), frames, blend)
    return len(bones)


def _size(bone: bpy.types.PoseBone) -> int:
    """Number of values of a bone's rotation."""
    return len(rotation_values(bone, np.array([[1.0, 0.0, 0.0, 0.0]]))[0])


def _hold(curve: bpy.types.FCurve, value: float, frames: tuple[int, int], blend: int) -> None:
    """Give a curve one value from a first to a last frame; what it has before and after stays."""
    first, last = frames
    points = curve.keyframe_points
    if len(points):
        edges = [(frame, curve.evaluate(frame)) for frame in (first - blend, last + blend)]
        for index in reversed(range(len(points))):
            if first - blend <= points[index].co[0] <= last + blend:
                points.remove(points[index], fast=True)
        for frame, kept in edges:
            points.insert(frame, kept, options={"FAST"})
    for frame in {first, last}:
        points.insert(frame, value, options={"FAST"})
    curve.update()


def _shape(
    owner: bpy.types.Object, scene: bpy.types.Scene, angles: np.ndarray, sides: Sequence[str]
) -> dict[str, np.ndarray]:
    """Finger bone to its rotation (3, 3) with fingers at angles (20,)."""
    local = np.zeros((1, len(SMPLX), 4))
    local[..., 0] = 1
    fingers = finger_rotations(np.tile(angles, (1, 2, 1)))
    local[:, -fingers.shape[1] :] = rotations.quaternion_from_matrix(fingers)
    posed = PosedSkeleton(np.zeros((len(SMPLX), 3)), local, np.zeros((1, 3)), skeleton=SMPLX)
    mapping = mapping_of(owner)
    rig = measure(owner, mapping, np.array(owner.matrix_world, np.float64), scene.unit_settings.scale_length or 1.0)
    hands = measure_hands(owner, mapping, rig)
    if hands is not None:
        joints = {bone: joint for joint, bone in hands.controls.items() if joint in SMPLX.joints[len(SMPL) + 3 :]}
        keyed = hand_rotations(posed, hands)
    else:
        found = rig_fingers(owner, mapping)
        joints = {bone: joint for one in found for joint, bone in zip(one.joints, one.bones, strict=True)}
        keyed = finger_keys(posed, found, owner)
    chosen = {bone: matrices for bone, matrices in keyed.items() if joints.get(bone, "-")[0] in sides}
    return {bone: np.broadcast_to(matrices, (1, 3, 3))[0] for bone, matrices in chosen.items()}
