"""A pose stored on an object of the scene: a line figure that the user moves and rotates to place the pose.

The object's origin is on the ground below the hips, and the figure faces along its Y axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import IK_LIMBS, SMPL, SMPL_REST_OFFSETS, person_hip_height, rotations
from ..rig.axes import vectors_to_blender
from ..rig.capture import capture_pose
from ..rig.map import RigMapping
from ..rig.own_map import mapping_of
from ..rig.rest import measure

POSE, HEIGHT, JOINTS = "intermask_pose", "intermask_pelvis_height", "intermask_joints"
"""Custom properties of the object: 22 axis-angle rotations, the pelvis first; metres; indices of SMPL joints."""

_HIPS = [SMPL.index("L_Hip"), SMPL.index("R_Hip")]
_HALF_TURN = np.diag((-1.0, -1.0, 1.0))


@dataclass(frozen=True)
class HeldPose:
    """A pose, and its position in the scene.

    Attributes:
        turns: (22, 3, 3) orientation of the pelvis for a person who faces +Z, then local rotations, Y up.
        height: of the pelvis above the ground, for a person of average size, metres.
        joints: indices of the constrained SMPL joints.
        lines: (22, 3) joint positions in the object space of the figure, scene units.
        matrix: (4, 4) world matrix of the figure.
    """

    turns: np.ndarray
    height: float
    joints: tuple[int, ...]
    lines: np.ndarray
    matrix: np.ndarray


def pose_of(
    owner: bpy.types.Object, scene: bpy.types.Scene, frame: float | None = None, bones: frozenset[str] | None = None
) -> HeldPose:
    """The pose of an armature.

    Args:
        owner: an armature of a person.
        scene: its scene.
        frame: of the scene; None for the pose that is shown.
        bones: names of the constrained bones; None for all.

    Raises:
        UserError: as ``capture_pose``.
    """
    captured = capture_pose(owner, scene, frame)
    mapping, metres = mapping_of(owner), scene.unit_settings.scale_length or 1.0
    placed = np.array(owner.matrix_world, np.float64)
    rest = measure(owner, mapping, placed, metres).rest
    motion, ground = captured.motion, placed[2, 3]
    assert motion.rotations is not None and motion.root_orientation is not None
    joints = motion.joints[0].astype(np.float64)
    root, local = (part[0].astype(np.float64) for part in (motion.root_orientation, motion.rotations))
    across = joints[_HIPS[0]] - joints[_HIPS[1]]
    yaw = float(np.arctan2(-across[2], across[0]))
    upward = rest.hip_height / person_hip_height(SMPL_REST_OFFSETS)
    hips = (joints[_HIPS].mean(0)[1] - ground * metres - rest.sole) / upward
    height = float(hips - (root @ SMPL_REST_OFFSETS[_HIPS].mean(0))[1])
    turned = rotations.about_y(np.asarray(-yaw)) @ root
    matrix = np.eye(4)
    matrix[:3, :3] = _z_turn(yaw) @ _HALF_TURN
    places = vectors_to_blender(captured.joints[0]) / metres
    matrix[:3, 3] = *places[0, :2], ground
    lines = (places - matrix[:3, 3]) @ matrix[:3, :3]
    counted = tuple(
        number
        for number, joint in enumerate(SMPL.joints)
        if bones is None or bones & {*_ik_controls(mapping, joint), *(part.get(joint, "") for part in _parts(mapping))}
    )
    turns = np.concatenate((turned[None], local[: len(SMPL) - 1]))
    return HeldPose(turns, height, counted, lines, matrix)


def _parts(mapping: RigMapping) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Joint to bone: what is read, and what is keyed."""
    return mapping.bones, mapping.controls


def _ik_controls(mapping: RigMapping, joint: str) -> set[str]:
    """The IK controls that move a joint: a hand or a foot moves its whole limb."""
    found: set[str] = set()
    for end, limb in mapping.ik.items():
        if joint in (*IK_LIMBS[end], end):
            found |= {limb.control, limb.pole}
        elif joint in limb.controls:
            found |= {limb.control, limb.controls[joint]}
    return found


def store_pose(figure: bpy.types.Object, pose: HeldPose) -> None:
    """Store a pose on its figure."""
    quaternions = rotations.quaternion_from_matrix(pose.turns)
    figure[POSE] = rotations.axis_angle_from_quaternion(quaternions).ravel().tolist()
    figure[HEIGHT] = pose.height
    figure[JOINTS] = list(pose.joints)


def stored_pose(figure: bpy.types.Object) -> tuple[np.ndarray, float, tuple[int, ...]] | None:
    """Rotations (22, 3, 3), height of the pelvis and joints of a figure's pose; None if it has none."""
    values = figure.get(POSE)
    if values is None or len(values) != 3 * len(SMPL):
        return None
    turns = rotations.matrix_from_quaternion(
        rotations.quaternion_from_axis_angle(np.array(values, np.float64).reshape(-1, 3))
    )
    return turns, float(figure.get(HEIGHT, 0.0)), tuple(figure.get(JOINTS, range(len(SMPL))))


def facing_frame(turns: np.ndarray) -> np.ndarray:
    """Convert world orientations (..., 3, 3) of figures to those of people who face along the figures' Y axes."""
    return np.asarray(turns @ _HALF_TURN)


def _z_turn(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)))
