"""Writes new keys into a copy of a user's action: keys before and after them, and those of other bones, stay."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .. import compat
from .key import write_curves
from .retarget import RigKeys
from .splice import Source, assign_copy

_PLACES = ("co", "handle_left", "handle_right")
_KINDS = ("interpolation", "handle_left_type", "handle_right_type", "easing")


def write_keys_around(keys: RigKeys, name: str, source: Source) -> bool:
    """Write keys as a new action that keeps all else of a user's action, and assign it.

    Args:
        keys: of the frames of the new motion.
        name: of the new action.
        source: the user's action, which is not changed.

    Returns:
        Whether it was written; false if the user's action no longer exists.
    """
    owner = keys.owner
    action = assign_copy(owner, source, name)
    if action is None:
        return False
    store = compat.fcurve_store(owner, action)
    first, last = float(keys.frames[0]), float(keys.frames[-1])
    for path, bone, values in keys.curves:
        outside = [_outside(store, path, index, first, last) for index in range(values.shape[1])]
        write_curves(store, path, bone, keys.frames, values)
        for index, kept in enumerate(outside):
            _add(store.fcurves.find(path, index=index), kept)
    for path, bone, value in keys.settings:
        _write_setting(store, path, bone, value, first, last)
    action.use_frame_range = True
    action.frame_start, action.frame_end = first, last
    return True


def _outside(store: Any, path: str, index: int, first: float, last: float) -> dict[str, np.ndarray]:
    """The keys of a curve before and after a range, by property; none if there is no such curve."""
    curve = store.fcurves.find(path, index=index)
    if curve is None:
        return {}
    points, found = curve.keyframe_points, {}
    for name in _PLACES:
        found[name] = np.empty(2 * len(points), np.float32)
    for name in _KINDS:
        found[name] = np.empty(len(points), np.int32)
    for name, values in found.items():
        points.foreach_get(name, values)
    times = found["co"][::2]
    keep = (times < first - 1e-3) | (times > last + 1e-3)
    return {name: values.reshape(len(points), -1)[keep] for name, values in found.items()}


def _add(curve: bpy.types.FCurve, kept: dict[str, np.ndarray]) -> None:
    """Add keys to a curve, exactly as they were, in their order of time."""
    if not kept or not len(kept["co"]):
        return
    points = curve.keyframe_points
    count = len(points)
    merged = {}
    for name, values in kept.items():
        new = np.empty(count * values.shape[1], values.dtype)
        points.foreach_get(name, new)
        merged[name] = np.concatenate((new.reshape(count, -1), values))
    order = np.argsort(merged["co"][:, 0], kind="stable")
    points.add(len(values))
    for name in (*_KINDS, *_PLACES):
        points.foreach_set(name, np.ascontiguousarray(merged[name][order]).ravel())


def _write_setting(store: Any, path: str, bone: str, value: float, first: float, last: float) -> None:
    """Key a setting of a control rig for a range; before and after it has the value that the user keyed there."""
    curve = store.fcurves.find(path)
    if curve is None or not len(curve.keyframe_points):
        write_curves(store, path, bone, np.array([first], np.float32), np.array([[value]]))
        return
    outside = _outside(store, path, 0, first, last)
    around = [(frame, curve.evaluate(frame)) for frame in (first - 1, last + 1)]
    written = np.array([around[0], (first, value), (last, value), around[1]])
    taken = set(np.round(outside["co"][:, 0], 3).tolist())
    written = written[[round(frame, 3) not in taken for frame in written[:, 0].tolist()]]
    write_curves(store, path, bone, written[:, 0].astype(np.float32), written[:, 1:])
    _add(store.fcurves.find(path), outside)
