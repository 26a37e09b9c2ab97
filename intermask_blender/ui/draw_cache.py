"""Results that panels draw many times a second, kept for as long as what they depend on stays the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import bpy
import numpy as np

Value = TypeVar("Value")

_LARGEST = 64


class DrawCache:
    """The last result for each subject, with the key that it was computed for."""

    def __init__(self) -> None:
        """An empty cache."""
        self._results: dict[Hashable, tuple[Hashable, object]] = {}

    def get(self, subject: Hashable, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The result for a subject, computed only where the key has changed since.

        Args:
            subject: what the result is about; one result is kept for each.
            key: all that the result depends on; cheap to compare.
            compute: gives the result.
        """
        known = self._results.get(subject)
        if known is not None and known[0] == key:
            return known[1]  # type: ignore[return-value]
        result = compute()
        self._results.pop(subject, None)
        self._results[subject] = key, result
        if len(self._results) > _LARGEST:
            del self._results[next(iter(self._results))]
        return result


def armature_key(owner: bpy.types.Object) -> Hashable:
    """All of an armature that decides how it is recognised: names, rest positions and parents of its bones.

    Reading it takes 0.1 ms for the 700 bones of a Rigify rig; recognising the rig takes 50 times as long.
    """
    if owner.type != "ARMATURE":
        return owner.type
    bones = owner.data.bones
    # Heads relative to the parent's tail, next to heads in the armature's space: a new parent changes them.
    points = np.empty((3, len(bones) * 3), dtype=np.float32)
    for row, name in zip(points, ("head_local", "tail_local", "head"), strict=True):
        bones.foreach_get(name, row)
    turned = tuple(round(value, 4) for axis in owner.matrix_world.to_3x3() for value in axis)
    return tuple(bones.keys()), points.tobytes(), turned, bpy.app.translations.locale
