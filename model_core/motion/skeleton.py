"""The skeletons of motions: SMPL's first 22 joints and SMPL-X's 55."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Skeleton:
    """A tree of named joints, parents before children.

    Attributes:
        name: ``"smpl22"`` or ``"smplx55"``, used in files and messages.
        joints: joint names in order.
        parents: index of each joint's parent, -1 for the root.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint by name."""
        return self.joints.index(joint)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the children of each joint."""
        return tuple(tuple(c for c, p in enumerate(self.parents) if p == j) for j in range(len(self)))

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each joint the index of its left-right counterpart (itself on the midline)."""
        swapped = {"L_": "R_", "R_": "L_"}
        return tuple(
            self.index(swapped[name[:2]] + name[2:]) if name[:2] in swapped else self.index(name)
            for name in self.joints
        )


_SMPL_BODY = (
    "Pelvis", "L_Hip", "R_Hip", "Spine1", "L_Knee", "R_Knee", "Spine2", "L_Ankle", "R_Ankle", "Spine3", "L_Foot",
    "R_Foot", "Neck", "L_Collar", "R_Collar", "Head", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Wrist",
    "R_Wrist",
)  # fmt: skip
_SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

_FINGERS = ("Index", "Middle", "Pinky", "Ring", "Thumb")


def _smplx() -> tuple[tuple[str, ...], tuple[int, ...]]:
    names = [*_SMPL_BODY, "Jaw", "L_Eye", "R_Eye"]
    parents = [*_SMPL_PARENTS, 15, 15, 15]
    for side, wrist in (("L", 20), ("R", 21)):
        for finger in _FINGERS:
            for segment in (1, 2, 3):
                parents.append(wrist if segment == 1 else len(names) - 1)
                names.append(f"{side}_{finger}{segment}")
    return tuple(names), tuple(parents)


SMPL = Skeleton("smpl22", _SMPL_BODY, _SMPL_PARENTS)
"""The 22 body joints of SMPL (Loper et al. 2015), the skeleton of InterHuman."""

SMPLX = Skeleton("smplx55", *_smplx())
"""The 55 joints of SMPL-X (Pavlakos et al. 2019), the skeleton of Inter-X."""

SKELETONS = {skeleton.name: skeleton for skeleton in (SMPL, SMPLX)}
