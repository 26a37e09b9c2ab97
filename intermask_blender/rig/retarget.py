"""Keying a posed skeleton on any mapped armature: all keys are computed first, then written in one step."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import bpy
import numpy as np

from .. import compat, core
from ..core import IK_LIMBS, ROOT_CONTROL, PosedSkeleton, RigRest, RootMotionScale, rotations
from .axes import BLENDER_FROM_MOTION, vectors_from_blender, vectors_to_blender
from .fingers import finger_keys, rig_fingers
from .hands import hand_rotations, measure_hands
from .key import resampled, scene_fps, write_curves
from .keyable import check_chains, check_drivers, check_keyable, check_root_motion
from .limb_controls import LimbControls, fk_joints, hinged_limb, ik_limbs, limb_keys, setting_path, with_settings
from .map import RigMapping
from .own_map import mapping_of
from .rest import MeasuredRig, measure, rest_matrices
from .rotation_modes import bone_path, rotation_channel, rotation_values


@dataclass(frozen=True)
class RootMotion:
    """How root motion is scaled and placed; the same for both characters.

    Attributes:
        across: scale of level root motion; None means the ratio of the hips' heights.
        floor: height of the floor in the motion, metres; heights above it are scaled by each rig's own hips.
        soles: whether the lowest joints keep their height above the floor of the rest pose.
        spot: (4, 4) matrix of the motion's world in the scene, scene units; None means that they are the same.
    """

    across: float | None = None
    floor: float = 0.0
    soles: bool = True
    spot: np.ndarray | None = field(default=None, compare=False)

    def placed(self, owner: bpy.types.Object) -> np.ndarray:
        """(4, 4) an object's matrix in the motion's world."""
        placed = np.array(owner.matrix_world, np.float64)
        return placed if self.spot is None else np.linalg.inv(self.spot) @ placed


@dataclass(frozen=True)
class RigKeys:
    """Keys, ready to be written.

    Attributes:
        owner: the armature.
        frames: (T,) scene frames.
        curves: data path, group and values (T, C) of each property.
        settings: data path, group and value of each property with one key.
        joints: keyed bone to SMPL's joint, or one of SMPL-X's hands and face, or ``ROOT_CONTROL``.
    """

    owner: bpy.types.Object
    frames: np.ndarray
    curves: list[tuple[str, str, np.ndarray]]
    settings: list[tuple[str, str, float]]
    joints: dict[str, str]


def hip_ratio(offsets: np.ndarray, owner: bpy.types.Object, scene: bpy.types.Scene) -> float:
    """How many times higher an armature's hips are than those of a person with offsets (J, 3).

    Raises:
        UserError: the object is no rig that a motion can be keyed on.
    """
    return rig_rest(owner, scene).hip_height / core.person_hip_height(offsets)


def rig_rest(owner: bpy.types.Object, scene: bpy.types.Scene) -> RigRest:
    """The measured rest pose of an armature that a motion is to be keyed on.

    Raises:
        UserError: the object is no rig that a motion can be keyed on.
    """
    mapping, rig = _mapped_rig(owner, None, scene)
    check_root_motion(owner, mapping)
    return rig.rest


def rig_keys(
    posed: PosedSkeleton,
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    start_frame: int,
    root_motion: RootMotion | None = None,
    mapping: RigMapping | None = None,
    limbs: LimbControls | None = None,
) -> RigKeys:
    """The keys that make an armature move like the skeleton; nothing is changed yet.

    The armature may have any rest pose, location, rotation, uniform scale and parents: in the world its bones point in
    the motion's directions. Bones that are not mapped keep their pose.

    Args:
        posed: the motion, in world space.
        owner: the armature.
        scene: gives frame rate and unit.
        start_frame: scene frame of the first key.
        root_motion: how root motion is scaled.
        mapping: the armature's bones; None finds them.
        limbs: which controls move arms and legs of a control rig; None means forward kinematics.

    Raises:
        UserError: the armature cannot be keyed.
    """
    mapping, rig = _mapped_rig(owner, mapping, scene)
    wanted = limbs or LimbControls()
    by_ik = ik_limbs(owner, mapping, wanted)
    posed = resampled(posed, scene_fps(scene))
    root_motion = root_motion or RootMotion()
    placed = root_motion.placed(owner)
    turns = _turns_in_armature(posed, rig, placed)
    bent = {end: hinged_limb(owner, mapping, end, turns) for end in by_ik}
    for end, limb in bent.items():
        turns |= dict(zip(IK_LIMBS[end], (limb.upper, limb.lower), strict=True))
    chain = _Chain(owner, mapping, turns)
    pelvis_path = _pelvis_in_armature(posed, rig, placed, scene, root_motion)
    landmarks = rig.rest.landmarks
    pelvis = int(landmarks.owners[0])
    place = rest_matrices(owner, rig.names)[pelvis] @ np.append(landmarks.places[0] / rig.size, 1.0)
    frames = np.arange(start_frame, start_frame + len(posed), dtype=np.float32)
    curves = []
    unkeyed = fk_joints(by_ik, wanted)
    joints = {name: joint for joint, name in chain.controls.items() if joint not in unkeyed}
    for name, joint in joints.items():
        path, values = _rotation_curve(owner.pose.bones[name], chain.basis(joint))
        curves.append((path, name, values))
    hands = measure_hands(owner, mapping, rig) if posed.skeleton == core.SMPLX else None
    if hands is not None:
        joints |= {bone: joint for joint, bone in hands.controls.items()}
        for name, matrices in hand_rotations(posed, hands).items():
            path, values = _rotation_curve(owner.pose.bones[name], matrices)
            curves.append((path, name, values))
    elif posed.skeleton == core.SMPLX:
        fingers = rig_fingers(owner, mapping)
        joints |= {bone: joint for finger in fingers for joint, bone in zip(finger.joints, finger.bones, strict=True)}
        for name, matrices in finger_keys(posed, fingers, owner).items():
            path, values = _rotation_curve(owner.pose.bones[name], matrices)
            curves.append((path, name, values))
    root = chain.controls[chain.root]
    shift = pelvis_path - chain.point("Pelvis", place[:3])
    curves.append((f"{bone_path(root)}.location", root, shift @ np.linalg.inv(chain.frame_of_location()).T))
    for end, limb in bent.items():
        heads = {joint: chain.head(joint) + shift for joint in (IK_LIMBS[end][0], end)}
        for control in limb_keys(owner, mapping, end, limb, turns, heads):
            if control.bone in joints:
                # Some rigs have one control for the toes, whatever moves the leg.
                continue
            joints[control.bone] = control.joint
            if control.rotation is not None:
                path, values = _rotation_curve(owner.pose.bones[control.bone], control.rotation)
                curves.append((path, control.bone, values))
            if control.location is not None:
                curves.append((f"{bone_path(control.bone)}.location", control.bone, control.location))
    curves += _reset_curves(owner, joints, {path for path, _, _ in curves}, len(posed))
    settings = [(setting_path(item, owner), item.bone, item.value) for item in with_settings(mapping, by_ik, owner)]
    return RigKeys(owner, frames, curves, settings, joints)


def body_of_rig(
    posed: PosedSkeleton,
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    root_motion: RootMotion,
    mapping: RigMapping | None = None,
) -> core.TargetBody:
    """An armature as a target body for motions of one person: the positions that ``rig_keys`` gives its joints.

    Args:
        posed: a motion of that person.
        owner: the armature.
        scene: gives the unit.
        root_motion: how root motion is scaled.
        mapping: the armature's bones; None finds them.

    Raises:
        UserError: the armature cannot be keyed.
    """
    mapping, rig = _mapped_rig(owner, mapping, scene)
    placed, metres = root_motion.placed(owner), scene.unit_settings.scale_length or 1.0
    rest = rest_matrices(owner, rig.names)
    landmarks = rig.rest.landmarks
    places = (
        rest[landmarks.owners] @ np.append(landmarks.places / rig.size, np.ones((len(core.SMPL), 1)), 1)[..., None]
    )[:, :3, 0]

    def joints(person: PosedSkeleton) -> np.ndarray:
        chain = _Chain(owner, mapping, _turns_in_armature(person, rig, placed))
        points = [chain.point(rig.joints[bone], place) for bone, place in zip(landmarks.owners, places, strict=True)]
        inside = np.stack(points, axis=1)
        inside += (_pelvis_in_armature(person, rig, placed, scene, root_motion) - inside[:, 0])[:, None]
        return vectors_from_blender(inside @ placed[:3, :3].T + placed[:3, 3]) * metres

    return core.TargetBody(joints, _scale(posed, rig, root_motion))


def write_keys(keys: RigKeys, name: str) -> bpy.types.Action:
    """Write keys as a new action and assign it; the previous action is kept in the file."""
    owner = keys.owner
    animation = owner.animation_data or owner.animation_data_create()
    if animation.action is not None:
        animation.action.use_fake_user = True
    action = bpy.data.actions.new(name)
    animation.action = action
    store = compat.fcurve_store(owner, action)
    for path, group, values in keys.curves:
        write_curves(store, path, group, keys.frames, values)
    for path, group, value in keys.settings:
        curve = compat.add_fcurve(store, path, 0, group)
        curve.keyframe_points.add(1)
        curve.keyframe_points[0].co = (float(keys.frames[0]), value)
        curve.update()
    return action


def _reset_curves(
    owner: bpy.types.Object, names: Iterable[str], keyed: Collection[str], frames: int
) -> list[tuple[str, str, np.ndarray]]:
    """Curves that reset the location and scale that an earlier pose left on bones whose rotation is keyed.

    This includes channels that an earlier action or an NLA strip below animates, even if they are neutral now: their
    pose returns with the next frame.
    """
    curves, moved = [], compat.moved_paths(owner)
    for name in names:
        bone = owner.pose.bones[name]
        for channel, neutral in (("location", 0.0), ("scale", 1.0)):
            path = f"{bone_path(name)}.{channel}"
            if path not in keyed and (
                path in moved or any(abs(value - neutral) > 1e-6 for value in getattr(bone, channel))
            ):
                curves.append((path, name, np.full((frames, 3), neutral)))
    return curves


def _mapped_rig(
    owner: bpy.types.Object, mapping: RigMapping | None, scene: bpy.types.Scene
) -> tuple[RigMapping, MeasuredRig]:
    """The bones of an armature that can be keyed, recognised if no mapping is given, and its measurements."""
    check_keyable(owner)
    mapping = mapping or mapping_of(owner)
    check_chains(owner, mapping)
    check_drivers(owner, mapping)
    scene.view_layers[0].update()
    placed = np.array(owner.matrix_world, np.float64)
    return mapping, measure(owner, mapping, placed, scene.unit_settings.scale_length or 1.0)


def _turns_in_armature(posed: PosedSkeleton, rig: MeasuredRig, placed: np.ndarray) -> dict[str, np.ndarray]:
    """SMPL joint to its bone's rotation from rest (T, 3, 3), in armature space."""
    axes = placed[:3, :3] / np.linalg.norm(placed[:3, :3], axis=0)
    from_motion = axes.T @ BLENDER_FROM_MOTION
    turns = core.bone_rotations(posed, rig.rest)
    return {rig.joints[bone]: from_motion @ turn @ BLENDER_FROM_MOTION.T for bone, turn in turns.items()}


def _scale(posed: PosedSkeleton, rig: MeasuredRig, root_motion: RootMotion) -> RootMotionScale:
    upward = rig.rest.hip_height / core.person_hip_height(posed.offsets)
    across = upward if root_motion.across is None else root_motion.across
    return RootMotionScale(across, upward, root_motion.floor, rig.rest.sole if root_motion.soles else 0.0)


def _pelvis_in_armature(
    posed: PosedSkeleton, rig: MeasuredRig, placed: np.ndarray, scene: bpy.types.Scene, root_motion: RootMotion
) -> np.ndarray:
    """(T, 3) target positions of the pelvis, in armature space."""
    path = core.pelvis_path(posed, rig.rest, _scale(posed, rig, root_motion))
    world = vectors_to_blender(path) / (scene.unit_settings.scale_length or 1.0)
    return (world - placed[:3, 3]) @ np.linalg.inv(placed[:3, :3]).T


class _Chain:
    """The keyed bones of an armature and their transforms over time.

    A bone's transform maps its rest to its pose, in armature space: a rotation (T, 3, 3) and a translation (T, 3). Each
    bone is carried by the keyed bone above it, or by the one that it follows.
    """

    def __init__(self, owner: bpy.types.Object, mapping: RigMapping, turns: dict[str, np.ndarray]) -> None:
        self._owner, self._mapping = owner, mapping
        controls = {joint: mapping.control(joint) for joint in turns}
        self.root = "Pelvis"
        if mapping.root:
            self.root = ROOT_CONTROL
            controls = {ROOT_CONTROL: mapping.root, **controls}
            turns = {ROOT_CONTROL: turns["Pelvis"], **turns}
        self.controls = controls
        """Joint (or ``ROOT_CONTROL``) to the bone that is keyed."""
        self._turns = turns
        self._joint_of = {name: joint for joint, name in controls.items()}
        self._rest = {joint: np.array(owner.data.bones[name].matrix_local) for joint, name in controls.items()}
        self._carried: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def basis(self, joint: str) -> np.ndarray:
        """(T, 3, 3) the rotation that is keyed on a joint's control."""
        rest = self._rest[joint][:3, :3]
        return rest.T @ rotations.transposed(self._carrier(joint)[0]) @ self._turns[joint] @ rest

    def point(self, joint: str, place: np.ndarray) -> np.ndarray:
        """(T, 3) positions of a point (3,) of the rest pose that moves with a joint's control, without root motion."""
        turn, shift = self._carrier(joint)
        head = self._rest[joint][:3, 3]
        return turn @ head + shift + self._turns[joint] @ (place - head)

    def head(self, joint: str) -> np.ndarray:
        """(T, 3) where the bone that is read for a joint begins, without root motion."""
        return self.point(joint, np.array(self._owner.data.bones[self._mapping.bones[joint]].head_local, np.float64))

    def frame_of_location(self) -> np.ndarray:
        """(3, 3) takes the root-motion bone's location to armature space."""
        check_root_motion(self._owner, self._mapping)
        bone = self._owner.data.bones[self.controls[self.root]]
        static = self._static(bone)[:3, :3]
        if bone.use_local_location:
            return static @ self._rest[self.root][:3, :3]
        # Otherwise a bone moves along the axes of its parent, or of the armature.
        return static @ np.array(bone.parent.matrix_local, np.float64)[:3, :3] if bone.parent else static

    def _carrier(self, joint: str) -> tuple[np.ndarray, np.ndarray]:
        """Rotation and translation of the bone that carries a joint's control, without scale."""
        if joint not in self._carried:
            self._carried[joint] = self._find_carrier(joint)
        return self._carried[joint]

    def _find_carrier(self, joint: str) -> tuple[np.ndarray, np.ndarray]:
        bone = self._owner.data.bones[self.controls[joint]]
        between = np.eye(4)
        other = self._mapping.follows.get(joint, "")
        while other and other not in self.controls:
            other = self._mapping.follows.get(other, "")
        if not other:
            between = self._static(bone)
            other = next((self._joint_of[b.name] for b in bone.parent_recursive if b.name in self._joint_of), "")
        turn, shift = between[:3, :3] / np.cbrt(np.linalg.det(between[:3, :3])), between[:3, 3]
        if not other:
            count = len(next(iter(self._turns.values())))
            turn, shift = np.tile(turn, (count, 1, 1)), np.tile(shift, (count, 1))
        else:
            shift = self.point(other, shift)
            turn = self._turns[other] @ turn
        head = self._rest[joint][:3, 3]
        if not bone.use_inherit_rotation:
            place = turn @ head + shift
            turn = np.tile(np.eye(3), (len(turn), 1, 1))
            shift = place - head
        return turn, shift

    def _static(self, bone: bpy.types.Bone) -> np.ndarray:
        """(4, 4) combined pose of the bones between a bone and the next keyed one above it."""
        result = np.eye(4)
        for above in bone.parent_recursive:
            if above.name in self._joint_of:
                break
            rest = np.array(above.matrix_local, np.float64)
            basis = np.array(self._owner.pose.bones[above.name].matrix_basis, np.float64)
            result = rest @ basis @ np.linalg.inv(rest) @ result
        return result


def _rotation_curve(bone: bpy.types.PoseBone, matrices: np.ndarray) -> tuple[str, np.ndarray]:
    """Data path and values (T, C) of a bone's rotation, in its rotation mode."""
    quaternions = rotations.continuous_signs(rotations.quaternion_from_matrix(matrices))
    return rotation_channel(bone), rotation_values(bone, quaternions)
