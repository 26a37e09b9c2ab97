"""Curves with a key on every frame as values, and key poses as curves."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat
from ..core import IK_LIMBS, SMPL, KeyedPerson, KeyPoses
from .control_tree import control_tree
from .key import LINEAR
from .map import RigMapping
from .rotation_modes import bone_path, rotation_channel

_KEYFRAME = bpy.types.Keyframe.bl_rna.properties
BEZIER = _KEYFRAME["interpolation"].enum_items["BEZIER"].value
FREE, ALIGNED = (_KEYFRAME["handle_left_type"].enum_items[kind].value for kind in ("FREE", "ALIGNED"))

_DENSE = 0.9
"""Fraction of the frames that have a key in a curve with a key on every frame."""


@dataclass(frozen=True)
class DenseCurves:
    """A person's curves with a key on every frame.

    Attributes:
        person: the controls and the values of their curves.
        first: scene frame of the first key.
        curves: column of the values to data path and index, for curves that can be thinned out.
        constant: data path and index of further curves with a key on every frame, whose value never changes.
    """

    person: KeyedPerson
    first: int
    curves: dict[int, tuple[str, int]]
    constant: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.person.values)


def dense_curves(owner: bpy.types.Object, mapping: RigMapping | None, metres: float) -> DenseCurves | None:
    """The curves of an armature's own action that have a key on every frame; None if there are none.

    Args:
        owner: the armature.
        mapping: its bones; None if they are not known.
        metres: per unit of the scene.
    """
    found = {(curve.data_path, curve.array_index): curve for curve in compat.own_curves(owner)}
    channels: dict[str, tuple[str, list[bpy.types.FCurve]]] = {}
    for bone in owner.pose.bones:
        turned = rotation_channel(bone)
        count = 3 if turned.endswith("rotation_euler") else 4
        for path, width in ((turned, count), (f"{bone_path(bone.name)}.location", 3)):
            curves = [found.get((path, index)) for index in range(width)]
            if all(curve is not None for curve in curves):
                channels[path] = (bone.name, curves)
    runs = Counter(
        run for _, curves in channels.values() for curve in curves if _is_plain(curve) and (run := longest_run(curve))
    )
    if not runs:
        return None
    # Keys of the user before and after the take are not among these frames.
    first, last = max(runs, key=lambda run: runs[run] * (run[1] - run[0]))
    frames = np.arange(first, last + 1)
    columns: dict[str, tuple[int, int]] = {}
    values: list[np.ndarray] = []
    kept: list[bool] = []
    thinned: dict[int, tuple[str, int]] = {}
    for path, (name, curves) in channels.items():
        dense = all(_is_plain(curve) and _is_dense(curve, frames) for curve in curves)
        rotation, location = columns.get(name, (-1, -1))
        columns[name] = (rotation, len(values)) if path.endswith(".location") else (len(values), location)
        for index, curve in enumerate(curves):
            if dense:
                thinned[len(values)] = (path, index)
            values.append(_sampled(curve, frames))
            kept.append(not dense)
    if not thinned:
        return None
    constant = [
        key
        for key, curve in found.items()
        if key[0] not in channels
        and _is_plain(curve)
        and _is_dense(curve, frames)
        and np.ptp(_sampled(curve, frames)) < 1e-6
    ]
    tree = control_tree(owner, mapping, columns, metres)
    joints = {} if mapping is None else {
        SMPL.index(joint): tree.names[mapping.control(joint)]
        for joint in mapping.bones
        if mapping.control(joint) in tree.names
    }  # fmt: skip
    for number, bend in enumerate(tree.bends):
        joints[SMPL.index(bend.limb)] = bend.control
        joints[SMPL.index(IK_LIMBS[bend.limb][1])] = len(tree.controls) + number
    person = KeyedPerson(tree, np.stack(values, 1), joints, np.array(kept))
    return DenseCurves(person, first, thinned, tuple(constant))


def write_key_poses(owner: bpy.types.Object, dense: DenseCurves, poses: KeyPoses) -> None:
    """Replace the keys of an armature's curves by key poses; other curves of its action stay as they are."""
    found = {(curve.data_path, curve.array_index): curve for curve in compat.own_curves(owner)}
    frames = (dense.first + poses.frames).astype(np.float64)
    for column, key in dense.curves.items():
        values = poses.values[:, column]
        _write_bezier(found[key], frames, values, poses.after[:, column], poses.before[:, column], poses.aligned)
    for key in dense.constant:
        curve = found[key]
        value = curve.evaluate(float(frames[0]))
        ends = frames[[0, -1]] if len(frames) > 1 else frames
        flat = np.zeros(len(ends) - 1)
        _write_bezier(curve, ends, np.full(len(ends), value), flat, flat, np.ones(len(ends), dtype=bool))


def sample_every_frame(owner: bpy.types.Object, kept: bpy.types.Action) -> None:
    """Give the curves of an armature's action a key on every frame in which those of another action have one."""
    runs = {(curve.data_path, curve.array_index): longest_run(curve) for curve in compat.curves_of_action(kept)}
    for curve in compat.own_curves(owner):
        run = runs.get((curve.data_path, curve.array_index))
        if run is None or longest_run(curve) == run:
            continue
        key_every_frame(curve, *run)


def key_every_frame(curve: bpy.types.FCurve, first: int, last: int) -> None:
    """Replace the keys of a curve by one on every frame from the first to the last; keys outside of these stay."""
    frames = np.arange(first, last + 1, dtype=np.float64)
    values = np.array([curve.evaluate(frame) for frame in frames.tolist()])
    third = np.array((1 / 3, 0.0))
    places = np.stack((frames, values), 1)
    kinds = np.full(len(frames), FREE)
    _replace_keys(
        curve,
        {
            "co": places,
            "handle_left": places - third,
            "handle_right": places + third,
            "handle_left_type": kinds,
            "handle_right_type": kinds,
            "interpolation": np.full(len(frames), LINEAR),
        },
    )


def fingerprint(owner: bpy.types.Object) -> str:
    """Hash of all keys of an armature's action, to tell whether they were changed by hand."""
    digest = hashlib.sha256()
    for curve in sorted(compat.own_curves(owner), key=lambda curve: (curve.data_path, curve.array_index)):
        digest.update(f"{curve.data_path} {curve.array_index}".encode())
        for name in ("co", "handle_left", "handle_right"):
            digest.update(_numbers(curve, name).tobytes())
    return digest.hexdigest()


def _write_bezier(
    curve: bpy.types.FCurve,
    frames: np.ndarray,
    values: np.ndarray,
    after: np.ndarray,
    before: np.ndarray,
    aligned: np.ndarray,
) -> None:
    """Keys (K,) with handles at a third of each segment, in the direction of slopes (K - 1,)."""
    lengths = np.diff(frames) / 3
    first, last = (lengths[0], lengths[-1]) if len(lengths) else (1.0, 1.0)
    left = np.concatenate(([first], lengths))
    right = np.concatenate((lengths, [last]))
    # The outer handles of the first and the last key continue the inner ones.
    slope_left = np.concatenate((after[:1], before)) if len(lengths) else np.zeros(1)
    slope_right = np.concatenate((after, before[-1:])) if len(lengths) else np.zeros(1)
    kinds = np.where(aligned, ALIGNED, FREE)
    new: dict[str, np.ndarray] = {
        "co": np.stack((frames, values), 1),
        "handle_left": np.stack((frames - left, values - left * slope_left), 1),
        "handle_right": np.stack((frames + right, values + right * slope_right), 1),
        "handle_left_type": kinds,
        "handle_right_type": kinds,
        "interpolation": np.full(len(frames), BEZIER),
    }
    _replace_keys(curve, new)


def _replace_keys(curve: bpy.types.FCurve, new: dict[str, np.ndarray]) -> None:
    """Replace the keys of a curve from the first to the last of new ones; keys outside of these frames stay.

    Args:
        curve: changed.
        new: values of the new keys, by property.
    """
    frames = new["co"][:, 0]
    points = curve.keyframe_points
    found: dict[str, np.ndarray] = {}
    for name, values_of in new.items():
        width = values_of[0].size
        stored = np.empty(len(points) * width, np.float32 if width == 2 else np.int32)
        points.foreach_get(name, stored)
        found[name] = stored.reshape((-1, *values_of.shape[1:]))
    before_first, after_last = found["co"][:, 0] < frames[0], found["co"][:, 0] > frames[-1]
    if after_last.any():
        # What follows the take begins as it did.
        new["interpolation"][-1] = found["interpolation"][~after_last][-1]
    points.clear()
    points.add(int(before_first.sum() + len(frames) + after_last.sum()))
    # Types before handles: Blender moves handles whose type is automatic.
    for name in ("co", "interpolation", "handle_left_type", "handle_right_type", "handle_left", "handle_right"):
        stored = found[name]
        merged = np.concatenate((stored[before_first], new[name].astype(stored.dtype), stored[after_last]))
        points.foreach_set(name, merged.ravel())
    curve.update()


def _is_plain(curve: bpy.types.FCurve) -> bool:
    """Whether a curve can be changed, and is what its keys say."""
    return not (curve.lock or curve.mute or curve.modifiers or curve.sampled_points)


def longest_run(curve: bpy.types.FCurve) -> tuple[int, int] | None:
    """First and last frame of the longest run of keys on every frame; None if it has fewer than three."""
    keys = _numbers(curve, "co")[::2]
    places = np.round(keys).astype(int)
    breaks = np.flatnonzero((np.diff(places) != 1) | (np.abs(keys - places)[1:] > 1e-3)) + 1
    starts, stops = np.concatenate(([0], breaks)), np.concatenate((breaks, [len(keys)]))
    longest = int((stops - starts).argmax())
    if stops[longest] - starts[longest] < 3:
        return None
    return int(places[starts[longest]]), int(places[stops[longest] - 1])


def _is_dense(curve: bpy.types.FCurve, frames: np.ndarray) -> bool:
    keys = _numbers(curve, "co")[::2]
    return int(((keys >= frames[0]) & (keys <= frames[-1])).sum()) >= max(2, _DENSE * len(frames))


def _numbers(curve: bpy.types.FCurve, name: str) -> np.ndarray:
    """Coordinates (2 K,) of the keys or of their handles."""
    numbers = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get(name, numbers)
    return numbers


def _sampled(curve: bpy.types.FCurve, frames: np.ndarray) -> np.ndarray:
    """(T,) values of a curve in whole frames."""
    keys = _numbers(curve, "co")
    inside = (keys[::2] >= frames[0]) & (keys[::2] <= frames[-1])
    if np.array_equal(keys[::2][inside], frames.astype(np.float32)):
        return keys[1::2][inside].astype(np.float64)
    return np.array([curve.evaluate(frame) for frame in frames.tolist()], np.float64)
