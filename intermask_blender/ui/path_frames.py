"""At which place of a path a person is in which frame, cheap enough to be computed whenever a view is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import bpy
import numpy as np
from mathutils.geometry import interpolate_bezier

from .. import compat
from ..scene.constraint_objects import clip_range

STEPS = (5, 10, 20, 50, 100, 200, 500, 1000)
"""Frames between two numbers."""
MOST = 12
"""Numbers along a path, about."""
_PIECES = 12
"""Straight pieces between two points of a curve."""


def path_frames(scene: bpy.types.Scene, entry: bpy.types.PropertyGroup) -> Iterator[tuple[int, np.ndarray]]:
    """Frames along a path, and the places (3,) in the scene's world where the person is then.

    Only both ends of curves that do not lead through their points (NURBS), and none where the curve cannot be walked.
    """
    owner = entry.object
    if owner is None or owner.type != "CURVE" or len(owner.data.splines) != 1:
        return
    first, last = clip_range(scene) if entry.whole_clip else (entry.start, entry.end)
    points = _polyline(owner.data.splines[0])
    if last <= first or len(points) < 2:
        return
    matrix = np.array(owner.matrix_world, np.float64)
    points = points @ matrix[:3, :3].T + matrix[:3, 3]
    lengths = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)))
    step = next((step for step in STEPS if (last - first) / step <= MOST), STEPS[-1])
    frames = [first, *(frame for frame in range(first + 1, last) if frame % step == 0), last]
    if owner.data.splines[0].type == "NURBS":
        frames = [first, last]
    shares = (np.array(frames) - first) / (last - first)
    if entry.timing == "KEYED":
        curve = next((curve for curve in compat.own_curves(owner.data) if curve.data_path == "eval_time"), None)
        if curve is None:
            return
        times = np.array([curve.evaluate(frame) for frame in frames])
        shares = np.clip(times / max(owner.data.path_duration, 1), 0.0, 1.0)
    for frame, share in zip(frames, shares, strict=True):
        yield frame, np.array([np.interp(share * lengths[-1], lengths, column) for column in points.T])


def _polyline(spline: bpy.types.Spline) -> np.ndarray:
    """(N, 3) points along a spline in its own space."""
    if spline.type != "BEZIER":
        return np.array([point.co[:3] for point in spline.points], np.float64).reshape(-1, 3)
    knots = list(spline.bezier_points)
    if spline.use_cyclic_u:
        knots.append(knots[0])
    pieces = [
        interpolate_bezier(one.co, one.handle_right, other.handle_left, other.co, _PIECES)
        for one, other in pairwise(knots)
    ]
    return np.array([point[:] for piece in pieces for point in piece], np.float64).reshape(-1, 3)
