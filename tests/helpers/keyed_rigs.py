"""Motion keyed on rigs and rigs changed in Edit Mode, for the tests in Blender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from intermask_blender.rig.retarget import RootMotion, rig_keys, write_keys
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.rotations import normalized


def key(
    posed: PosedSkeleton, rig: bpy.types.Object, scene: bpy.types.Scene, root_motion: RootMotion | None = None
) -> None:
    write_keys(rig_keys(posed, rig, scene, 1, root_motion), "Dance")


def directions(joints: np.ndarray) -> np.ndarray:
    """(T, 21, 3) unit vectors from each joint's parent to the joint."""
    return normalized(joints[:, 1:] - joints[:, list(SMPL.parents[1:])])


def degrees_apart(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """The largest angle between two people's bones that end at each joint."""
    cosines = (directions(first.astype(np.float64)) * directions(second)).sum(-1)
    worst = np.degrees(np.arccos(np.clip(cosines, -1, 1))).max(axis=0)
    return dict(zip(SMPL.joints[1:], worst.tolist(), strict=True))


def in_edit_mode(rig: bpy.types.Object, change: Callable[[Any], None]) -> None:
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    change(rig.data.edit_bones)
    bpy.ops.object.mode_set(mode="OBJECT")
