"""From any animated rig of a person to a motion, as the eye sees it: constraints, parents and drivers included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat, core
from ..core import FPS, Motion, UserError
from ..translations import tr
from .axes import BLENDER_FROM_MOTION, vectors_from_blender
from .hands import hand_bones, measure_hands, with_captured_hands
from .key import scene_fps
from .map import RigMapping
from .own_map import mapping_of
from .rest import measure

SHORTEST = 16
"""Frames at the model's rate below which a motion holds too little to react to."""

STILL = 1e-5
"""Metres. A joint that never moves farther than this does not move."""


_ON_ITS_HEAD = -0.8
"""Cosine between the vertical and the way from feet to neck below which a figure is upside down."""


@dataclass(frozen=True)
class Captured:
    """What a rig does.

    Attributes:
        motion: on SMPL's joints or, with hands, on SMPL-X's; metres, Y up, at the model's rate.
        joints: (T, 22, 3) where SMPL's joints really are on the rig, whose proportions may be no person's.
        start: the scene frame of the first one.
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
) -> Captured:
    """The evaluated motion of a rig in the world at the model's rate.

    The user's frame, selection and mode stay as they are: the armature is evaluated in a throw-away scene.

    Args:
        owner: an armature of a person, whatever its bones' names, rest pose, place and size.
        scene: whose frame rate and, without a range, frame range count.
        frame_range: first and last scene frame; without it ``animated_frames``.
            It starts at a whole frame, so that keys made beside it do.
        mapping: the armature's bones; None finds them.

    Raises:
        UserError: no person is found in the armature, it has no size or is mirrored, does not move, or moves for less
            than 16 frames.
    """
    _check(owner)
    mapping = mapping or mapping_of(owner)
    first, last = frame_range or animated_frames(owner, scene)
    first = float(np.ceil(first - 1e-3))
    fps = scene_fps(scene)
    lasting = (last - first) / fps * FPS
    # A scene's frame that is longer than the model's would be cut off with the model's last one: one more reaches it.
    count = int(np.ceil(lasting - 1e-6) if fps < FPS else np.floor(lasting + 1e-6)) + 1
    if count < SHORTEST:
        raise UserError(
            f"The motion of {owner.name} lasts {max(count, 0)} frames (at {FPS:g} a second) from frame {first:g} to "
            f"{last:g}; a leader needs at least {SHORTEST}, so key or choose a longer range."
        )
    body = [mapping.bones[joint] for joint in core.SMPL.joints if joint in mapping.bones]
    hands = hand_bones(owner)
    above = [owner.data.bones[name].parent.name for name in hands if owner.data.bones[name].parent]
    names = tuple(dict.fromkeys((*body, *hands, *above)))
    placed, posed = _evaluated(owner, scene, np.minimum(first + np.arange(count) * fps / FPS, last), names)
    _check_evaluated(owner, placed, posed)
    motion, joints = _motion(owner, mapping, names, placed, posed, scene.unit_settings.scale_length or 1.0)
    if np.ptp(motion.joints, axis=0).max() < STILL:
        raise UserError(
            f"{owner.name} does not move between frames {first:g} and {last:g}; unmute its animation, or choose a "
            "leader that has some."
        )
    return Captured(motion, joints, int(first))


def animated_frames(owner: bpy.types.Object, scene: bpy.types.Scene) -> tuple[float, float]:
    """First and last frame of the object's own keys and NLA strips, else the scene's range.

    The scene's too for an armature with less than a leader needs of its own that something else moves besides: one
    key of a pose, and constraints to what is animated.

    Raises:
        UserError: as ``capture``.
    """
    own, whole = compat.animated_range(owner), (float(scene.frame_start), float(scene.frame_end))
    if own is None:
        return whole
    short = (own[1] - own[0]) / scene_fps(scene) * FPS + 1 < SHORTEST
    return whole if short and _follows_others(owner) and _moves_beside(owner, scene, own, whole) else own


def _follows_others(owner: bpy.types.Object) -> bool:
    driven = owner.animation_data is not None and len(owner.animation_data.drivers) > 0
    bones = owner.pose.bones if owner.pose else ()
    constrained = len(owner.constraints) > 0 or any(len(bone.constraints) > 0 for bone in bones)
    return driven or constrained or owner.parent is not None


def _moves_beside(
    owner: bpy.types.Object, scene: bpy.types.Scene, own: tuple[float, float], whole: tuple[float, float]
) -> bool:
    """Whether the body moves before or after its own keys, where they stand still: a parent need not move it."""
    _check(owner)
    frames = np.arange(np.ceil(whole[0]), whole[1] + 1e-3)
    names = tuple(mapping_of(owner).bones.values())
    for beside in (frames[frames < own[0]], frames[frames > own[1]]):
        if len(beside) > 1:
            placed, posed = _evaluated(owner, scene, beside, names)
            places = (placed[:, None] @ posed)[..., :3, 3] * (scene.unit_settings.scale_length or 1.0)
            # What is nowhere (not a number) counts: it is told where all of the range is read.
            if not np.ptp(places, axis=0).max() < STILL:
                return True
    return False


def _check(owner: bpy.types.Object) -> None:
    if owner.type != "ARMATURE":
        raise UserError(f"{owner.name} is not an armature; choose an armature as leader.")
    if owner.hide_viewport:
        raise UserError(
            f"{owner.name} is disabled in the viewport (monitor icon), where it stands still; enable it there."
        )
    if owner.mode == "EDIT" or owner.data.is_editmode:
        raise UserError(f"{owner.name} is in Edit Mode, where it stands still; leave Edit Mode first.")
    if owner.data.pose_position == "REST":
        raise UserError(
            f"{owner.name} is shown in its Rest Position, where it stands still; choose Pose Position in its "
            "armature's properties."
        )


def _check_evaluated(owner: bpy.types.Object, placed: np.ndarray, posed: np.ndarray) -> None:
    """Whether the matrices of the object (T, 4, 4) and of its bones (T, N, 4, 4) are those of one figure."""
    if not (np.isfinite(placed).all() and np.isfinite(posed).all()):
        raise UserError(f"Bones of {owner.name} are nowhere (not a number) in some frame; look for them in its keys.")
    axes = np.linalg.norm(placed[:, :3, :3], axis=1)
    sizes = axes[:, (axes.max(0) / np.maximum(axes.min(0), 1e-12)).argmax()]
    if sizes[0] > 0.0 and sizes.max() > 1.02 * sizes.min():
        raise UserError(
            f"{owner.name} changes its size while it moves ({sizes[0]:.3g} at first, {sizes[-1]:.3g} at last); choose "
            "a leader that keeps it, or mute the keys of its scale."
        )


def _check_upright(owner: bpy.types.Object, joints: np.ndarray) -> None:
    """Whether joints (T, 22, 3) are those of a figure that does not stand on its head all the time."""
    feet = joints[:, [core.SMPL.index("L_Ankle"), core.SMPL.index("R_Ankle")]].mean(axis=1)
    up = joints[:, core.SMPL.index("Neck")] - feet
    if np.median(up[:, 1] / np.maximum(np.linalg.norm(up, axis=1), 1e-9)) < _ON_ITS_HEAD:
        raise UserError(
            tr(
                "{name} is upside down, head below feet, in most of its motion; turn the object by 180 degrees about X "
                "(R X 180)."
            ).format(name=owner.name)
        )


def _evaluated(
    owner: bpy.types.Object, scene: bpy.types.Scene, frames: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """World matrices of the object (T, 4, 4) and some bones' matrices in it (T, N, 4, 4) at scene frames."""
    placed, posed = np.empty((len(frames), 4, 4)), np.empty((len(frames), len(names), 4, 4))
    rows = [owner.pose.bones.find(name) for name in names]
    with _alone(owner, scene) as (workshop, layer):
        for row, frame in enumerate(frames):
            whole = int(np.floor(frame + 1e-6))
            workshop.frame_set(whole, subframe=float(np.clip(frame - whole, 0.0, 0.999999)))
            evaluated = owner.evaluated_get(layer.depsgraph)
            placed[row] = evaluated.matrix_world
            bones = evaluated.pose.bones
            flat = np.empty(len(bones) * 16, np.float32)
            bones.foreach_get("matrix", flat)
            # Blender hands matrices over column by column.
            matrices = flat.reshape(-1, 4, 4).swapaxes(1, 2)
            posed[row] = matrices[rows]
    return placed, posed


@contextmanager
def _alone(owner: bpy.types.Object, scene: bpy.types.Scene) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer]]:
    """A throw-away scene with only this object in it; what it depends on is evaluated with it."""
    workshop = bpy.data.scenes.new("InterMask Workshop")
    try:
        workshop.render.fps, workshop.render.fps_base = scene.render.fps, scene.render.fps_base
        _lend_properties(scene, workshop)
        workshop.collection.objects.link(owner)
        yield workshop, workshop.view_layers[0]
    finally:
        bpy.data.scenes.remove(workshop)


def _lend_properties(scene: bpy.types.Scene, workshop: bpy.types.Scene) -> None:
    """Custom properties and the scene's animation: drivers may read those of the scene they are evaluated in."""
    for name, value in scene.items():
        if isinstance(value, int | float | str):
            workshop[name] = value
    animation = scene.animation_data
    if animation is not None and animation.action is not None:
        compat.assign_action(workshop, animation.action, compat.slot_name(scene))


def _motion(
    owner: bpy.types.Object,
    mapping: RigMapping,
    names: tuple[str, ...],
    placed: np.ndarray,
    posed: np.ndarray,
    metres: float,
) -> tuple[Motion, np.ndarray]:
    """SMPL's joints, and the hands' where there are some, from the evaluated matrices of bones (T, N, 4, 4).

    Besides, where SMPL's joints really are.
    """
    world = placed[:, None] @ posed
    turned = BLENDER_FROM_MOTION.T @ _orthonormal(world[..., :3, :3])
    points = vectors_from_blender(world[..., :3, 3] * metres)
    rig = measure(owner, mapping, placed[0], metres, (turned, points, names))
    place = {name: number for number, name in enumerate(names)}
    read = [place[name] for name in rig.names]
    body = core.motion_of_bones(rig.rest, turned[:, read], points[:, read])
    really = core.landmark_points(rig.rest, turned[:, read], points[:, read])
    _check_upright(owner, really)
    hands = measure_hands(owner, mapping, rig)
    if hands is None:
        return body, really
    matrices = {name: turned[:, number] for name, number in place.items()}
    tips = points[:, [place[name] for name in hands.names]]
    return with_captured_hands(body, owner, hands, matrices, tips), really


def _orthonormal(matrices: np.ndarray) -> np.ndarray:
    """The rotations nearest to scaled ones (..., 3, 3)."""
    left, _, right = np.linalg.svd(matrices)
    sign = np.sign(np.linalg.det(left @ right))
    left[..., :, -1] *= sign[..., None]
    return left @ right
