"""A posed skeleton keyed on any mapped armature. Everything is computed first, and written at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Euler, Quaternion

from .. import compat, core
from ..core import ROOT_CONTROL, PosedSkeleton, RootMotionScale, TargetBody, rotations
from .axes import BLENDER_FROM_MOTION, vectors_from_blender, vectors_to_blender
from .hands import hand_rotations, measure_hands
from .key import resampled, scene_fps, write_curves
from .keyable import bone_path, check_chains, check_drivers, check_keyable, check_travel, rotation_channel
from .map import RigMapping
from .own_map import mapping_of
from .rest import MeasuredRig, measure, rest_matrices


@dataclass(frozen=True)
class RootMotion:
    """How the way through the world is scaled, the same for both characters.

    Attributes:
        across: scale of the level way; None means by the hips' height.
        floor: height of the floor in the motion, metres; heights over it are scaled by each rig's own hips.
        soles: whether lowest joints stand as high over the floor as in the rest pose.
    """

    across: float | None = None
    floor: float = 0.0
    soles: bool = True


@dataclass(frozen=True)
class RigKeys:
    """Keys that are ready to be written.

    Attributes:
        owner: the armature.
        frames: (T,) scene frames.
        curves: data path, group and values (T, C) of each property.
        settings: data path, group and value of each property with one key.
        controls: SMPL joint, or one of SMPL-X's hands and face, or ``ROOT_CONTROL``, to the bone that is keyed for it.
    """

    owner: bpy.types.Object
    frames: np.ndarray
    curves: list[tuple[str, str, np.ndarray]]
    settings: list[tuple[str, str, float]]
    controls: dict[str, str]


def hip_ratio(offsets: np.ndarray, owner: bpy.types.Object, scene: bpy.types.Scene) -> float:
    """How many times higher an armature's hips are than those of a person with offsets (J, 3).

    Raises:
        UserError: the object is no rig that a motion can be keyed on.
    """
    mapping, rig = _known(owner, None, scene)
    check_travel(owner, mapping)
    return rig.rest.hip_height / core.person_hip_height(offsets)


def rig_keys(
    posed: PosedSkeleton,
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    start_frame: int,
    travel: RootMotion | None = None,
    mapping: RigMapping | None = None,
) -> RigKeys:
    """The keys that let an armature move as the skeleton does; nothing is changed yet.

    The rest pose may be any, and so may the object's place, turn, even size and parents: bones point in the world
    where the motion's do. What is not mapped stays as it is posed.

    Args:
        posed: the motion, in the world's frame.
        owner: the armature.
        scene: its frame rate and unit are honoured.
        start_frame: where the first key goes.
        travel: how the way is scaled.
        mapping: the armature's bones; None finds them.

    Raises:
        UserError: the armature cannot be keyed.
    """
    mapping, rig = _known(owner, mapping, scene)
    posed = resampled(posed, scene_fps(scene))
    placed = np.array(owner.matrix_world, np.float64)
    chain = _Chain(owner, mapping, _turns_in_armature(posed, rig, placed))
    wanted = _pelvis_in_armature(posed, rig, placed, scene, travel or RootMotion())
    landmarks = rig.rest.landmarks
    pelvis = int(landmarks.owners[0])
    place = rest_matrices(owner, rig.names)[pelvis] @ np.append(landmarks.places[0] / rig.size, 1.0)
    frames = np.arange(start_frame, start_frame + len(posed), dtype=np.float32)
    curves = []
    for joint, name in chain.controls.items():
        path, values = _turned_by(owner.pose.bones[name], chain.basis(joint))
        curves.append((path, name, values))
    controls = dict(chain.controls)
    hands = measure_hands(owner, mapping, rig) if posed.skeleton == core.SMPLX else None
    if hands is not None:
        controls |= hands.controls
        for name, matrices in hand_rotations(posed, hands).items():
            path, values = _turned_by(owner.pose.bones[name], matrices)
            curves.append((path, name, values))
    root = chain.controls[chain.root]
    shift = wanted - chain.point("Pelvis", place[:3])
    curves.append((f"{bone_path(root)}.location", root, shift @ np.linalg.inv(chain.frame_of_location()).T))
    curves += _left_over(owner, controls.values(), root, len(posed))
    settings = [
        (f'{bone_path(item.bone)}["{bpy.utils.escape_identifier(item.property)}"]', item.bone, item.value)
        for item in mapping.settings
    ]
    return RigKeys(owner, frames, curves, settings, controls)


def body_of_rig(
    posed: PosedSkeleton,
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    travel: RootMotion,
    mapping: RigMapping | None = None,
) -> TargetBody:
    """An armature as a body for motions of one person: where its joints are when ``rig_keys`` has keyed one.

    Args:
        posed: a motion of that person.
        owner: the armature.
        scene: its unit is honoured.
        travel: how the way is scaled.
        mapping: the armature's bones; None finds them.

    Raises:
        UserError: the armature cannot be keyed.
    """
    mapping, rig = _known(owner, mapping, scene)
    placed, metres = np.array(owner.matrix_world, np.float64), scene.unit_settings.scale_length or 1.0
    rest = rest_matrices(owner, rig.names)
    landmarks = rig.rest.landmarks
    places = (
        rest[landmarks.owners] @ np.append(landmarks.places / rig.size, np.ones((len(core.SMPL), 1)), 1)[..., None]
    )[:, :3, 0]

    def joints(person: PosedSkeleton) -> np.ndarray:
        chain = _Chain(owner, mapping, _turns_in_armature(person, rig, placed))
        points = [chain.point(rig.joints[bone], place) for bone, place in zip(landmarks.owners, places, strict=True)]
        inside = np.stack(points, axis=1)
        inside += (_pelvis_in_armature(person, rig, placed, scene, travel) - inside[:, 0])[:, None]
        return vectors_from_blender(inside @ placed[:3, :3].T + placed[:3, 3]) * metres

    return TargetBody(joints, _way(posed, rig, travel))


def write_keys(keys: RigKeys, name: str) -> bpy.types.Action:
    """Write keys as a new action, which becomes the armature's; the one that it had is kept in the file."""
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


def _left_over(
    owner: bpy.types.Object, names: Iterable[str], root: str, frames: int
) -> list[tuple[str, str, np.ndarray]]:
    """Curves that take away what an earlier pose left of places and sizes on bones whose turns are keyed.

    What an earlier action or a strip below moves counts too, though it may stand at nothing now: its pose comes back
    with the next frame, or stays when it is shown again and left.
    """
    curves, moved = [], compat.moved_paths(owner)
    for name in names:
        bone = owner.pose.bones[name]
        for channel, neutral in (("location", 0.0), ("scale", 1.0)):
            path = f"{bone_path(name)}.{channel}"
            keyed = channel == "location" and name == root
            if not keyed and (path in moved or any(abs(value - neutral) > 1e-6 for value in getattr(bone, channel))):
                curves.append((path, name, np.full((frames, 3), neutral)))
    return curves


def _known(
    owner: bpy.types.Object, mapping: RigMapping | None, scene: bpy.types.Scene
) -> tuple[RigMapping, MeasuredRig]:
    """The bones of an armature that can be keyed, found where no mapping is given, and its measures."""
    check_keyable(owner)
    mapping = mapping or mapping_of(owner)
    check_chains(owner, mapping)
    check_drivers(owner, mapping)
    scene.view_layers[0].update()
    placed = np.array(owner.matrix_world, np.float64)
    return mapping, measure(owner, mapping, placed, scene.unit_settings.scale_length or 1.0)


def _turns_in_armature(posed: PosedSkeleton, rig: MeasuredRig, placed: np.ndarray) -> dict[str, np.ndarray]:
    """SMPL joint to how far its bone is turned from its rest (T, 3, 3), in the armature's space."""
    axes = placed[:3, :3] / np.linalg.norm(placed[:3, :3], axis=0)
    from_motion = axes.T @ BLENDER_FROM_MOTION
    turns = core.bone_turns(posed, rig.rest)
    return {rig.joints[bone]: from_motion @ turn @ BLENDER_FROM_MOTION.T for bone, turn in turns.items()}


def _way(posed: PosedSkeleton, rig: MeasuredRig, travel: RootMotion) -> RootMotionScale:
    upward = rig.rest.hip_height / core.person_hip_height(posed.offsets)
    across = upward if travel.across is None else travel.across
    return RootMotionScale(across, upward, travel.floor, rig.rest.sole if travel.soles else 0.0)


def _pelvis_in_armature(
    posed: PosedSkeleton, rig: MeasuredRig, placed: np.ndarray, scene: bpy.types.Scene, travel: RootMotion
) -> np.ndarray:
    """(T, 3) where the pelvis shall be, in the armature's space."""
    path = core.pelvis_path(posed, rig.rest, _way(posed, rig, travel))
    world = vectors_to_blender(path) / (scene.unit_settings.scale_length or 1.0)
    return (world - placed[:3, 3]) @ np.linalg.inv(placed[:3, :3]).T


class _Chain:
    """The keyed bones of one armature, each carried by another: turns and places of all of them over time.

    A bone's motion is what takes its rest to its pose, in the armature's space: a turn (T, 3, 3) and a shift (T, 3).
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
        """(T, 3) where a point (3,) of the rest pose goes with a joint's control, without the root's travel."""
        turn, shift = self._carrier(joint)
        head = self._rest[joint][:3, 3]
        return turn @ head + shift + self._turns[joint] @ (place - head)

    def frame_of_location(self) -> np.ndarray:
        """(3, 3) takes the root control's location to the armature's space."""
        check_travel(self._owner, self._mapping)
        bone = self._owner.data.bones[self.controls[self.root]]
        static = self._static(bone)[:3, :3]
        if bone.use_local_location:
            return static @ self._rest[self.root][:3, :3]
        # Without, a bone moves along the axes of its parent, or of the armature.
        return static @ np.array(bone.parent.matrix_local, np.float64)[:3, :3] if bone.parent else static

    def _carrier(self, joint: str) -> tuple[np.ndarray, np.ndarray]:
        """Turn and shift of what carries a joint's control; a turn has no size."""
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
        """(4, 4) what the bones between one and the next keyed one above it do, posed as they are."""
        result = np.eye(4)
        for above in bone.parent_recursive:
            if above.name in self._joint_of:
                break
            rest = np.array(above.matrix_local, np.float64)
            basis = np.array(self._owner.pose.bones[above.name].matrix_basis, np.float64)
            result = rest @ basis @ np.linalg.inv(rest) @ result
        return result


def _turned_by(bone: bpy.types.PoseBone, matrices: np.ndarray) -> tuple[str, np.ndarray]:
    """Data path and values (T, C) of a bone's rotation in the mode that the animator chose for it."""
    quaternions = rotations.continuous_signs(rotations.quaternion_from_matrix(matrices))
    return rotation_channel(bone), rotation_values(bone, quaternions)


def rotation_values(bone: bpy.types.PoseBone, quaternions: np.ndarray) -> np.ndarray:
    """(T, C) values for a bone's rotation, in its rotation mode, that mean quaternions (T, 4)."""
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return quaternions
    if mode == "AXIS_ANGLE":
        turned = rotations.axis_angle_from_quaternion(quaternions)
        angle = np.linalg.norm(turned, axis=1, keepdims=True)
        axis = np.where(angle > 1e-9, turned / np.maximum(angle, 1e-9), (0.0, 1.0, 0.0))
        return np.concatenate((angle, axis), axis=1)
    angles, last = np.empty((len(quaternions), 3)), None
    for row, quaternion in enumerate(quaternions):
        # Of the angles that mean one rotation, those nearest to the frame before.
        last = Quaternion(quaternion).to_euler(mode) if last is None else Quaternion(quaternion).to_euler(mode, last)
        angles[row] = last
    return angles


def quaternions_of(bone: bpy.types.PoseBone, values: np.ndarray) -> np.ndarray:
    """(T, 4) what values (T, C) of a bone's rotation, in its rotation mode, mean."""
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return rotations.normalized(values, 1e-9)
    if mode == "AXIS_ANGLE":
        return rotations.quaternion_from_axis_angle(values[:, :1] * rotations.normalized(values[:, 1:], 1e-9))
    return np.array([Euler(angles, mode).to_quaternion() for angles in values.tolist()])
