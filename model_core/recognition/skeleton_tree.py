"""The input of recognition: a skeleton's names, parents and positions at rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class SkeletonTree:
    """Bones (or joints) with their parents; indices are those of ``names``.

    Attributes:
        names: N bone names.
        parents: index of each bone's parent, -1 for a root. Any order.
        heads: (N, 3) where the bones begin at rest; any unit and axes, Y up for recognition by structure.
        tails: (N, 3) where they end, None if unknown.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: np.ndarray
    tails: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of bones."""
        return len(self.names)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Children of each bone, in order."""
        below: list[list[int]] = [[] for _ in self.names]
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                below[parent].append(bone)
        return tuple(tuple(bones) for bones in below)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each bone the path to the root: the bone itself, its parent, and so on."""
        result: dict[int, tuple[int, ...]] = {}

        def path(bone: int) -> tuple[int, ...]:
            pending = []
            while bone >= 0 and bone not in result:
                pending.append(bone)
                bone = self.parents[bone]
            above = result[bone] if bone >= 0 else ()
            for bone in reversed(pending):
                above = result[bone] = (bone, *above)
            return above

        return tuple(path(bone) for bone in range(len(self)))

    @cached_property
    def _ancestors(self) -> tuple[frozenset[int], ...]:
        return tuple(frozenset(path[1:]) for path in self.paths)

    def is_descendant(self, bone: int, ancestor: int) -> bool:
        """Whether ``bone`` is below ``ancestor`` in the hierarchy; no bone is below itself."""
        return ancestor in self._ancestors[bone]

    def depth(self, bone: int) -> int:
        """Number of ancestors."""
        return len(self.paths[bone]) - 1

    def lowest_common_ancestor(self, bones: Iterable[int]) -> int:
        """The lowest bone that each of the bones is or is below, -1 if there is none."""
        paths = [self.paths[bone] for bone in bones]
        common = set(paths[0]).intersection(*map(set, paths[1:]))
        return next((bone for bone in paths[0] if bone in common), -1)

    def between(self, lower: int, upper: int) -> list[int]:
        """Bones strictly between a bone and an ancestor, from the ancestor down."""
        path = self.paths[lower]
        return list(path[1 : path.index(upper)])[::-1]

    def length(self, lower: int, upper: int) -> float:
        """Length of the chain from an ancestor to a bone: the same in every pose."""
        path = self.paths[lower]
        return self.chain_length(path[: path.index(upper) + 1])

    def chain_length(self, bones: Sequence[int]) -> float:
        """Sum of the distances between the heads of successive bones."""
        return float(np.linalg.norm(np.diff(self.heads[list(bones)], axis=0), axis=1).sum())

    def without(self, dropped: Iterable[int]) -> SkeletonTree:
        """The tree without some bones, whose children are attached to the nearest remaining ancestor.

        Indices stay the same; removed bones have neither parent nor children.
        """
        removed, parents = set(dropped), list(self.parents)
        for bone in range(len(self)):
            while parents[bone] in removed:
                parents[bone] = self.parents[parents[bone]]
        kept = tuple(-1 if bone in removed else parents[bone] for bone in range(len(self)))
        return replace(self, parents=kept)
