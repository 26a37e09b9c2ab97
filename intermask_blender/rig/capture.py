"""From an animated armature of this add-on to a motion, as the eye sees it: constraints and parents included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from .. import compat
from ..core import FPS, SMPL, Motion, UserError
from .axes import rotations_from_blender, vectors_from_blender
from .key import scene_fps

SHORTEST = 16
"""Frames at the model's rate below which a motion holds too little to react to."""

STILL = 1e-5
"""Metres. A joint that never moves farther than this does not move."""


def is_smpl_armature(owner: bpy.types.Object | None) -> bool:
    """Whether the object is an armature with the bones that this add-on gives its characters."""
    return owner is not None and owner.type == "ARMATURE" and all(name in owner.data.bones for name in SMPL.joints)


def capture_motion(
    owner: bpy.types.Object, scene: bpy.types.Scene, frame_range: tuple[float, float] | None = None
) -> tuple[Motion, int]:
    """The evaluated motion of an SMPL armature in the world, at the model's rate.

    The user's frame, selection and mode stay as they are: the armature is evaluated in a throw-away scene.

    Args:
        owner: an armature with SMPL's bone names, whatever its rest pose, place and size.
        scene: whose frame rate and, without a range, frame range count.
        frame_range: first and last scene frame; without it ``animated_frames``.
            It starts at a whole frame, so that keys made beside it do.

    Returns:
        The motion (metres, Y up) and the scene frame at which it starts.

    Raises:
        UserError: the armature lacks bones, has no size, does not move, or moves for less than 16 frames.
    """
    _check(owner)
    first, last = frame_range or animated_frames(owner, scene)
    first = float(np.ceil(first - 1e-3))
    fps = scene_fps(scene)
    count = int(np.floor((last - first) / fps * FPS + 1e-6)) + 1
    if count < SHORTEST:
        raise UserError(
            f"The motion of {owner.name} lasts {max(count, 0)} frames (at {FPS:g} a second) from frame {first:g} to "
            f"{last:g}; a leader needs at least {SHORTEST}, so key or choose a longer range."
        )
    placed, posed = _evaluated(owner, scene, first + np.arange(count) * fps / FPS)
    metres = scene.unit_settings.scale_length or 1.0
    motion = _motion(owner, placed, posed, metres)
    if np.ptp(motion.joints, axis=0).max() < STILL:
        raise UserError(
            f"{owner.name} does not move between frames {first:g} and {last:g}; choose a leader with animation."
        )
    return motion, int(first)


def animated_frames(owner: bpy.types.Object, scene: bpy.types.Scene) -> tuple[float, float]:
    """First and last frame of the object's own keys, or the scene's range where it has none."""
    return compat.animated_range(owner) or (float(scene.frame_start), float(scene.frame_end))


def _check(owner: bpy.types.Object) -> None:
    if owner.type != "ARMATURE":
        raise UserError(f"{owner.name} is not an armature; choose an armature as leader.")
    missing = [name for name in SMPL.joints if name not in owner.data.bones]
    if missing:
        raise UserError(
            f"{owner.name} lacks the bone {missing[0]} ({len(missing)} of {len(SMPL)} are missing); "
            "choose a character that this add-on made."
        )
    if owner.hide_viewport:
        raise UserError(
            f"{owner.name} is disabled in the viewport (monitor icon), where it stands still; enable it there."
        )
    if owner.mode == "EDIT":
        raise UserError(f"{owner.name} is in Edit Mode, where it stands still; leave Edit Mode first.")


def _evaluated(owner: bpy.types.Object, scene: bpy.types.Scene, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World matrices of the object (T, 4, 4) and its SMPL bones' matrices in it (T, 22, 4, 4) at scene frames."""
    placed, posed = np.empty((len(frames), 4, 4)), np.empty((len(frames), len(SMPL), 4, 4))
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
            posed[row] = matrices[[bones.find(name) for name in SMPL.joints]]
    return placed, posed


@contextmanager
def _alone(owner: bpy.types.Object, scene: bpy.types.Scene) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer]]:
    """A throw-away scene with only this object in it; what it depends on is evaluated with it."""
    workshop = bpy.data.scenes.new("InterMask Workshop")
    try:
        workshop.render.fps, workshop.render.fps_base = scene.render.fps, scene.render.fps_base
        workshop.collection.objects.link(owner)
        yield workshop, workshop.view_layers[0]
    finally:
        bpy.data.scenes.remove(workshop)


def _motion(owner: bpy.types.Object, placed: np.ndarray, posed: np.ndarray, metres: float) -> Motion:
    """Positions and rotations against the T-pose from evaluated matrices."""
    world = placed[:, None] @ posed
    rest = np.array([owner.data.bones[name].matrix_local.to_3x3() for name in SMPL.joints])
    if np.abs(np.linalg.det(placed[:, :3, :3])).min() < 1e-12:
        raise UserError(f"{owner.name} is scaled to nothing; give it back its size.")
    turned = rotations_from_blender(_orthonormal(world[..., :3, :3]) @ rest.swapaxes(1, 2))
    parents = list(SMPL.parents[1:])
    local = turned[:, parents].swapaxes(-1, -2) @ turned[:, 1:]
    joints = vectors_from_blender(world[..., :3, 3] * metres)
    return Motion(joints, local, turned[:, 0], FPS, SMPL)


def _orthonormal(matrices: np.ndarray) -> np.ndarray:
    """The rotations nearest to scaled ones (..., 3, 3); a mirroring is undone along X."""
    left, _, right = np.linalg.svd(matrices)
    sign = np.sign(np.linalg.det(left @ right))
    left[..., :, -1] *= sign[..., None]
    return left @ right
