"""Arms and legs of control rigs by inverse kinematics: which controls move them, and their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat, core
from ..core import IK_LIMBS, HingedLimb, IkLimb, Setting, UserError, rotations
from ..translations import tr
from .labels import bone_label
from .map import RigMapping
from .rotation_modes import bone_path, rotation_channel

FK, IK, BOTH = "FK", "IK", "BOTH"
"""Forward kinematics, inverse kinematics, or inverse kinematics with keys on the FK controls that match it."""


@dataclass(frozen=True)
class LimbControls:
    """Which controls move the limbs of rigs that have several kinds.

    Attributes:
        arms: ``FK``, ``IK`` or ``BOTH``.
        legs: likewise.
    """

    arms: str = FK
    legs: str = FK

    def of(self, end: str) -> str:
        """For the limb that ends at a joint, such as ``L_Wrist``."""
        return self.arms if end.endswith("Wrist") else self.legs


@dataclass(frozen=True)
class ControlKeys:
    """Keys of one control: (T, 3, 3) rotation and (T, 3) location; None for what is not keyed."""

    bone: str
    joint: str
    rotation: np.ndarray | None = None
    location: np.ndarray | None = None


def ik_limbs(owner: bpy.types.Object, mapping: RigMapping, wanted: LimbControls) -> dict[str, IkLimb]:
    """The limbs of an armature that inverse kinematics is to move, by the joint at their end.

    Limbs of rigs whose bone map names no IK controls are left out: these have one kind of controls.

    Raises:
        UserError: a control is missing or locked.
    """
    limbs = {end: limb for end, limb in mapping.ik.items() if wanted.of(end) != FK and end in mapping.bones}
    for end, limb in limbs.items():
        for name in (limb.control, limb.pole):
            bone = owner.pose.bones.get(name)
            values = {
                "bone": name,
                "name": owner.name,
                "label": bone_label(end),
                "setting": tr("Arms") if end.endswith("Wrist") else tr("Legs"),
            }
            if bone is None:
                raise UserError(
                    tr(
                        "{name} has no bone {bone}, the IK control for {label}; choose FK for {setting}, or "
                        "generate the rig with it."
                    ).format(**values)
                )
            turns = name == limb.control and any(bone.lock_rotation)
            if any(bone.lock_location) or turns:
                raise UserError(
                    tr(
                        "The IK control {bone} of {name} is locked, so {label} would not follow it; unlock it in "
                        "the sidebar under Item, or choose FK for {setting}."
                    ).format(**values)
                )
            driven = {driver.data_path for driver in owner.animation_data.drivers} if owner.animation_data else set()
            if driven & {f"{bone_path(name)}.location", rotation_channel(bone)}:
                raise UserError(
                    tr(
                        "The IK control {bone} of {name} is moved by a driver, which overrides keys; mute or delete "
                        "it, or choose FK for {setting}."
                    ).format(**values)
                )
    return limbs


def keyed_limbs(owner: bpy.types.Object, mapping: RigMapping, action: bpy.types.Action) -> LimbControls:
    """Which controls of an armature have keys in an action."""
    paths = {curve.data_path for curve in compat.curves_of_action(action)}

    def keyed(ends: tuple[str, ...]) -> str:
        limbs = [(end, mapping.ik[end]) for end in ends if end in mapping.ik]
        if not any(f"{bone_path(limb.control)}.location" in paths for _, limb in limbs):
            return FK
        uppers = [mapping.control(IK_LIMBS[end][0]) for end, _ in limbs if IK_LIMBS[end][0] in mapping.bones]
        both = any(path.startswith(bone_path(name) + ".rotation") for name in uppers for path in paths)
        return BOTH if both else IK

    return LimbControls(keyed(("L_Wrist", "R_Wrist")), keyed(("L_Ankle", "R_Ankle")))


def fk_joints(limbs: Mapping[str, IkLimb], wanted: LimbControls) -> frozenset[str]:
    """The joints whose FK controls get no keys, because inverse kinematics alone moves them."""
    alone = [end for end in limbs if wanted.of(end) == IK]
    return frozenset(joint for end in alone for joint in (*IK_LIMBS[end], end, *limbs[end].controls))


def hinged_limb(owner: bpy.types.Object, mapping: RigMapping, end: str, turns: Mapping[str, np.ndarray]) -> HingedLimb:
    """The limb that ends at a joint, bent only as inverse kinematics can bend it.

    Args:
        owner: the armature.
        mapping: its bones.
        end: such as ``L_Wrist``.
        turns: joint to its bone's rotation from rest (T, 3, 3), in armature space.
    """
    upper, middle = IK_LIMBS[end]
    first, second, third = (_head(owner, mapping.bones[joint]) for joint in (upper, middle, end))
    return core.hinged(
        turns[upper], turns[middle], core.limb_at_rest(first, second, third, _head(owner, mapping.ik[end].pole))
    )


def limb_keys(
    owner: bpy.types.Object,
    mapping: RigMapping,
    end: str,
    bent: HingedLimb,
    turns: Mapping[str, np.ndarray],
    places: Mapping[str, np.ndarray],
) -> Iterator[ControlKeys]:
    """The keys of the IK controls of one limb.

    Args:
        owner: the armature.
        mapping: its bones.
        end: joint at the end of the limb.
        bent: the limb over time.
        turns: joint to its bone's rotation from rest (T, 3, 3), in armature space.
        places: joint to where its bone begins (T, 3), in armature space.
    """
    limb, bones = mapping.ik[end], owner.data.bones
    upper, middle = IK_LIMBS[end]
    hand = turns[end]

    control, rest = bones[limb.control], _rest(bones[limb.control])
    carried = _carrier(owner, control, limb.space)
    turned = _rotation(carried) if control.use_inherit_rotation else np.eye(3)
    basis = rest[:3, :3].T @ turned.T @ hand @ rest[:3, :3]
    place = places[end] + (rest[:3, 3] - _head(owner, mapping.bones[end])) @ rotations.transposed(hand)
    yield ControlKeys(limb.control, end, basis, _location(control, carried, place))

    pole = bones[limb.pole]
    away = float(np.linalg.norm(_head(owner, limb.pole) - _head(owner, mapping.bones[middle])))
    place = places[upper] + bent.middle + away * bent.side
    yield ControlKeys(limb.pole, middle, None, _location(pole, _carrier(owner, pole, limb.space), place))

    for joint, name in limb.controls.items():
        if joint in turns:
            axes = _rest(bones[name])[:3, :3]
            yield ControlKeys(name, joint, axes.T @ rotations.transposed(hand) @ turns[joint] @ axes)
    for name in limb.neutral:
        yield ControlKeys(name, end, np.tile(np.eye(3), (len(hand), 1, 1)), np.zeros((len(hand), 3)))


def with_settings(mapping: RigMapping, limbs: Mapping[str, IkLimb], owner: bpy.types.Object) -> tuple[Setting, ...]:
    """The settings of a map, with those that switch limbs to inverse kinematics; only what the armature has."""
    values = {(setting.bone, setting.property): setting for setting in mapping.settings}
    for limb in limbs.values():
        for setting in limb.settings:
            bone = owner.pose.bones.get(setting.bone)
            if bone is not None and (setting.property in bone or hasattr(bone, setting.property)):
                values[setting.bone, setting.property] = setting
    return tuple(values.values())


def setting_path(setting: Setting, owner: bpy.types.Object) -> str:
    """Data path of a setting: a custom property of a bone, or one that Blender gives all bones."""
    name = setting.property
    if name not in owner.pose.bones[setting.bone] and hasattr(owner.pose.bones[setting.bone], name):
        return f"{bone_path(setting.bone)}.{name}"
    return f'{bone_path(setting.bone)}["{bpy.utils.escape_identifier(name)}"]'


def _carrier(owner: bpy.types.Object, bone: bpy.types.Bone, space: str) -> np.ndarray:
    """(4, 4) takes rest to pose for what carries a control; it is not animated, so the present pose tells it."""
    name = space or (bone.parent.name if bone.parent else "")
    if not name:
        return np.eye(4)
    posed = np.array(owner.pose.bones[name].matrix, np.float64)
    return np.asarray(posed @ np.linalg.inv(_rest(owner.data.bones[name])))


def _location(bone: bpy.types.Bone, carried: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T, 3) locations that bring a control to places (T, 3) in armature space."""
    rest = _rest(bone)
    frame = carried @ rest
    axes = frame[:3, :3]
    if not bone.use_local_location:
        # Such a bone moves along the axes of its parent, or of the armature.
        axes = carried[:3, :3] @ _rest(bone.parent)[:3, :3] if bone.parent else carried[:3, :3]
    return np.asarray((places - frame[:3, 3]) @ np.linalg.inv(axes).T)


def _rotation(matrix: np.ndarray) -> np.ndarray:
    """(3, 3) rotation of a matrix, without scale."""
    return np.asarray(matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0))


def _rest(bone: bpy.types.Bone) -> np.ndarray:
    return np.array(bone.matrix_local, np.float64)


def _head(owner: bpy.types.Object, name: str) -> np.ndarray:
    return np.array(owner.data.bones[name].head_local, np.float64)
