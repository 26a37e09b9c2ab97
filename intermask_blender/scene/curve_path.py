"""Places along a curve of the scene."""

from __future__ import annotations

import bpy
import numpy as np

from ..core import UserError
from ..rig.capture import evaluated_at
from ..translations import tr

SHORTEST = 0.01
"""Metres."""


def path_along(
    scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, at: np.ndarray, matrices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places (K, 3) and directions (K, 3) of an entry's curve, in the scene's world.

    Args:
        scene: the curve's.
        entry: a constraint of the kind path.
        at: (K,) scene frames.
        matrices: (K, 4, 4) the curve's object then.

    Raises:
        UserError: the curve has no length or several splines, or its Evaluation Time has no keys though it is to count.
    """
    owner = entry.object
    if owner.type != "CURVE":
        raise UserError(tr("{name}: {object} is no curve; choose a curve.").format(name=entry.name, object=owner.name))
    if len(owner.data.splines) > 1:
        raise UserError(
            tr("{name}: the curve {object} has several splines; keep the one that is the path.").format(
                name=entry.name, object=owner.name
            )
        )
    points = _polyline(owner)
    metres = scene.unit_settings.scale_length or 1.0
    # The path is on the ground: height differences make it no longer.
    placed = (points @ matrices[0, :3, :3].T)[:, :2]
    if len(points) < 2 or np.linalg.norm(np.diff(placed, axis=0), axis=1).sum() * metres < SHORTEST:
        raise UserError(
            tr("{name}: the curve {object} has no length; move its points apart.").format(
                name=entry.name, object=owner.name
            )
        )
    lengths = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(placed, axis=0), axis=1)))
    shares = _shares(scene, entry, at) * lengths[-1]
    places = np.stack([np.interp(shares, lengths, column) for column in points.T], -1)
    step = 0.01 * lengths[-1]
    before, after = (
        np.stack([np.interp(np.clip(shares + way, 0.0, lengths[-1]), lengths, column) for column in points.T], -1)
        for way in (-step, step)
    )
    ways = np.einsum("kij,kj->ki", matrices[:, :3, :3], after - before)
    ways[:, 2] = 0.0
    return np.einsum("kij,kj->ki", matrices[:, :3, :3], places) + matrices[:, :3, 3], ways


def _shares(scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, at: np.ndarray) -> np.ndarray:
    """(K,) fractions of the curve's length that are behind the person at scene frames."""
    if entry.timing == "EVEN":
        if len(at) == 1:
            return np.ones(1)
        return np.asarray((at - at[0]) / (at[-1] - at[0]))
    owner, curve = entry.object, entry.object.data
    animation = curve.animation_data
    if animation is None or (animation.action is None and not animation.drivers and not animation.nla_tracks):
        raise UserError(
            tr(
                "{name}: the Evaluation Time of the curve {object} has no keys; key it (Path Animation), or choose "
                "Even Speed."
            ).format(name=entry.name, object=owner.name)
        )
    times = evaluated_at((owner,), scene, at, lambda graph: float(owner.evaluated_get(graph).data.eval_time))
    return np.clip(np.array(times) / max(curve.path_duration, 1), 0.0, 1.0)


def _polyline(owner: bpy.types.Object) -> np.ndarray:
    """(N, 3) points along a curve in its own space, whatever thickness it is drawn with."""
    curve = owner.data.copy()
    curve.bevel_depth = curve.extrude = curve.offset = 0.0
    curve.bevel_object = curve.taper_object = None
    curve.bevel_factor_start, curve.bevel_factor_end = 0.0, 1.0
    alone = bpy.data.objects.new("InterMask Temporary", curve)
    try:
        mesh = alone.to_mesh()
        points = np.empty(3 * len(mesh.vertices))
        mesh.vertices.foreach_get("co", points)
        closed = len(mesh.vertices) > 2 and len(mesh.edges) == len(mesh.vertices)
        alone.to_mesh_clear()
    finally:
        bpy.data.objects.remove(alone)
        bpy.data.curves.remove(curve)
    points = points.reshape(-1, 3)
    return np.concatenate((points, points[:1])) if closed else points
