"""Measurement of an armature's rest pose: where SMPL's joints are on its mapped bones."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .. import core
from ..core import SMPL, Humanoid, RigRest, UserError
from ..translations import tr
from .axes import BLENDER_FROM_MOTION
from .map import RigMapping

SPINE = ("Spine1", "Spine2", "Spine3")
SCALE_TOLERANCE = 0.02
"""Fraction by which an object's scale may differ between its axes."""


@dataclass(frozen=True)
class MeasuredRig:
    """A mapped armature at rest.

    Attributes:
        names: bones that are read, one for each mapped joint.
        joints: SMPL joints of these bones.
        rest: the measured pose in the motion's axes, metres at the object's scale.
        size: metres in the world per unit of the armature.
    """

    names: tuple[str, ...]
    joints: tuple[str, ...]
    rest: RigRest
    size: float


def measure(
    owner: bpy.types.Object,
    mapping: RigMapping,
    placed: np.ndarray,
    metres: float,
    frames: tuple[np.ndarray, np.ndarray, tuple[str, ...]] | None = None,
) -> MeasuredRig:
    """The rest pose of a mapped armature.

    Args:
        owner: the armature.
        mapping: its bones.
        placed: (4, 4) the object's matrix in the world.
        metres: per unit of the scene.
        frames: orientations (T, N, 3, 3) and positions (T, N, 3) of bones in the world, motion's axes and metres, and
            their names. If the rest pose is no standing person, they are measured instead. None measures the rest pose.

    Raises:
        UserError: the object has zero, negative or uneven scale, or limbs have no length.
    """
    size = metres * _scale(owner, placed)
    joints = tuple(joint for joint in SMPL.joints if joint in mapping.bones and not _is_point(owner, mapping, joint))
    names = tuple(mapping.bones[joint] for joint in joints)
    matrices = rest_matrices(owner, names)
    lengths = np.array([owner.data.bones[name].length for name in names])
    rotations = BLENDER_FROM_MOTION.T @ matrices[:, :3, :3]
    positions = matrices[:, :3, 3] @ BLENDER_FROM_MOTION * size
    ends = np.zeros((len(names), 3))
    ends[:, 1] = lengths * size
    index = {joint: number for number, joint in enumerate(joints)}
    _check_lengths(owner, positions, index, mapping)
    moved = None
    if frames is not None:
        numbers = [frames[2].index(name) for name in names]
        moved = (frames[0][:, numbers], frames[1][:, numbers])
    rest = core.fit_rest(_humanoid(index), rotations, positions, ends, np.zeros(3), moved)
    return MeasuredRig(names, joints, rest, size)


def stands_at_rest(owner: bpy.types.Object, mapping: RigMapping) -> bool:
    """Whether the rest pose is that of a standing person, so that motion can be measured from it."""
    index = {joint: number for number, joint in enumerate(mapping.bones)}
    heads = np.array([owner.data.bones[name].head_local for name in mapping.bones.values()], np.float64)
    return core.stands(_humanoid(index), heads)


def _humanoid(index: dict[str, int]) -> Humanoid:
    """Numbered joints as a person; without a neck, the head is used as the neck."""
    joints = {joint: number for joint, number in index.items() if joint not in SPINE}
    if "Neck" not in joints:
        joints["Neck"] = joints.pop("Head")
    return Humanoid(joints, tuple(index[joint] for joint in SPINE if joint in index))


def _is_point(owner: bpy.types.Object, mapping: RigMapping, joint: str) -> bool:
    """Whether a head or toes begin at the neck or the ankle, so that they have no direction."""
    above = mapping.bones.get({"Head": "Neck", "L_Foot": "L_Ankle", "R_Foot": "R_Ankle"}.get(joint, ""))
    if above is None:
        return False
    bones = owner.data.bones
    hip, knee = (bones[mapping.bones[name]].head_local for name in ("L_Hip", "L_Knee"))
    apart = (bones[mapping.bones[joint]].head_local - bones[above].head_local).length
    return bool(apart < 1e-3 * (hip - knee).length)


def rest_matrices(owner: bpy.types.Object, names: tuple[str, ...]) -> np.ndarray:
    """(N, 4, 4) the bones' rest matrices in the armature."""
    return np.array([owner.data.bones[name].matrix_local for name in names], np.float64)


def _scale(owner: bpy.types.Object, placed: np.ndarray) -> float:
    axes = np.linalg.norm(placed[:3, :3], axis=0)
    if axes.min() < 1e-9:
        raise UserError(tr("{name} has a scale of zero; reset it (Alt S).").format(name=owner.name))
    if np.linalg.det(placed[:3, :3]) < 0:
        if np.prod(owner.scale) > 0 and owner.parent is not None:
            raise UserError(
                tr(
                    "{name} is mirrored by its parent {parent}, whose scale is negative; make that "
                    "positive, or clear the parent (Alt P) first."
                ).format(name=owner.name, parent=owner.parent.name)
            )
        raise UserError(
            tr("{name} is mirrored (its scale is negative); apply the scale (Ctrl A, Scale) first.").format(
                name=owner.name
            )
        )
    if axes.max() > (1 + SCALE_TOLERANCE) * axes.min():
        raise UserError(
            tr("{name} is scaled unevenly ({scale}); apply the scale (Ctrl A, Scale) first.").format(
                name=owner.name, scale=", ".join(f"{axis:.3g}" for axis in axes)
            )
        )
    return float(axes.mean())


def _check_lengths(owner: bpy.types.Object, positions: np.ndarray, index: dict[str, int], mapping: RigMapping) -> None:
    """Refuse limbs without length, which have no direction."""
    height = float(np.ptp(positions, axis=0).max())
    for side in ("L_", "R_"):
        for upper, lower in (("Hip", "Knee"), ("Knee", "Ankle"), ("Shoulder", "Elbow"), ("Elbow", "Wrist")):
            first, second = side + upper, side + lower
            if np.linalg.norm(positions[index[second]] - positions[index[first]]) < 1e-4 * height:
                raise UserError(
                    tr(
                        "In {name} the bones {bone} and {other} start at the same place, so the "
                        "limb has no length; move one of them in Edit Mode."
                    ).format(name=owner.name, bone=mapping.bones[first], other=mapping.bones[second])
                )
