"""Which bones of a skeleton are a person's: known bone maps first, then words in the names, then the structure.

One recogniser for files and armatures. It is a pure function of names, parents and positions, so its result can be
kept for as long as those do not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..motion.skeleton import SMPL
from .bone_maps import NEEDED, BoneMap, canonical, known_maps
from .by_names import LIMBS, Named, joints_by_names
from .skeleton_tree import SkeletonTree
from .words import stripped_names, words_of

BY_NAMES = "Humanoid (by names)"
BY_STRUCTURE = "Humanoid (by structure)"

_LOOKS_LIKE = len(SMPL) // 3
"""Joints that a known map must find before a skeleton is said to look like one of its kind."""

_ALMOST_ALL = 14
"""Joints of a known map after which a skeleton is of that kind and nothing else."""

_OUT_OF_ORDER = 0.5
"""What a bone that does not hang from its parent joint's counts against one that has its name and does."""

_UNEVEN = 1.25
"""Ratio of a left and a right limb's length above which one of their bones may be the wrong one."""


class Check(Enum):
    """What a user should look at before trusting a recognition."""

    NAMES = "only the words in the bone names"
    STRUCTURE = "only the structure"
    SIDES = "nothing tells left from right"
    LENGTHS = "left and right limbs differ in length"
    PROPORTIONS = "upper and lower limbs differ too much in length"


class NotRecognisedError(Exception):
    """No person was found.

    Attributes:
        reason: ``"broken"`` (bones ``lower`` and ``upper``), ``"lacking"`` (``kind`` and joints), ``"apart"``,
            ``"two_pairs"`` or ``"unknown"`` (joints that no name fits).
        joints: SMPL joints that the reason names.
        values: what else it names.
    """

    def __init__(self, reason: str, joints: tuple[str, ...] = (), **values: str) -> None:
        super().__init__(reason)
        self.reason, self.joints, self.values = reason, joints, values


@dataclass(frozen=True)
class Humanoid:
    """Indices of a skeleton's joints.

    Attributes:
        joints: SMPL name to index, for the pelvis, limbs, neck and head; ``L_Foot``, ``R_Foot``, ``L_Collar``,
            ``R_Collar`` and ``Head`` only where the skeleton has them.
        spine: the joints between pelvis and neck, from below.
    """

    joints: dict[str, int]
    spine: tuple[int, ...]


@dataclass(frozen=True)
class Recognition:
    """A person found in a skeleton.

    Attributes:
        kind: what such skeletons are called.
        joints: SMPL joint to bone; 13 to 22 of them.
        checks: what is not certain.
        bone_map: the known map that fits, None where names or structure were read.
        controls: SMPL joint to the control that is keyed, where it is another bone.
        root: the control that carries the whole body, -1 where the pelvis does.
    """

    kind: str
    joints: dict[str, int]
    checks: tuple[Check, ...] = ()
    bone_map: BoneMap | None = None
    controls: dict[str, int] = field(default_factory=dict)
    root: int = -1

    def humanoid(self, tree: SkeletonTree) -> Humanoid:
        """The joints with all bones of the spine.

        Raises:
            NotRecognisedError: the neck does not hang from the pelvis.
        """
        joints = {joint: bone for joint, bone in self.joints.items() if not joint.startswith("Spine")}
        if "Neck" not in joints:
            joints["Neck"] = joints.pop("Head")
        if not tree.hangs(joints["Neck"], joints["Pelvis"]):
            raise NotRecognisedError("apart")
        return Humanoid(joints, tuple(tree.between(joints["Neck"], joints["Pelvis"])))


def recognise(
    tree: SkeletonTree,
    maps: Sequence[BoneMap] | None = None,
    upright: Callable[[], Iterable[SkeletonTree]] | None = None,
) -> Recognition:
    """Find a person.

    Args:
        tree: the skeleton.
        maps: known kinds of skeletons; None means those of ``assets/rigs``.
        upright: the skeleton in poses in which the person may stand upright, Y up, for recognition by structure;
            asked for only where names say too little. None means the rest pose.

    Raises:
        NotRecognisedError: no person was found, or not with certainty.
    """
    kinds = known_maps() if maps is None else maps
    matches = [find_mapped(bone_map, tree) for bone_map in kinds if _has_limbs(bone_map, tree)]
    usable = [match for match in matches if not lacking(match.joints) and _fits(tree, match)]
    if usable:
        best = max(usable, key=lambda match: _score(tree, match))
        return Recognition(best.kind, best.joints, _lengths(tree, best.joints), best.bone_map, best.controls, best.root)
    from .by_structure import joints_by_structure  # a long module, for the few skeletons whose names say nothing

    words = words_of(tree.names)
    named = joints_by_names(tree, words)
    if named.complete:
        return Recognition(BY_NAMES, named.joints, (Check.NAMES, *_lengths(tree, named.joints)))
    nearest = nearest_match(tree, kinds)
    known = nearest is not None and len(nearest.joints) >= _ALMOST_ALL
    if named.broken is None and not named.apart and not known:
        # What has nearly all of a known kind's bones lacks some: structure would take others for them.
        two_pairs = False
        for pose in upright() if upright is not None else (tree,):
            found = joints_by_structure(pose, words)
            two_pairs |= found.two_pairs
            if found.joints:
                checks = (Check.STRUCTURE,) if found.sides_known else (Check.STRUCTURE, Check.SIDES)
                return Recognition(BY_STRUCTURE, found.joints, (*checks, *_lengths(tree, found.joints)))
        if two_pairs:
            raise NotRecognisedError("two_pairs")
    raise _why(tree, named, nearest)


def nearest_match(tree: SkeletonTree, maps: Sequence[BoneMap] | None = None) -> Recognition | None:
    """The known map that finds the most bones, None where none finds a third of a person."""
    kinds = known_maps() if maps is None else maps
    best = max((find_mapped(bone_map, tree) for bone_map in kinds), key=lambda match: len(match.joints), default=None)
    return best if best is not None and len(best.joints) >= _LOOKS_LIKE else None


def lacking(joints: Mapping[str, object]) -> tuple[str, ...]:
    """Joints without which a skeleton is no person and that are not among these."""
    missing = [joint for joint in NEEDED if joint not in joints]
    return (*missing, *(("Neck",) if "Neck" not in joints and "Head" not in joints else ()))


def find_mapped(bone_map: BoneMap, tree: SkeletonTree) -> Recognition:
    """The bones that a map names; joints whose bones are missing are left out."""
    spelt = _spelt(tree.names, bone_map.prefixes)

    def alike(names: Iterable[str]) -> tuple[str, tuple[int, ...]]:
        """The first of the names that some bones have in any spelling, and those bones."""
        found = ((name, spelt.get(canonical(name, bone_map.prefixes), ())) for name in names)
        return next(((name, same) for name, same in found if same), ("", ()))

    def one(names: Iterable[str]) -> int:
        name, same = alike(names)
        # Of several bones that differ in case or separators, the one that is spelt as the map has it.
        exact = [bone for bone in same if tree.names[bone] == name]
        return exact[0] if exact else min(same, key=tree.depth, default=-1)

    joints: dict[str, int] = {}
    for joint in SMPL.joints:
        names = bone_map.bones.get(joint, ())
        _, same = alike(names)
        if len(same) > 1:
            # Of several, one that hangs from its parent joint's, or carries a hip: others are props, or other people's.
            above = joints.get(mapped_parent(joint, joints), -1)
            hips = alike(bone_map.bones.get("L_Hip", ()))[1] if joint == "Pelvis" else ()
            in_place = [bone for bone in same if (above >= 0 and tree.hangs(bone, above))
                        or any(tree.hangs(hip, bone) for hip in hips)]  # fmt: skip
            bone = one(names)
            joints[joint] = bone if bone in in_place or not in_place else in_place[0]
        elif same:
            joints[joint] = same[0]
    controls = {
        joint: bone for joint, names in bone_map.controls.items() if joint in joints and (bone := one(names)) >= 0
    }
    root = one((bone_map.root,)) if bone_map.root else -1
    return Recognition(bone_map.name, joints, (), bone_map, controls, root)


def mapped_parent(joint: str, bones: Mapping[str, object]) -> str:
    """The nearest joint above one that has a bone, empty where there is none."""
    parent = SMPL.parents[SMPL.index(joint)]
    while parent >= 0 and SMPL.joints[parent] not in bones:
        parent = SMPL.parents[parent]
    return SMPL.joints[parent] if parent >= 0 else ""


@lru_cache(512)
def _spelt(names: tuple[str, ...], prefixes: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Canonical spelling to bones, of the names as they are and without what all of them share."""
    result: dict[str, list[int]] = {}
    for bone, (name, stripped) in enumerate(zip(names, stripped_names(names), strict=True)):
        for key in {canonical(name, prefixes), canonical(stripped, prefixes)}:
            result.setdefault(key, []).append(bone)
    return {key: tuple(bones) for key, bones in result.items()}


def _has_limbs(bone_map: BoneMap, tree: SkeletonTree) -> bool:
    """Whether a map's limbs are all in a skeleton: a quick look at 12 joints before all are looked for."""
    spelt = _spelt(tree.names, bone_map.prefixes)
    return all(any(canonical(name, bone_map.prefixes) in spelt for name in bone_map.bones.get(joint, ()))
               for joint in NEEDED)  # fmt: skip


def _fits(tree: SkeletonTree, match: Recognition) -> bool:
    """Whether limbs are chains; in a rig with controls, whether those exist, for constraints may carry its bones."""
    assert match.bone_map is not None
    if match.bone_map.controls:
        return len(match.controls) > 0.5 * len(match.bone_map.controls)
    joints = match.joints
    chains = all(tree.hangs(joints[side + lower], joints[side + upper])
                 for side in ("L_", "R_") for limb in LIMBS for upper, lower in pairwise(limb))  # fmt: skip
    return chains and tree.hangs(joints.get("Neck", joints.get("Head", -1)), joints["Pelvis"])


def _score(tree: SkeletonTree, match: Recognition) -> tuple[float, int, int, int]:
    """Joints that were found and hang where they should; among equals rigs with controls, spines that reach the arms
    and exact names first."""
    points = 0.0
    for joint, bone in match.joints.items():
        above = match.joints.get(mapped_parent(joint, match.joints), -1)
        points += 1.0 if above < 0 or tree.hangs(bone, above) else _OUT_OF_ORDER
    assert match.bone_map is not None
    exact = {name for names in match.bone_map.bones.values() for name in names}
    top = match.joints.get("Spine3", match.joints["Pelvis"])
    neck = match.joints.get("Neck", match.joints.get("Head", -1))
    gap = len(tree.between(neck, top)) if tree.hangs(neck, top) else len(tree)
    return points, len(match.controls), -gap, sum(tree.names[bone] in exact for bone in match.joints.values())


def _lengths(tree: SkeletonTree, joints: Mapping[str, int]) -> tuple[Check, ...]:
    """What the limbs' lengths say against a recognition."""
    checks = set()
    for upper, middle, lower in LIMBS:
        sides = []
        for side in ("L_", "R_"):
            first, second, third = (tree.heads[joints[side + name]] for name in (upper, middle, lower))
            parts = float(np.linalg.norm(second - first)), float(np.linalg.norm(third - second))
            sides.append(sum(parts))
            if max(parts) > 3.0 * max(min(parts), 1e-9):
                checks.add(Check.PROPORTIONS)
        if max(sides) > _UNEVEN * max(min(sides), 1e-9):
            checks.add(Check.LENGTHS)
    return tuple(check for check in Check if check in checks)


def _why(tree: SkeletonTree, named: Named, nearest: Recognition | None) -> NotRecognisedError:
    """The reason that helps most."""
    if named.broken is not None and not named.missing:
        lower, upper = (tree.names[bone] for bone in named.broken)
        return NotRecognisedError("broken", lower=lower, upper=upper)
    if named.apart:
        return NotRecognisedError("apart")
    if nearest is not None and len(nearest.joints) >= max(_LOOKS_LIKE, len(named.joints)) and lacking(nearest.joints):
        return NotRecognisedError("lacking", lacking(nearest.joints), kind=nearest.kind)
    return NotRecognisedError("unknown", tuple(named.missing))
