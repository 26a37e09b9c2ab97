"""What the tests in Blender share: a user folder of their own, an empty scene, and people in motion."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Blender reads it once, when it starts: the user's own settings must neither change the tests nor be changed.
os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="intermask-test-")

import bpy
import numpy as np

from model_core.motion import FPS, SMPL, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import continuous_signs, quaternion_from_axis_angle

atexit.register(shutil.rmtree, os.environ["BLENDER_USER_RESOURCES"], ignore_errors=True)


def empty_scene(fps: float = FPS) -> bpy.types.Scene:
    """A new file with one empty scene of that frame rate."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = round(fps)
    scene.render.fps_base = round(fps) / fps
    return scene


def dancer(seed: int, frames: int = 90, fps: float = FPS) -> PosedSkeleton:
    """A person with lengths of its own who sways in every joint, turns right round and walks away."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / fps
    angles = rng.uniform(0.1, 0.7, (22, 3)) * np.sin(time[:, None, None] * 2.5 + rng.uniform(0, 6, (22, 3)))
    angles[:, 0] = time[:, None] * (0.0, 2.4, 0.0) + (0.0, seed, 0.0)
    offsets = SMPL_REST_OFFSETS * rng.uniform(0.8, 1.2, (22, 1))
    offsets = 0.5 * (offsets + offsets[list(SMPL.mirror)] * (-1, 1, 1))
    path = np.stack((0.4 * time + seed, 0.95 + 0.05 * np.sin(3 * time), -0.3 * time), axis=1)
    return PosedSkeleton(offsets, continuous_signs(quaternion_from_axis_angle(angles)), path, fps)


def joints_in_blender(armature: bpy.types.Object) -> np.ndarray:
    """(22, 3) where the armature's bones begin in the world, in motion's axes: X, Z up, -Y."""
    heads = np.array([armature.matrix_world @ armature.pose.bones[name].head for name in SMPL.joints])
    return np.stack((heads[:, 0], heads[:, 2], -heads[:, 1]), axis=1)


def evaluated_vertices(figure: bpy.types.Object) -> np.ndarray:
    """(V, 3) world positions of a mesh as it is drawn at the current frame."""
    evaluated = figure.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    matrix = np.array(evaluated.matrix_world)
    return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
