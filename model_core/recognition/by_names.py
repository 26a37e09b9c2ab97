"""Finds a person by the words in bone names: a limb is a chain of bones with fitting names, each below the previous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .skeleton_tree import SkeletonTree
from .words import BoneWords

_NO_COLLAR = 1.5
"""Extra cost of an arm without a collar, relative to one whose collar's name is certain."""

_PER_BONE = 1e-3
"""Cost per ancestor: of two bones whose names fit equally, the upper one is used."""

_MAX_PELVIS_DISTANCE = 0.6
"""Largest distance of the common parent of legs and spine from where the legs meet, in lengths of a leg."""

LIMBS = (("Hip", "Knee", "Ankle"), ("Shoulder", "Elbow", "Wrist"))


@dataclass(frozen=True)
class NameMatch:
    """The result of recognition by names.

    Attributes:
        joints: SMPL joint to bone; complete where ``missing`` and ``broken`` are empty.
        missing: joints that a person needs and no name fits.
        broken: (lower, upper) bones of a limb whose names fit, although the lower is not below the upper.
        disconnected: whether legs and spine have no common parent near the hips.
    """

    joints: dict[str, int]
    missing: tuple[str, ...] = ()
    broken: tuple[int, int] | None = None
    disconnected: bool = False

    @property
    def complete(self) -> bool:
        """Whether a whole person was found."""
        return not self.missing and self.broken is None and not self.disconnected


def joints_by_names(tree: SkeletonTree, words: Sequence[BoneWords]) -> NameMatch:
    """The joints of a person by the bones' names."""
    joints: dict[str, int] = {}
    missing: list[str] = []
    broken: tuple[int, int] | None = None
    for side in ("L_", "R_"):
        costs = {role: _candidates(tree, words, side, role) for role in
                 ("Hip", "Knee", "Ankle", "Foot", "Collar", "Shoulder", "Elbow", "Wrist")}  # fmt: skip
        leg = _chain(tree, [costs[role] for role in LIMBS[0]])
        arm = _arm(tree, costs)
        for limb, chain in zip(LIMBS, (leg, arm), strict=True):
            if chain is not None:
                joints |= {side + role: bone for role, bone in chain.items()}
                continue
            unnamed = [side + role for role in limb if not costs[role]]
            missing += unnamed
            if not unnamed:
                broken = broken or _broken_link(tree, [costs[role] for role in limb])
        if leg is not None and (toe := _toe(tree, costs["Foot"], leg["Ankle"])) is not None:
            joints[side + "Foot"] = toe
    named = NameMatch(joints, tuple(missing), broken)
    return _with_trunk(tree, words, joints) if named.complete else named


def _candidates(tree: SkeletonTree, words: Sequence[BoneWords], side: str, role: str) -> dict[int, float]:
    """Bones whose names fit a joint, with their costs."""
    return {
        bone: word.roles[role] + _PER_BONE * tree.depth(bone)
        for bone, word in enumerate(words)
        if word.side == side and role in word.roles
    }


def _chain(tree: SkeletonTree, costs: Sequence[dict[int, float]]) -> dict[str, int] | None:
    """Hip, knee and ankle of the cheapest chain, None if no candidates form a chain."""
    best = _cheapest(tree, costs)
    return None if best is None else dict(zip(LIMBS[0], best[1], strict=True))


def _arm(tree: SkeletonTree, costs: dict[str, dict[int, float]]) -> dict[str, int] | None:
    """The cheapest arm, with a collar or without."""
    plain = _cheapest(tree, [costs[role] for role in LIMBS[1]])
    full = _cheapest(tree, [costs[role] for role in ("Collar", *LIMBS[1])])
    if full is not None and (plain is None or full[0] <= plain[0] + _NO_COLLAR):
        return dict(zip(("Collar", *LIMBS[1]), full[1], strict=True))
    return None if plain is None else dict(zip(LIMBS[1], plain[1], strict=True))


def _cheapest(tree: SkeletonTree, costs: Sequence[dict[int, float]]) -> tuple[float, tuple[int, ...]] | None:
    """Cost and bones of the cheapest chain: one candidate for each joint, each below the previous."""
    cheapest: dict[int, tuple[float, tuple[int, ...]]] = {bone: (cost, (bone,)) for bone, cost in costs[0].items()}
    for level in costs[1:]:
        extended = {}
        for bone, cost in level.items():
            above = [chain for end, chain in cheapest.items() if tree.is_descendant(bone, end)]
            if above:
                least = min(above)
                extended[bone] = (least[0] + cost, (*least[1], bone))
        cheapest = extended
    return min(cheapest.values(), default=None)


def _broken_link(tree: SkeletonTree, costs: Sequence[dict[int, float]]) -> tuple[int, int] | None:
    """Lower and upper bone between which a limb is not connected."""
    for upper, lower in pairwise(costs):
        if not any(tree.is_descendant(low, up) for low in lower for up in upper):
            return min(lower, key=lower.__getitem__), min(upper, key=upper.__getitem__)
    return min(costs[2], key=costs[2].__getitem__), min(costs[1], key=costs[1].__getitem__)


def _toe(tree: SkeletonTree, costs: dict[int, float], ankle: int) -> int | None:
    """The toes below an ankle, None if there are none."""
    below = {bone: cost for bone, cost in costs.items() if tree.is_descendant(bone, ankle)}
    return min(below, key=below.__getitem__) if below else None


def _with_trunk(tree: SkeletonTree, words: Sequence[BoneWords], joints: dict[str, int]) -> NameMatch:
    """The limbs with pelvis, spine, neck and head."""
    hips = tree.lowest_common_ancestor((joints["L_Hip"], joints["R_Hip"]))
    arms = [joints.get(side + "Collar", joints[side + "Shoulder"]) for side in ("L_", "R_")]
    chest = tree.lowest_common_ancestor(arms)
    if hips < 0 or chest < 0:
        return NameMatch(joints, disconnected=True)
    bottom = tree.lowest_common_ancestor((hips, chest))
    above = [bone for bone, word in enumerate(words) if not word.side and ("Head" in word.roles or "Neck" in word.roles)
             and (bone == chest or (bottom >= 0 and tree.is_descendant(bone, bottom)))]  # fmt: skip
    heads = {bone: (words[bone].roles["Head"], tree.depth(bone)) for bone in above if "Head" in words[bone].roles}
    head = min(heads, key=heads.__getitem__, default=None)
    necks = {
        bone: (words[bone].roles["Neck"], tree.depth(bone))
        for bone in above
        if "Neck" in words[bone].roles and (head is None or tree.is_descendant(head, bone))
    }
    neck = min(necks, key=necks.__getitem__, default=None)
    if neck is None and head is None:
        return NameMatch(joints, missing=("Neck or Head",))
    if head is not None:
        joints["Head"] = head
        if neck is None and tree.is_descendant(head, chest) and tree.parents[head] != chest:
            neck = tree.parents[head]
    if neck is not None:
        joints["Neck"] = _upper_neck(tree, neck, joints.get("Head", neck))
        if joints["Neck"] == joints.get("Head"):
            del joints["Head"]
    pelvis = pelvis_of(tree, hips, joints.get("Neck", joints.get("Head", -1)))
    leg = tree.length(joints["L_Ankle"], joints["L_Hip"])
    if pelvis < 0 or tree.length(hips, pelvis) > _MAX_PELVIS_DISTANCE * max(leg, 1e-9):
        return NameMatch(joints, disconnected=True)
    joints["Pelvis"] = pelvis
    joints |= spine_of(tree, joints)
    return NameMatch(joints)


def _upper_neck(tree: SkeletonTree, neck: int, head: int) -> int:
    """The first bone from neck to head that does not begin at its parent: CMU's first neck bone turns in the chest."""
    chain = [neck, *tree.between(head, neck)] if head != neck else [neck]
    for bone in chain:
        parent = tree.parents[bone]
        if parent < 0 or np.abs(tree.heads[bone] - tree.heads[parent]).max() > 1e-9:
            return bone
    return neck


def pelvis_of(tree: SkeletonTree, hips: int, neck: int) -> int:
    """The pelvis: where the legs meet or, if the neck is not below that bone, where legs and neck meet."""
    return tree.lowest_common_ancestor((hips, neck)) if not tree.is_descendant(neck, hips) else hips


def spine_of(tree: SkeletonTree, joints: dict[str, int]) -> dict[str, int]:
    """Up to three bones of the path from the pelvis to the neck: the lowest, the highest and one between them."""
    top = joints.get("Neck", joints.get("Head", -1))
    spine = tree.between(top, joints["Pelvis"])
    size = tree.length(top, joints["Pelvis"])
    lengths = [tree.chain_length((joints["Pelvis"], bone)) for bone in spine]
    # A bone that begins where the pelvis does would bend the body at the pelvis.
    raised = [bone for bone, length in zip(spine, lengths, strict=True) if length > 0.01 * size]
    spine = raised or spine
    picked = spine if len(spine) <= 3 else [spine[round(k)] for k in np.linspace(0, len(spine) - 1, 3)]
    return dict(zip(("Spine1", "Spine2", "Spine3"), picked, strict=False))
