"""Made-up motion for the tests: smooth random poses of SMPL's skeleton, and the same people on foreign skeletons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model_core.motion import FPS, SMPL, PosedSkeleton
from model_core.motion.bvh import BvhClip
from model_core.motion.bvh_writer import angles_from_matrices
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    continuous_signs,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    transposed,
)

STIFF = {"L_Collar": 0.2, "R_Collar": 0.2, "Spine3": 0.3}
"""Share of the general movement for joints that move less."""


def waves(rng: np.random.Generator, frames: int, shape: tuple[int, ...], fps: float = FPS) -> np.ndarray:
    """(frames, *shape) smooth random curves of height about 1."""
    time = np.arange(frames).reshape(-1, *[1] * (len(shape) + 1)) / fps
    frequency, phase = rng.uniform(0.1, 1.0, (*shape, 3)), rng.uniform(0, 2 * np.pi, (*shape, 3))
    return np.sin(2 * np.pi * frequency * time + phase).sum(-1) / 2


def posed_person(
    seed: int, frames: int = 60, amount: float = 0.5, still: tuple[str, ...] = (), fps: float = FPS
) -> PosedSkeleton:
    """A person of SMPL's proportions who turns, walks about and moves every joint but the ``still`` ones."""
    rng = np.random.default_rng(seed)
    axis_angle = amount * waves(rng, frames, (len(SMPL), 3), fps)
    for joint, share in STIFF.items():
        axis_angle[:, SMPL.index(joint)] *= share
    for joint in still:
        axis_angle[:, SMPL.index(joint)] = 0
    axis_angle[:, 0] = np.array([0.1, 1.5, 0.1]) * waves(rng, frames, (3,), fps)
    quaternions = continuous_signs(quaternion_from_axis_angle(axis_angle))
    travel = np.array([0.0, 0.93, 0.0]) + np.array([0.5, 0.05, 0.5]) * waves(rng, frames, (3,), fps)
    return PosedSkeleton(SMPL_REST_OFFSETS.copy(), quaternions, travel, fps)


MIXAMO = {
    "Pelvis": "mixamorig:Hips", "Spine1": "mixamorig:Spine", "Spine2": "mixamorig:Spine1",
    "Spine3": "mixamorig:Spine2", "Neck": "mixamorig:Neck", "Head": "mixamorig:Head",
} | {
    f"{side[0]}_{joint}": f"mixamorig:{side}{name}"
    for side in ("Left", "Right")
    for joint, name in {
        "Hip": "UpLeg", "Knee": "Leg", "Ankle": "Foot", "Foot": "ToeBase", "Collar": "Shoulder", "Shoulder": "Arm",
        "Elbow": "ForeArm", "Wrist": "Hand",
    }.items()
}  # fmt: skip

UNREAL = {
    "Pelvis": "pelvis", "Spine1": "spine_01", "Spine2": "spine_02", "Spine3": "spine_03", "Neck": "neck_01",
    "Head": "head",
} | {
    f"{side.upper()}_{joint}": f"{name}_{side}"
    for side in ("l", "r")
    for joint, name in {
        "Hip": "thigh", "Knee": "calf", "Ankle": "foot", "Foot": "ball", "Collar": "clavicle", "Shoulder": "upperarm",
        "Elbow": "lowerarm", "Wrist": "hand",
    }.items()
}  # fmt: skip

DAZ = {
    "Pelvis": "hip", "Spine1": "abdomen", "Spine2": "chest", "Neck": "neck", "Head": "head",
} | {
    f"{side.upper()}_{joint}": f"{side}{name}"
    for side in ("l", "r")
    for joint, name in {
        "Hip": "Thigh", "Knee": "Shin", "Ankle": "Foot", "Collar": "Collar", "Shoulder": "Shldr", "Elbow": "ForeArm",
        "Wrist": "Hand",
    }.items()
}  # fmt: skip
"""Without spine3 and toes."""

CMU = {
    joint: name.removeprefix("mixamorig:")
    for joint, name in (MIXAMO | {"Spine1": "LowerBack", "Spine2": "Spine", "Spine3": "Spine1"}).items()
}
SMPL_NAMES = {joint: joint for joint in SMPL.joints}


def on_foreign_skeleton(
    person: PosedSkeleton,
    names: Mapping[str, str],
    units: float = 100.0,
    rest: np.ndarray | None = None,
    world: np.ndarray | None = None,
) -> BvhClip:
    """A person as a BVH file of another program would have it, in exactly the same pose.

    Args:
        person: the pose; a joint without a name here must not bend.
        names: SMPL joint to foreign name; left-out joints are skipped, left-out leaves become End Sites.
        units: file units per metre.
        rest: (22, 3, 3) world rotations of SMPL's joints in the file's rest pose; None for the T-pose.
        world: (3, 3) turns our axes into the file's.
    """
    turn = np.eye(3) if world is None else world
    rest = turn @ (np.tile(np.eye(3), (len(SMPL), 1, 1)) if rest is None else rest)
    rotations = turn @ global_rotations(matrix_from_quaternion(person.rotations), SMPL) @ transposed(rest)
    positions, rest_positions = person.joints() @ turn.T * units, np.zeros((len(SMPL), 3))
    for joint, parent in enumerate(SMPL.parents[1:], 1):
        rest_positions[joint] = rest_positions[parent] + rest[parent] @ person.offsets[joint] * units

    kept = [joint for joint, name in enumerate(SMPL.joints) if name in names]
    parents = []
    for joint in kept:
        parent = SMPL.parents[joint]
        while parent >= 0 and parent not in kept:
            parent = SMPL.parents[parent]
        parents.append(kept.index(parent) if parent >= 0 else -1)
    offsets, ends = np.zeros((len(kept), 3)), np.full((len(kept), 3), np.nan)
    local = rotations[:, kept]
    for index, (joint, parent) in enumerate(zip(kept, parents, strict=True)):
        if parent >= 0:
            offsets[index] = rest_positions[joint] - rest_positions[kept[parent]]
            local[:, index] = transposed(rotations[:, kept[parent]]) @ rotations[:, joint]
        left_out = [child for child in SMPL.children[joint] if child not in kept]
        if left_out and index not in parents[index:]:
            ends[index] = rest_positions[left_out[0]] - rest_positions[joint]
    angles = np.degrees(angles_from_matrices(local)).reshape(len(person), -1)
    turns = ("Zrotation", "Xrotation", "Yrotation")
    channels = (("Xposition", "Yposition", "Zposition", *turns), *((turns,) * (len(kept) - 1)))
    values = np.concatenate((positions[:, 0], angles), axis=1)
    named = tuple(names[SMPL.joints[joint]] for joint in kept)
    return BvhClip(named, tuple(parents), offsets, channels, values, person.fps, ends)


def arms_lowered(degrees: float) -> np.ndarray:
    """(22, 3, 3) a rest pose with straight arms lowered by an angle from the T-pose."""
    rest = np.tile(np.eye(3), (len(SMPL), 1, 1))
    for side, sign in (("L_", -1.0), ("R_", 1.0)):
        for joint in ("Shoulder", "Elbow", "Wrist"):
            rest[SMPL.index(side + joint)] = matrix_from_axis_angle(np.array([0.0, 0.0, sign * np.radians(degrees)]))
    return rest


def truth_of(person: PosedSkeleton) -> np.ndarray:
    """(T, 22, 3, 3) world rotations of a posed person."""
    return global_rotations(matrix_from_quaternion(person.rotations), SMPL)


def quaternions_of(matrices: np.ndarray) -> np.ndarray:
    """Quaternions (T, J, 4) of local rotations, continuous over time."""
    return continuous_signs(quaternion_from_matrix(matrices))
