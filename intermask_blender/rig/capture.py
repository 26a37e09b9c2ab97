"""Capture of the evaluated motion of any animated rig: constraints, parents and drivers included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import bpy
import numpy as np

from .. import compat, core
from ..core import FPS, MIN_FRAMES, Motion, UserError
from ..translations import tr
from .axes import BLENDER_FROM_MOTION, vectors_from_blender
from .hands import hand_bones, measure_hands, with_captured_hands
from .key import scene_fps
from .map import RigMapping
from .own_map import mapping_of
from .rest import measure

Value = TypeVar("Value")

STILL = 1e-5
"""Metres. Joints with smaller movements do not move."""


_UPSIDE_DOWN = -0.8
"""Cosine between the vertical and the direction from feet to neck below which a figure is upside down."""


@dataclass(frozen=True)
class Captured:
    """The motion of a rig.

    Attributes:
        motion: on SMPL's joints or, with hands, on SMPL-X's; metres, Y up.
        joints: (T, 22, 3) positions of SMPL's joints on the rig, whose proportions may not be a person's.
        start: scene frame of the motion's first frame.
    """

    motion: Motion
    joints: np.ndarray
    start: int


def capture_motion(
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    frame_range: tuple[float, float] | None = None,
    mapping: RigMapping | None = None,
) -> tuple[Motion, int]:
    """The motion of a rig, and the scene frame at which it starts; arguments and errors as for ``capture``."""
    captured = capture(owner, scene, frame_range, mapping)
    return captured.motion, captured.start


def capture(
    owner: bpy.types.Object,
    scene: bpy.types.Scene,
    frame_range: tuple[float, float] | None = None,
    mapping: RigMapping | None = None,
    rate: float = FPS,
    shortest: int = MIN_FRAMES,
) -> Captured:
    """The evaluated motion of a rig in world space.

    The current frame, selection and mode are not changed: the armature is evaluated in a temporary scene.

    Args:
        owner: an armature of a person, with any bone names, rest pose, transforms and size.
        scene: gives frame rate, unit and, if needed, the frame range.
        frame_range: first and last scene frame; without it ``animated_frames``.
            The start is rounded up to a whole frame, so that the partner's keys lie on whole frames.
        mapping: the armature's bones; None finds them.
        rate: frames a second of the result, by default the model's.
        shortest: number of frames below which the motion is refused.

    Raises:
        UserError: no person is found in the armature, it has no size or is mirrored, does not move, or moves for less
            than ``shortest`` frames.
    """
    _check(owner)
    mapping = mapping or mapping_of(owner)
    first, last = frame_range or animated_frames(owner, scene)
    first = float(np.ceil(first - 1e-3))
    fps = scene_fps(scene)
    lasting = (last - first) / fps * rate
    # If the scene's frames are longer than the model's, one more frame covers the scene's last one.
    count = int(np.ceil(lasting - 1e-6) if fps < rate - 1e-6 else np.floor(lasting + 1e-6)) + 1
    if count < shortest:
        raise UserError(
            tr(
                "The motion of {name} lasts {frames} frames (at {fps:g} a second) from frame {first:.0f} "
                "to {last:.0f}; a leader needs at least {shortest}, so key or choose a longer range."
            ).format(name=owner.name, frames=max(count, 0), fps=rate, first=first, last=last, shortest=shortest)
        )
    names = _read_bones(owner, mapping)
    placed, posed = evaluated_bones(owner, scene, np.minimum(first + np.arange(count) * fps / rate, last), names)
    _check_evaluated(owner, placed, posed)
    motion, joints = _motion(owner, mapping, names, placed, posed, scene.unit_settings.scale_length or 1.0)
    _check_upright(owner, joints)
    if np.ptp(motion.joints, axis=0).max() < STILL:
        raise UserError(
            tr(
                "{name} does not move between frames {first:.0f} and {last:.0f}; unmute its animation, or "
                "choose a leader that has some."
            ).format(name=owner.name, first=first, last=last)
        )
    return Captured(replace(motion, fps=rate), joints, int(first))


def capture_pose(owner: bpy.types.Object, scene: bpy.types.Scene, frame: float | None = None) -> Captured:
    """The pose of a rig in world space, as a motion of one frame.

    Args:
        owner: as for ``capture``.
        scene: gives the unit.
        frame: of the scene; None reads the pose as it is shown, with changes that are not keyed.

    Raises:
        UserError: no person is found in the armature, or it has no size or is mirrored.
    """
    _check(owner)
    mapping = mapping_of(owner)
    names = _read_bones(owner, mapping)
    layer = bpy.context.view_layer
    if frame is None and owner.name in layer.objects and bpy.context.scene == scene:
        numbers = [owner.pose.bones.find(name) for name in names]
        layer.update()
        placed, posed = (part[None] for part in _matrices(owner.evaluated_get(layer.depsgraph), numbers))
    else:
        whole = float(scene.frame_current) if frame is None else frame
        placed, posed = evaluated_bones(owner, scene, np.array([whole]), names)
    _check_evaluated(owner, placed, posed)
    motion, joints = _motion(owner, mapping, names, placed, posed, scene.unit_settings.scale_length or 1.0)
    return Captured(motion, joints, scene.frame_current if frame is None else round(frame))


def _read_bones(owner: bpy.types.Object, mapping: RigMapping) -> tuple[str, ...]:
    """The bones that a motion is read from: the body's, the hands', and those that carry hands."""
    body = [mapping.bones[joint] for joint in core.SMPL.joints if joint in mapping.bones]
    hands = hand_bones(owner)
    above = [owner.data.bones[name].parent.name for name in hands if owner.data.bones[name].parent]
    return tuple(dict.fromkeys((*body, *hands, *above)))


def animated_frames(owner: bpy.types.Object, scene: bpy.types.Scene) -> tuple[float, float]:
    """First and last frame of the object's own keys and NLA strips, else the scene's range.

    The scene's range also applies to an armature with fewer own frames than a leader needs if something else moves it,
    such as constraints to animated objects.

    Raises:
        UserError: as ``capture``.
    """
    own, whole = compat.animated_range(owner), (float(scene.frame_start), float(scene.frame_end))
    if own is None:
        return whole
    short = (own[1] - own[0]) / scene_fps(scene) * FPS + 1 < MIN_FRAMES
    return whole if short and _follows_others(owner) and _moves_outside(owner, scene, own, whole) else own


def _follows_others(owner: bpy.types.Object) -> bool:
    driven = owner.animation_data is not None and len(owner.animation_data.drivers) > 0
    bones = owner.pose.bones if owner.pose else ()
    constrained = len(owner.constraints) > 0 or any(len(bone.constraints) > 0 for bone in bones)
    return driven or constrained or owner.parent is not None


def _moves_outside(
    owner: bpy.types.Object, scene: bpy.types.Scene, own: tuple[float, float], whole: tuple[float, float]
) -> bool:
    """Whether the body also moves outside the range of its own keys, for example with a parent or a constraint."""
    _check(owner)
    frames = np.arange(np.ceil(whole[0]), whole[1] + 1e-3)
    names = tuple(mapping_of(owner).bones.values())
    for outside in (frames[frames < own[0]], frames[frames > own[1]]):
        if len(outside) > 1:
            placed, posed = evaluated_bones(owner, scene, outside, names)
            places = (placed[:, None] @ posed)[..., :3, 3] * (scene.unit_settings.scale_length or 1.0)
            # Non-finite transforms count as motion: they are reported when the whole range is read.
            if not np.ptp(places, axis=0).max() < STILL:
                return True
    return False


def _check(owner: bpy.types.Object) -> None:
    if owner.type != "ARMATURE":
        raise UserError(tr("{name} is not an armature; choose an armature as leader.").format(name=owner.name))
    if owner.hide_viewport:
        raise UserError(
            tr("{name} is disabled in the viewport (monitor icon), so it does not move; enable it there.").format(
                name=owner.name
            )
        )
    if owner.mode == "EDIT" or owner.data.is_editmode:
        raise UserError(
            tr("{name} is in Edit Mode, so it does not move; leave Edit Mode first.").format(name=owner.name)
        )
    if owner.data.pose_position == "REST":
        raise UserError(
            tr(
                "{name} is shown in its Rest Position, so it does not move; choose Pose Position in "
                "its armature's properties."
            ).format(name=owner.name)
        )


def _check_evaluated(owner: bpy.types.Object, placed: np.ndarray, posed: np.ndarray) -> None:
    """Refuse non-finite matrices of the object (T, 4, 4) or its bones (T, N, 4, 4), and changing scale."""
    if not (np.isfinite(placed).all() and np.isfinite(posed).all()):
        raise UserError(
            tr("Bones of {name} have non-finite transforms in some frame; check their keys.").format(name=owner.name)
        )
    axes = np.linalg.norm(placed[:, :3, :3], axis=1)
    sizes = axes[:, (axes.max(0) / np.maximum(axes.min(0), 1e-12)).argmax()]
    if sizes[0] > 0.0 and sizes.max() > 1.02 * sizes.min():
        raise UserError(
            tr(
                "{name} changes its size while it moves (from {before:.3g} to {after:.3g}); choose "
                "another leader, or mute the keys of its scale."
            ).format(name=owner.name, before=sizes[0], after=sizes[-1])
        )


def _check_upright(owner: bpy.types.Object, joints: np.ndarray) -> None:
    """Refuse joints (T, 22, 3) of a figure that is upside down in most frames."""
    feet = joints[:, [core.SMPL.index("L_Ankle"), core.SMPL.index("R_Ankle")]].mean(axis=1)
    up = joints[:, core.SMPL.index("Neck")] - feet
    if np.median(up[:, 1] / np.maximum(np.linalg.norm(up, axis=1), 1e-9)) < _UPSIDE_DOWN:
        raise UserError(
            tr(
                "{name} is upside down, head below feet, in most of its motion; turn the object by 180 degrees about X "
                "(R X 180)."
            ).format(name=owner.name)
        )


def evaluated_bones(
    owner: bpy.types.Object, scene: bpy.types.Scene, frames: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """World matrices of the object (T, 4, 4) and some bones' matrices in it (T, N, 4, 4) at scene frames."""
    numbers = [owner.pose.bones.find(name) for name in names]
    found = evaluated_at((owner,), scene, frames, lambda graph: _matrices(owner.evaluated_get(graph), numbers))
    placed, posed = zip(*found, strict=True) if found else ((), ())
    return np.array(placed).reshape(-1, 4, 4), np.array(posed).reshape(-1, len(names), 4, 4)


def _matrices(evaluated: bpy.types.Object, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """World matrix of an evaluated armature (4, 4), and the matrices of some of its bones in it (N, 4, 4)."""
    bones = evaluated.pose.bones
    flat = np.empty(len(bones) * 16, np.float32)
    bones.foreach_get("matrix", flat)
    # Blender returns matrices in column-major order.
    return np.array(evaluated.matrix_world), flat.reshape(-1, 4, 4).swapaxes(1, 2)[list(numbers)]


def evaluated_at(
    owners: Sequence[bpy.types.Object],
    scene: bpy.types.Scene,
    frames: np.ndarray,
    read: Callable[[bpy.types.Depsgraph], Value],
) -> list[Value]:
    """What is read of objects at scene frames (T,), which may have fractions; the scene itself stays at its frame.

    Args:
        owners: the objects that are evaluated, with all that they depend on.
        scene: theirs.
        frames: of the scene.
        read: called at each frame.
    """
    result = []
    with _isolated(owners, scene) as (temporary, layer):
        for frame in frames:
            whole = int(np.floor(frame + 1e-6))
            temporary.frame_set(whole, subframe=float(np.clip(frame - whole, 0.0, 0.999999)))
            result.append(read(layer.depsgraph))
    return result


@contextmanager
def _isolated(
    owners: Sequence[bpy.types.Object], scene: bpy.types.Scene
) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer]]:
    """A temporary scene with only these objects; their dependencies are evaluated with them."""
    temporary = bpy.data.scenes.new("InterMask Temporary")
    try:
        temporary.render.fps, temporary.render.fps_base = scene.render.fps, scene.render.fps_base
        _copy_scene_properties(scene, temporary)
        for owner in owners:
            temporary.collection.objects.link(owner)
        yield temporary, temporary.view_layers[0]
    finally:
        bpy.data.scenes.remove(temporary)


def _copy_scene_properties(scene: bpy.types.Scene, temporary: bpy.types.Scene) -> None:
    """Copy custom properties and animation of the scene, which drivers may read from the scene of their evaluation."""
    for name, value in scene.items():
        if isinstance(value, int | float | str):
            temporary[name] = value
    animation = scene.animation_data
    if animation is not None and animation.action is not None:
        compat.assign_action(temporary, animation.action, compat.slot_name(scene))


def _motion(
    owner: bpy.types.Object,
    mapping: RigMapping,
    names: tuple[str, ...],
    placed: np.ndarray,
    posed: np.ndarray,
    metres: float,
) -> tuple[Motion, np.ndarray]:
    """Motion of SMPL's joints and, if the rig has them, the hands' from evaluated bone matrices (T, N, 4, 4).

    Also returns the actual positions (T, 22, 3) of SMPL's joints.
    """
    world = placed[:, None] @ posed
    turned = BLENDER_FROM_MOTION.T @ _orthonormal(world[..., :3, :3])
    points = vectors_from_blender(world[..., :3, 3] * metres)
    rig = measure(owner, mapping, placed[0], metres, (turned, points, names))
    place = {name: number for number, name in enumerate(names)}
    read = [place[name] for name in rig.names]
    body = core.motion_of_bones(rig.rest, turned[:, read], points[:, read])
    rig_joints = core.landmark_points(rig.rest, turned[:, read], points[:, read])
    hands = measure_hands(owner, mapping, rig)
    if hands is None:
        return body, rig_joints
    matrices = {name: turned[:, number] for name, number in place.items()}
    tips = points[:, [place[name] for name in hands.names]]
    return with_captured_hands(body, owner, hands, matrices, tips), rig_joints


def _orthonormal(matrices: np.ndarray) -> np.ndarray:
    """The rotations nearest to scaled ones (..., 3, 3)."""
    left, _, right = np.linalg.svd(matrices)
    sign = np.sign(np.linalg.det(left @ right))
    left[..., :, -1] *= sign[..., None]
    return left @ right
