"""Splicing the keys of an edit into existing keys: everything outside the edit stays exactly as it was.

The model and the solver slightly change the whole clip. So the old keys are kept outside the edit, and at both ends of
the edit the difference is blended out over a few frames of the new motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..core import ROOT_CONTROL, SMPL, rotations
from .hands import carrier
from .key import write_curves
from .retarget import RigKeys
from .rotation_modes import quaternions_of, rotation_values

SEAM_SECONDS = 0.25
"""Duration of the blend from the old motion to the new one."""

LINEAR_CHANNELS = ("location", "scale")
"""Properties whose values are blended component by component; all others are rotations."""


@dataclass(frozen=True)
class Source:
    """Names of the action and slot with a person's keys when the edit was requested; empty if there were none."""

    action: str = ""
    slot: str = ""


def assign_copy(owner: bpy.types.Object, source: Source, name: str) -> bpy.types.Action | None:
    """Assign a copy of an action to its armature; the action that was assigned stays in the file.

    Args:
        owner: the armature.
        source: the action that is copied, which is not changed.
        name: of the copy.

    Returns:
        The copy; None if the action no longer exists.
    """
    old = bpy.data.actions.get(source.action) if source.action else None
    if old is None:
        return None
    animation = owner.animation_data or owner.animation_data_create()
    if animation.action is not None:
        animation.action.use_fake_user = True
    action = old.copy()
    action.name, action.use_fake_user = name, False
    compat.assign_action(owner, action, source.slot)
    return action


@dataclass(frozen=True)
class KeptKeys:
    """The keys of two people that an edit keeps: all that it does not regenerate.

    Attributes:
        sources: keys of the first and the second person.
        who: indices of the regenerated people, 0 and 1; the other person keeps all keys.
        joints: the regenerated SMPL joints, fingers with their wrists; other joints keep their rotations, and the
            pelvis also its location.
        first, last: range of the regenerated scene frames; frames outside it keep their keys.
    """

    sources: tuple[Source, Source]
    who: tuple[int, ...] = (0, 1)
    joints: frozenset[str] = frozenset(SMPL.joints)
    first: float = -np.inf
    last: float = np.inf


def source_of(owner: bpy.types.Object) -> Source:
    """The action and slot with an object's present keys."""
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return Source()
    return Source(animation.action.name, compat.slot_name(owner))


def write_edit(keys: RigKeys, name: str, kept: KeptKeys, person: int, fps: float) -> bool:
    """Write an edit's keys to a new action, together with the kept keys of the old one.

    Args:
        keys: of the whole clip, as generated.
        name: of the new action, which is assigned to the armature; the previous action stays in the file.
        kept: the keys that are kept.
        person: 0 or 1.
        fps: of the scene.

    Returns:
        Whether it was written; false if the old action no longer exists.
    """
    owner = keys.owner
    # A copy also keeps all other keys, such as those of fingers or a face.
    action = assign_copy(owner, kept.sources[person], name)
    if action is None:
        return False
    if person not in kept.who:
        return True
    store = compat.fcurve_store(owner, action)
    frames = _frames(keys.frames, float(action.frame_range[1]), kept)
    splice = _Splice(frames, (frames >= kept.first) & (frames <= kept.last), max(2, round(SEAM_SECONDS * fps)))
    for path, bone, values in keys.curves:
        joint = "Pelvis" if keys.joints[bone] == ROOT_CONTROL else carrier(keys.joints[bone])
        before = _values(store, path, frames, values.shape[1])
        channel = path.rpartition(".")[2]
        if before is None and channel in LINEAR_CHANNELS:
            # Without keys a location or a scale keeps its posed value.
            before = np.tile(np.array(getattr(owner.pose.bones[bone], channel), np.float64), (len(frames), 1))
        if before is not None:
            if joint not in kept.joints:
                continue
            values = splice.of(owner.pose.bones[bone], path, before, _padded(values, len(frames)))
        write_curves(store, path, bone, frames[: len(values)], values)
    for path, bone, value in keys.settings:
        if store.fcurves.find(path) is None:
            write_curves(store, path, bone, frames[:1], np.array([[value]]))
    return True


@dataclass(frozen=True)
class _Splice:
    """How old and new values are blended.

    Attributes:
        frames: (T,) scene frames.
        free: (T,) true where the new values are used.
        seam: number of frames of the blend.
    """

    frames: np.ndarray
    free: np.ndarray
    seam: int

    def of(self, bone: bpy.types.PoseBone, path: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
        """(T, C) blended values of one property."""
        if path.rpartition(".")[2] in LINEAR_CHANNELS:
            return self._blended(old, new, np.subtract, lambda delta, share, values: values + share[:, None] * delta)

        def difference(old: np.ndarray, new: np.ndarray) -> np.ndarray:
            return rotations.axis_angle_from_quaternion(
                rotations.quaternion_multiply(old, rotations.quaternion_conjugate(new))
            )

        def rotated(delta: np.ndarray, share: np.ndarray, values: np.ndarray) -> np.ndarray:
            return rotations.quaternion_multiply(rotations.quaternion_from_axis_angle(share[:, None] * delta), values)

        before, after = quaternions_of(bone, old), quaternions_of(bone, new)
        return rotation_values(bone, rotations.continuous_signs(self._blended(before, after, difference, rotated)))

    def _blended(
        self,
        old: np.ndarray,
        new: np.ndarray,
        difference: Callable[[np.ndarray, np.ndarray], np.ndarray],
        moved: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """New values in free frames, blended into the old ones at both ends; old values elsewhere."""
        result = np.where(self.free[:, None], new, old)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], self.free, [False])).astype(int)))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            count = min(self.seam, stop - start)
            share = np.cos(np.linspace(0, np.pi / 2, count + 2)[1:-1]) ** 2
            if start > 0:
                blend = np.arange(start, start + count)
                result[blend] = moved(difference(old[start - 1], new[start - 1]), share, result[blend])
            if stop < len(old):
                blend = np.arange(stop - 1, stop - 1 - count, -1)
                result[blend] = moved(difference(old[stop], new[stop]), share, result[blend])
        return result


def _frames(new: np.ndarray, old_last: float, kept: KeptKeys) -> np.ndarray:
    """Frames of the new keys, and of kept keys after them: the generated clip may be a frame shorter."""
    last = float(new[-1])
    if kept.last < last:
        last = max(last, float(np.floor(old_last)))
    return np.arange(float(new[0]), last + 0.5, dtype=np.float32)


def _padded(values: np.ndarray, count: int) -> np.ndarray:
    """(T, C) values padded to a number of frames by repeating the last."""
    return values[np.minimum(np.arange(count), len(values) - 1)]


def _values(store: Any, path: str, frames: np.ndarray, count: int) -> np.ndarray | None:
    """(T, C) values of a property's old keys, None if one of its curves is missing."""
    curves = [store.fcurves.find(path, index=index) for index in range(count)]
    if any(curve is None for curve in curves):
        return None
    return np.array([[curve.evaluate(frame) for curve in curves] for frame in frames.tolist()])
