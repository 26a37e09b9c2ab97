"""Which joint of a foreign humanoid skeleton is which of SMPL's, from its name and its place in the tree.

Names are split into words (``LeftUpLeg``, ``thigh.L``, ``lThigh``, ``mixamorig:LeftUpLeg``), side and packaging words
are taken off, and what remains is looked up. The spine is not looked up: it is the path from pelvis to neck.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import UserError

_SIDES = {"l": "L_", "left": "L_", "r": "R_", "right": "R_"}
_PACKAGING = frozenset(
    ("mixamorig", "valvebiped", "bip", "j", "c", "m", "f", "avg", "fk", "def", "org", "base", "cc", "character", "smpl")
)
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

# SMPL joint without its side: names in use elsewhere, the surest first. Daz calls the elbow forearm and the wrist hand,
# as most skeletons do: a joint is named after the bone that starts there.
_SIDED = {
    "Hip": ("upleg", "thigh", "upperleg", "femur", "hip"),
    "Knee": ("knee", "leg", "shin", "lowerleg", "calf", "tibia"),
    "Ankle": ("ankle", "foot"),
    "Foot": ("toe", "toes", "ball", "toe11", "foot"),
    "Shoulder": ("arm", "upperarm", "uparm", "shldr", "humerus", "shoulder"),
    "Elbow": ("forearm", "elbow", "lowerarm", "lowarm", "radius"),
    "Wrist": ("wrist", "hand"),
    "Collar": ("collar", "clavicle", "shoulder"),
}
_MIDDLE = {
    "Neck": ("neck", "neck01", "neck1", "lowerneck", "necklower"),
    "Head": ("head",),
}
_LIMBS = (("Hip", "Knee", "Ankle"), ("Shoulder", "Elbow", "Wrist"))


@dataclass(frozen=True)
class Humanoid:
    """Indices of a foreign skeleton's joints.

    Attributes:
        joints: SMPL name to index, for the pelvis, limbs, neck and head; ``L_Foot``, ``R_Foot``, ``L_Collar``,
            ``R_Collar`` and ``Head`` only where the skeleton has them.
        spine: the joints between pelvis and neck, from below.
    """

    joints: dict[str, int]
    spine: tuple[int, ...]


def canonical_name(name: str) -> tuple[str, str]:
    """A joint's side (``"L_"``, ``"R_"`` or empty) and its name without side, case, separators and packaging."""
    words = [word.lower() for word in _WORDS.findall(name.rsplit(":", 1)[-1])]
    if len(words) == 1:
        match = re.match(r"(mixamorig)?(left|right)?(.+)", words[0])
        words = [word for word in (match.groups() if match else ()) if word]
    sides = [word for word in words if word in _SIDES]
    core = [word for word in words if word not in _SIDES and word not in _PACKAGING]
    return (_SIDES[sides[0]] if sides else "", "".join(core))


def find_humanoid(names: tuple[str, ...], parents: tuple[int, ...], offsets: np.ndarray, file: str) -> Humanoid:
    """Recognise the joints of a person.

    Args:
        names: N joint names.
        parents: each joint's parent.
        offsets: (N, 3) each joint's place in its parent's frame at rest.
        file: what to call the file in messages.

    Raises:
        UserError: a joint that no person can do without is not found; the message lists which.
    """
    by_name: dict[tuple[str, str], int] = {}
    for index, name in enumerate(names):
        side, core = canonical_name(name)
        by_name.setdefault((side, core), index)
        by_name.setdefault((side, re.sub(r"0*1$", "", core)), index)

    joints: dict[str, int] = {}
    for side in ("L_", "R_"):
        for joint, candidates in _SIDED.items():
            taken = {joints[key] for key in joints}
            found = [by_name[side, core] for core in candidates if (side, core) in by_name]
            free = [index for index in found if index not in taken]
            if free:
                joints[side + joint] = free[0]
    for joint, candidates in _MIDDLE.items():
        found = [by_name["", core] for core in candidates if ("", core) in by_name]
        if found:
            joints[joint] = found[0]

    missing = [side + joint for side in ("L_", "R_") for limb in _LIMBS for joint in limb if side + joint not in joints]
    if "Neck" not in joints and "Head" not in joints:
        missing.append("Neck or Head")
    if missing:
        raise UserError(
            f"{file}: cannot tell which joints are {', '.join(missing)} among {', '.join(names[:8])}...; rename the "
            "joints as in Mixamo (LeftUpLeg, LeftLeg, LeftFoot, LeftArm, LeftForeArm, LeftHand, Neck, Head)."
        )
    up = _Tree(parents)
    for side in ("L_", "R_"):
        for limb in _LIMBS:
            for upper, lower in pairwise(limb):
                if joints[side + upper] not in up.path(joints[side + lower]):
                    raise UserError(
                        f"{file}: the joint {names[joints[side + lower]]} does not hang from "
                        f"{names[joints[side + upper]]}, so the limbs cannot be told apart; rename the joints."
                    )
    joints["Pelvis"] = up.meeting(joints["L_Hip"], joints["R_Hip"])
    chest = up.meeting(joints["L_Shoulder"], joints["R_Shoulder"])
    if "Neck" not in joints:
        # The head hangs from its neck, or straight from the chest.
        above = up.path(joints["Head"])
        joints["Neck"] = above[1] if above[1] != chest else joints.pop("Head")
    # CMU's "Neck" turns in the very place of the chest; the bone's upper end is where others have the neck.
    to_head = up.path(joints.get("Head", joints["Neck"]))
    while not offsets[joints["Neck"]].any() and joints["Neck"] in to_head[2:]:
        joints["Neck"] = to_head[to_head.index(joints["Neck"]) - 1]
    below_neck = up.path(joints["Neck"])[1:]
    if joints["Pelvis"] not in below_neck:
        raise UserError(
            f"{file}: the joint {names[joints['Neck']]} does not hang from {names[joints['Pelvis']]}, where the legs "
            "meet; rename the joints."
        )
    spine = below_neck[: below_neck.index(joints["Pelvis"])][::-1]
    for optional, inner in (("Collar", "Shoulder"), ("Foot", "Ankle")):
        for side in ("L_", "R_"):
            key = side + optional
            if key in joints:
                near, far = joints[side + inner], joints[key]
                inside, outside = (far, near) if optional == "Collar" else (near, far)
                if inside not in up.path(outside):
                    del joints[key]
    return Humanoid(joints, tuple(spine))


class _Tree:
    """Ways up a tree of parents."""

    def __init__(self, parents: tuple[int, ...]) -> None:
        self.parents = parents

    def path(self, joint: int) -> list[int]:
        """The joint, its parent, and so on to the root."""
        result = []
        while joint >= 0:
            result.append(joint)
            joint = self.parents[joint]
        return result

    def meeting(self, first: int, second: int) -> int:
        """The lowest joint that both hang from."""
        above = set(self.path(second))
        return next(joint for joint in self.path(first) if joint in above)
