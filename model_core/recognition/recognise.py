"""Finds the bones of a person in a skeleton: by known bone maps, then by words in the names, then by the structure.

Files and armatures share this recogniser. It is a pure function of names, parents and positions, so its result can be
cached for as long as those do not change.
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
from .by_names import LIMBS, NameMatch, joints_by_names
from .ik_limbs import IkLimb
from .skeleton_tree import SkeletonTree
from .words import stripped_names, words_of

BY_NAMES = "Humanoid (by names)"
BY_STRUCTURE = "Humanoid (by structure)"

_MIN_PARTIAL_MATCH = len(SMPL) // 3
"""Number of joints that a known map must find before a skeleton is reported to look like its kind."""

_NEAR_COMPLETE_MATCH = 14
"""Number of joints found by a known map from which a skeleton counts as of that kind only."""

_MISPLACED_SCORE = 0.5
"""Score of a bone with the right name that is not below its parent joint's bone, relative to 1 for a bone that is."""

_MAX_LIMB_RATIO = 1.25
"""Ratio of the lengths of left and right limb above which one of their bones may be the wrong one."""


class Check(Enum):
    """What a user should look at before trusting a recognition."""

    NAMES = "only the words in the bone names"
    STRUCTURE = "only the structure"
    SIDES = "nothing tells left from right"
    LENGTHS = "left and right limbs differ in length"
    PROPORTIONS = "upper and lower limbs differ too much in length"


class FailureReason(Enum):
    """Why no person was found, and what ``NotRecognisedError`` has for a message about it."""

    BROKEN_LIMB = "a limb's lower bone is not below its upper bone (values ``lower`` and ``upper``)"
    MISSING_JOINTS = "a skeleton of a known kind lacks joints (value ``kind`` and joints)"
    DISCONNECTED = "legs, spine and arms are not connected like a person's"
    AMBIGUOUS_ARMS = "two pairs of limbs could be the arms"
    UNKNOWN = "no names fit some joints (joints)"


class NotRecognisedError(Exception):
    """No person was found.

    Attributes:
        reason: why.
        joints: SMPL joints to name in a message.
        values: further values to name in a message.
    """

    def __init__(self, reason: FailureReason, joints: tuple[str, ...] = (), **values: str) -> None:
        super().__init__(reason.value)
        self.reason, self.joints, self.values = reason, joints, values


@dataclass(frozen=True)
class Humanoid:
    """Indices of a skeleton's joints.

    Attributes:
        joints: SMPL name to index, for the pelvis, limbs, neck and head; ``L_Foot``, ``R_Foot``, ``L_Collar``,
            ``R_Collar`` and ``Head`` only where the skeleton has them.
        spine: the joints between pelvis and neck, from the lowest up.
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
        ik: joint at the end of a limb to the controls that move it by inverse kinematics, for kinds that have some.
    """

    kind: str
    joints: dict[str, int]
    checks: tuple[Check, ...] = ()
    bone_map: BoneMap | None = None
    controls: dict[str, int] = field(default_factory=dict)
    root: int = -1
    ik: dict[str, IkLimb] = field(default_factory=dict)

    def humanoid(self, tree: SkeletonTree) -> Humanoid:
        """The joints with all bones of the spine.

        Raises:
            NotRecognisedError: the neck is not below the pelvis.
        """
        joints = {joint: bone for joint, bone in self.joints.items() if not joint.startswith("Spine")}
        if "Neck" not in joints:
            joints["Neck"] = joints.pop("Head")
        if not tree.is_descendant(joints["Neck"], joints["Pelvis"]):
            raise NotRecognisedError(FailureReason.DISCONNECTED)
        return Humanoid(joints, tuple(tree.between(joints["Neck"], joints["Pelvis"])))


def recognise(
    tree: SkeletonTree,
    maps: Sequence[BoneMap] | None = None,
    candidate_poses: Callable[[], Iterable[SkeletonTree]] | None = None,
) -> Recognition:
    """Find a person in a skeleton.

    Args:
        tree: the skeleton.
        maps: known kinds of skeletons; None means those of ``assets/rigs``.
        candidate_poses: returns the skeleton in poses in which the person may stand upright, Y up, for recognition by
            structure; called only where names are not enough. None means the rest pose.

    Raises:
        NotRecognisedError: no person was found, or not with certainty.
    """
    kinds = known_maps() if maps is None else maps
    matches = [find_mapped(bone_map, tree) for bone_map in kinds if _has_limbs(bone_map, tree)]
    usable = [match for match in matches if not missing_joints(match.joints) and _fits(tree, match)]
    if usable:
        best = max(usable, key=lambda match: _score(tree, match))
        return Recognition(
            best.kind, best.joints, _length_checks(tree, best.joints), best.bone_map, best.controls, best.root, best.ik
        )
    from .by_structure import joints_by_structure  # a long module that few skeletons need

    words = words_of(tree.names)
    named = joints_by_names(tree, words)
    if named.complete:
        return Recognition(BY_NAMES, named.joints, (Check.NAMES, *_length_checks(tree, named.joints)))
    nearest = nearest_match(tree, kinds)
    known = nearest is not None and len(nearest.joints) >= _NEAR_COMPLETE_MATCH
    if named.broken is None and not named.disconnected and not known:
        # A skeleton with nearly all bones of a known kind lacks some, which structure would replace by wrong ones.
        ambiguous_arms = False
        for pose in candidate_poses() if candidate_poses is not None else (tree,):
            found = joints_by_structure(pose, words)
            ambiguous_arms |= found.ambiguous_arms
            if found.joints:
                checks = (Check.STRUCTURE,) if found.sides_known else (Check.STRUCTURE, Check.SIDES)
                return Recognition(BY_STRUCTURE, found.joints, (*checks, *_length_checks(tree, found.joints)))
        if ambiguous_arms:
            raise NotRecognisedError(FailureReason.AMBIGUOUS_ARMS)
    raise _failure_reason(tree, named, nearest)


def nearest_match(tree: SkeletonTree, maps: Sequence[BoneMap] | None = None) -> Recognition | None:
    """The match of the known map that finds the most bones; None if no map finds a third of a person."""
    kinds = known_maps() if maps is None else maps
    best = max((find_mapped(bone_map, tree) for bone_map in kinds), key=lambda match: len(match.joints), default=None)
    return best if best is not None and len(best.joints) >= _MIN_PARTIAL_MATCH else None


def missing_joints(joints: Mapping[str, object]) -> tuple[str, ...]:
    """The joints that every person needs and that are not among these."""
    missing = [joint for joint in NEEDED if joint not in joints]
    return (*missing, *(("Neck",) if "Neck" not in joints and "Head" not in joints else ()))


def find_mapped(bone_map: BoneMap, tree: SkeletonTree) -> Recognition:
    """The bones that a map names, without the joints whose bones the skeleton lacks."""
    by_spelling = _bones_by_spelling(tree.names, bone_map.prefixes)

    def matching_bones(names: Iterable[str]) -> tuple[str, tuple[int, ...]]:
        """The first name that any bones have, in any spelling, and these bones."""
        found = ((name, by_spelling.get(canonical(name, bone_map.prefixes), ())) for name in names)
        return next(((name, same) for name, same in found if same), ("", ()))

    def best_bone(names: Iterable[str]) -> int:
        name, same = matching_bones(names)
        # Of several bones that differ in case or separators, the one that is spelt as in the map.
        exact = [bone for bone in same if tree.names[bone] == name]
        return exact[0] if exact else min(same, key=tree.depth, default=-1)

    joints: dict[str, int] = {}
    for joint in SMPL.joints:
        names = bone_map.bones.get(joint, ())
        _, same = matching_bones(names)
        if len(same) > 1:
            # Of several, one below its parent joint's bone, or above a hip: others are props, or other people's.
            above = joints.get(mapped_parent(joint, joints), -1)
            hips = matching_bones(bone_map.bones.get("L_Hip", ()))[1] if joint == "Pelvis" else ()
            in_place = [bone for bone in same if (above >= 0 and tree.is_descendant(bone, above))
                        or any(tree.is_descendant(hip, bone) for hip in hips)]  # fmt: skip
            bone = best_bone(names)
            joints[joint] = bone if bone in in_place or not in_place else in_place[0]
        elif same:
            joints[joint] = same[0]
    controls = {
        joint: bone for joint, names in bone_map.controls.items() if joint in joints and (bone := best_bone(names)) >= 0
    }
    root = best_bone((bone_map.root,)) if bone_map.root else -1

    def bone_called(names: tuple[str, ...]) -> str:
        bone = best_bone(names)
        return tree.names[bone] if bone >= 0 else ""

    ik = {joint: names.found(bone_called) for joint, names in bone_map.ik.items() if joint in joints}
    return Recognition(bone_map.name, joints, (), bone_map, controls, root, ik)


def mapped_parent(joint: str, bones: Mapping[str, object]) -> str:
    """The nearest ancestor of a joint that has a bone, or an empty string."""
    parent = SMPL.parents[SMPL.index(joint)]
    while parent >= 0 and SMPL.joints[parent] not in bones:
        parent = SMPL.parents[parent]
    return SMPL.joints[parent] if parent >= 0 else ""


@lru_cache(512)
def _bones_by_spelling(names: tuple[str, ...], prefixes: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Canonical spelling to bones, of the names with and without the affixes that all of them share."""
    result: dict[str, list[int]] = {}
    for bone, (name, stripped) in enumerate(zip(names, stripped_names(names), strict=True)):
        for key in {canonical(name, prefixes), canonical(stripped, prefixes)}:
            result.setdefault(key, []).append(bone)
    return {key: tuple(bones) for key, bones in result.items()}


def _has_limbs(bone_map: BoneMap, tree: SkeletonTree) -> bool:
    """Whether a skeleton has all limbs of a map: a quick check of few joints before all are looked up."""
    by_spelling = _bones_by_spelling(tree.names, bone_map.prefixes)
    return all(any(canonical(name, bone_map.prefixes) in by_spelling for name in bone_map.bones.get(joint, ()))
               for joint in NEEDED)  # fmt: skip


def _fits(tree: SkeletonTree, match: Recognition) -> bool:
    """Whether limbs are chains; in a rig with controls, which may drive its bones, whether most controls exist."""
    assert match.bone_map is not None
    if match.bone_map.controls:
        return len(match.controls) > 0.5 * len(match.bone_map.controls)
    joints = match.joints
    chains = all(tree.is_descendant(joints[side + lower], joints[side + upper])
                 for side in ("L_", "R_") for limb in LIMBS for upper, lower in pairwise(limb))  # fmt: skip
    return chains and tree.is_descendant(joints.get("Neck", joints.get("Head", -1)), joints["Pelvis"])


def _score(tree: SkeletonTree, match: Recognition) -> tuple[float, int, int, int]:
    """Number of joints found in the right place in the hierarchy; ties are broken by more controls, then by spines that
    reach closer to the neck, then by exact names."""
    points = 0.0
    for joint, bone in match.joints.items():
        above = match.joints.get(mapped_parent(joint, match.joints), -1)
        points += 1.0 if above < 0 or tree.is_descendant(bone, above) else _MISPLACED_SCORE
    assert match.bone_map is not None
    exact = {name for names in match.bone_map.bones.values() for name in names}
    top = match.joints.get("Spine3", match.joints["Pelvis"])
    neck = match.joints.get("Neck", match.joints.get("Head", -1))
    gap = len(tree.between(neck, top)) if tree.is_descendant(neck, top) else len(tree)
    return points, len(match.controls), -gap, sum(tree.names[bone] in exact for bone in match.joints.values())


def _length_checks(tree: SkeletonTree, joints: Mapping[str, int]) -> tuple[Check, ...]:
    """Doubts about a recognition from the limbs' lengths."""
    checks = set()
    for upper, middle, lower in LIMBS:
        sides = []
        for side in ("L_", "R_"):
            first, second, third = (tree.heads[joints[side + name]] for name in (upper, middle, lower))
            parts = float(np.linalg.norm(second - first)), float(np.linalg.norm(third - second))
            sides.append(sum(parts))
            if max(parts) > 3.0 * max(min(parts), 1e-9):
                checks.add(Check.PROPORTIONS)
        if max(sides) > _MAX_LIMB_RATIO * max(min(sides), 1e-9):
            checks.add(Check.LENGTHS)
    return tuple(check for check in Check if check in checks)


def _failure_reason(tree: SkeletonTree, named: NameMatch, nearest: Recognition | None) -> NotRecognisedError:
    """The error with the most helpful reason."""
    if named.broken is not None and not named.missing:
        lower, upper = (tree.names[bone] for bone in named.broken)
        return NotRecognisedError(FailureReason.BROKEN_LIMB, lower=lower, upper=upper)
    if named.disconnected:
        return NotRecognisedError(FailureReason.DISCONNECTED)
    if (
        nearest is not None
        and len(nearest.joints) >= max(_MIN_PARTIAL_MATCH, len(named.joints))
        and missing_joints(nearest.joints)
    ):
        return NotRecognisedError(FailureReason.MISSING_JOINTS, missing_joints(nearest.joints), kind=nearest.kind)
    return NotRecognisedError(FailureReason.UNKNOWN, tuple(named.missing))
