"""Finds a person in a skeleton without meaningful names: by the hierarchy and the positions in an upright pose.

Fingers distinguish a hand from a wing; chains of two long bones distinguish limbs from skirts and hair. Bones whose
names denote accessories, twist bones or end bones are removed first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from .by_names import pelvis_of, spine_of
from .skeleton_tree import SkeletonTree
from .words import BoneWords

_MIN_LIMB = 0.07
"""Smallest length of an upper arm, a forearm, a thigh or a shin, as a fraction of the figure's height."""

_ARM = (0.2, 0.75)
"""Limits for the mean length of upper arm and forearm, as fractions of the legs' length."""

_SOLE = 0.06
"""Largest height of the bones of a foot above the lowest of them, as a fraction of the figure's height."""

_MIDDLE = 0.03
"""Largest distance of head and neck from the middle, as a fraction of the figure's height."""

_FINGER = 0.2
"""Largest length of a finger, as a fraction of the figure's height."""

_UPRIGHT = 0.7
"""Smallest cosine between the vertical and the trunk: animals on four legs have a horizontal trunk."""

_UP = 1


@dataclass(frozen=True)
class StructureMatch:
    """The result of recognition by structure.

    Attributes:
        joints: SMPL joint to bone; empty if no person was found.
        ambiguous_arms: whether no person was found because two pairs of limbs could be the arms.
        sides_known: whether names or toes distinguish left from right.
    """

    joints: dict[str, int]
    ambiguous_arms: bool = False
    sides_known: bool = True


def joints_by_structure(skeleton: SkeletonTree, words: Sequence[BoneWords]) -> StructureMatch:
    """The joints of a person who stands upright, with two legs, two arms and a head.

    Args:
        skeleton: the skeleton, Y up.
        words: the meaning of its bones' names.
    """
    tree, remaining = _limbs_only(skeleton, words)
    if len(remaining) < 12:
        return StructureMatch({})
    body = _Body(tree, remaining)
    legs = body.legs()
    if legs is None:
        return StructureMatch({})
    arms = body.arms(legs)
    if isinstance(arms, bool):
        return StructureMatch({}, ambiguous_arms=arms)
    joints = body.trunk(legs, arms)
    if joints is None:
        return StructureMatch({})
    sides = _side_order(skeleton, words, legs, arms, body.across)
    if sides < 0:
        legs, arms = legs[::-1], arms[::-1]
    for side, leg, arm in zip(("L_", "R_"), legs, arms, strict=True):
        joints |= {side + name: bone for name, bone in zip(("Hip", "Knee", "Ankle", "Foot"), leg.bones, strict=False)}
        joints |= {side + name: bone for name, bone in zip(("Shoulder", "Elbow", "Wrist"), arm.bones, strict=False)}
        if arm.before >= 0:
            joints[side + "Collar"] = arm.before
    joints |= spine_of(tree, joints)
    if len(set(joints.values())) < len(joints) or _names_disagree(words, joints):
        return StructureMatch({})
    return StructureMatch(joints, sides_known=sides != 0)


@dataclass(frozen=True)
class _Limb:
    """Upper bone, lower bone, hand or foot, and toes if there are any; ``before`` is the bone above them or -1."""

    bones: tuple[int, ...]
    before: int = -1


class _Body:
    """An upright skeleton, measured."""

    def __init__(self, tree: SkeletonTree, remaining: Sequence[int]) -> None:
        self.tree, self.remaining = tree, remaining
        heads = tree.heads[list(remaining)]
        self.height = max(float(np.ptp(heads[:, _UP])), 1e-9)
        self.leaves = [bone for bone in remaining if not tree.children[bone]]
        self.across = _side_axis(heads, tree.heads[self.leaves])
        offset = tree.heads @ self.across
        spread = offset[list(remaining)]
        # The trunk lies in the middle, and limbs come in pairs.
        self.sideways = offset - 0.5 * (float(np.quantile(spread, 0.02)) + float(np.quantile(spread, 0.98)))
        middle = spread[np.abs(self.sideways[list(remaining)]) < 0.1 * self.height]
        if len(middle):
            self.sideways = offset - float(np.median(middle))
        self.heights = tree.heads[:, _UP]

    def legs(self) -> tuple[_Limb, _Limb] | None:
        """Left and right leg in the direction of ``across``, None if there is no pair."""
        found = []
        for sign in (1.0, -1.0):
            own = [leaf for leaf in self.leaves if self.sideways[leaf] * sign > 0.02 * self.height]
            limbs = {leaf: limb for leaf in own if (limb := self._leg(leaf)) is not None}
            if not limbs:
                return None
            near = min(self.heights[leaf] for leaf in limbs) + _SOLE * self.height
            # Toes reach farther over the ground than heels.
            toe = max((leaf for leaf in limbs if self.heights[leaf] <= near), key=self._reach)
            found.append(limbs[toe])
        left, right = found
        return (left, right) if not set(left.bones) & set(right.bones) else None

    def arms(self, legs: tuple[_Limb, _Limb]) -> tuple[_Limb, _Limb] | bool:
        """Left and right arm; without a unique pair, whether several pairs could be the arms."""
        taken = {bone for leg in legs for bone in leg.bones}
        hip = float(np.mean([self.heights[leg.bones[0]] for leg in legs]))
        length = float(np.mean([self.tree.length(leg.bones[2], leg.bones[0]) for leg in legs]))
        pairs = []
        for fingers in (True, False):
            sides: list[list[_Limb]] = []
            for sign in (1.0, -1.0):
                found: dict[tuple[int, ...], _Limb] = {}
                for limb in self._hands(sign, taken) if fingers else self._plain_arms(sign, taken):
                    upper, lower = (self.tree.length(b, a) for a, b in pairwise(limb.bones[:3]))
                    fits = _ARM[0] < 0.5 * (upper + lower) / length < _ARM[1]
                    if fits and self.heights[limb.bones[0]] > hip:
                        found.setdefault(limb.bones[:2], limb)
                sides.append(list(found.values()))
            pairs = [(left, right) for left in sides[0] for right in sides[1] if self._are_paired(left, right)]
            if len(pairs) > 1:
                # Arms are below a head; strands of hair that grow from the head have none above them.
                pairs = [pair for pair in pairs if self.trunk(legs, pair) is not None]
            if pairs:
                break
        if len(pairs) != 1:
            return len(pairs) > 1
        return pairs[0]

    def trunk(self, legs: tuple[_Limb, _Limb], arms: tuple[_Limb, _Limb]) -> dict[str, int] | None:
        """Pelvis, neck and head."""
        tree = self.tree
        hips = tree.lowest_common_ancestor([leg.bones[0] for leg in legs])
        chest = tree.lowest_common_ancestor([arm.bones[0] for arm in arms])
        if hips < 0 or chest < 0:
            return None
        blocked = {bone for limb in (*legs, *arms) for bone in limb.bones}
        column = self._midline(chest, blocked)
        shoulders = float(np.mean([self.heights[arm.bones[0]] for arm in arms]))
        if self.heights[chest] > shoulders and tree.parents[chest] >= 0 and column:
            # The clavicles hang from the neck, which begins above the shoulders.
            column = [chest, *column]
        if not column:
            return None
        pelvis = pelvis_of(tree, hips, column[0])
        rise = tree.heads[column[0]] - tree.heads[[leg.bones[0] for leg in legs]].mean(axis=0)
        if rise[_UP] < _UPRIGHT * np.linalg.norm(rise):
            return None
        far = pelvis < 0 or tree.length(hips, pelvis) > 0.6 * tree.length(legs[0].bones[2], legs[0].bones[0])
        if far or pelvis == column[0]:
            return None
        head = self._head(column)
        return {"Pelvis": pelvis, "Head": head} | ({"Neck": column[0]} if head != column[0] else {})

    def _head(self, column: list[int]) -> int:
        """The head among the bones above the chest, lowest first: it carries a face, or is longer than the neck."""
        if len(column) < 3:
            return column[-1]
        steps = [self.tree.length(upper, lower) for lower, upper in pairwise(column)]
        branching = [k for k in range(1, len(column)) if len(self.tree.children[column[k]]) > 1]
        if branching:
            first = branching[0]
            # A bone for the face may begin where the head does.
            return column[first - 1] if first > 1 and steps[first - 1] < 0.01 * self.height else column[first]
        longest = int(np.argmax(steps))
        others = max((step for k, step in enumerate(steps) if k != longest), default=0.0)
        return column[longest] if longest and steps[longest] > 1.3 * others else column[-1]

    def _leg(self, leaf: int) -> _Limb | None:
        """The leg on the path to a leaf, None if there is none."""
        path = [bone for bone in self.tree.paths[leaf][::-1] if abs(self.sideways[bone]) > 0.01 * self.height]
        floor = float(self.heights[list(self.remaining)].min())
        best: tuple[float, tuple[int, ...]] = (0.0, ())
        for chosen in combinations(range(len(path)), 3):
            hip, knee, ankle = (path[k] for k in chosen)
            low = self.heights[ankle] - floor < 0.2 * self.height
            if low and self.heights[hip] - self.heights[ankle] > 0.3 * self.height:
                fit = self._fit(hip, knee, ankle)
                if fit > best[0] + 1e-9:
                    best = (fit, (hip, knee, ankle, *path[chosen[2] + 1 : chosen[2] + 2]))
        return _Limb(best[1]) if best[0] > _MIN_LIMB * self.height else None

    def _fit(self, first: int, second: int, third: int) -> float:
        """Score for how well three bones split a limb into two long parts of similar length."""
        upper, lower = self.tree.length(second, first), self.tree.length(third, second)
        return min(upper, lower) - 0.5 * abs(upper - lower)

    def _hands(self, sign: float, taken: set[int]) -> list[_Limb]:
        """Arms that end in fingers."""
        found = []
        for hub in self.remaining:
            below = self.tree.children[hub]
            if len(below) < 3 or self.sideways[hub] * sign < 0.05 * self.height or hub in taken:
                continue
            reach = [self._longest(child, hub) for child in below]
            if sum(0.0 < length < _FINGER * self.height for length in reach) < 3:
                continue
            path = self._side_path(hub)
            best: tuple[float, tuple[int, int]] | None = None
            for first, second in combinations(range(len(path) - 1), 2):
                fit = self._fit(path[first], path[second], hub)
                if best is None or fit > best[0] + 1e-9:
                    best = (fit, (first, second))
            if best is not None and best[0] > 0.5 * _MIN_LIMB * self.height:
                first, second = best[1]
                found.append(_Limb((path[first], path[second], hub), path[first - 1] if first else -1))
        return found

    def _plain_arms(self, sign: float, taken: set[int]) -> list[_Limb]:
        """Arms without fingers: two long consecutive bones."""
        found = []
        for leaf in self.leaves:
            if self.sideways[leaf] * sign < 0.05 * self.height or taken & set(self.tree.paths[leaf]):
                continue
            path = self._side_path(leaf)
            lengths = [self.tree.length(b, a) for a, b in pairwise(path)]
            if len(lengths) < 2:
                continue
            start = max(range(len(lengths) - 1), key=lambda k: min(lengths[k], lengths[k + 1]))
            if min(lengths[start], lengths[start + 1]) > _MIN_LIMB * self.height:
                wrist = start + 2
                while self._is_half(path, start, wrist):
                    wrist += 1
                bones = (path[start], path[start + 1], path[wrist])
                found.append(_Limb(bones, path[start - 1] if start else -1))
        return found

    def _is_half(self, path: list[int], start: int, wrist: int) -> bool:
        """Whether the forearm continues straight beyond a bone, to a length that fits the upper arm better."""
        if wrist + 1 >= len(path):
            return False
        first, second, third, fourth = (self.tree.heads[path[k]] for k in (start, start + 1, wrist, wrist + 1))
        upper, lower, step = second - first, third - second, fourth - third
        straight = lower @ step > 0.99 * np.linalg.norm(lower) * np.linalg.norm(step)
        longer = float(np.linalg.norm(fourth - second))
        return bool(straight and longer < 1.15 * np.linalg.norm(upper))

    def _side_path(self, bone: int) -> list[int]:
        """The path to a bone from its first ancestor off the middle."""
        path = list(self.tree.paths[bone][::-1])
        first = next((k for k, b in enumerate(path) if len(self._sides_below.get(b, ())) < 2), 0)
        return path[first:]

    @cached_property
    def _sides_below(self) -> dict[int, set[float]]:
        """Bone to the sides on which its descendants lie, well off the middle; bones of the trunk have both."""
        result: dict[int, set[float]] = {}
        for bone in self.remaining:
            if abs(self.sideways[bone]) > 0.05 * self.height:
                for above in self.tree.paths[bone]:
                    result.setdefault(above, set()).add(float(np.sign(self.sideways[bone])))
        return result

    def _longest(self, bone: int, above: int) -> float:
        """Length of the longest chain from ``above`` through its child ``bone``."""
        step = self.tree.chain_length((above, bone))
        return step + max((self._longest(child, bone) for child in self.tree.children[bone]), default=0.0)

    def _are_paired(self, left: _Limb, right: _Limb) -> bool:
        """Whether two limbs have similar lengths and a common ancestor."""
        lengths = [self.tree.length(limb.bones[2], limb.bones[0]) for limb in (left, right)]
        return (
            max(lengths) < 1.3 * min(lengths) and self.tree.lowest_common_ancestor((left.bones[0], right.bones[0])) >= 0
        )

    def _midline(self, chest: int, blocked: set[int]) -> list[int]:
        """Bones in the middle above a chest, from the lowest up."""
        column = [chest]
        while True:
            above = [bone for bone in self.tree.children[column[-1]]
                     if bone not in blocked and abs(self.sideways[bone]) < _MIDDLE * self.height
                     and self.heights[bone] > self.heights[column[-1]] - 0.01 * self.height
                     and not (self._subtree(bone) & blocked)]  # fmt: skip
            if not above:
                return column[1:]
            column.append(max(above, key=lambda bone: (len(self._subtree(bone)), self.heights[bone])))

    def _subtree(self, bone: int) -> set[int]:
        return {bone}.union(*(self._subtree(child) for child in self.tree.children[bone]))

    def _reach(self, leaf: int) -> float:
        above = self.tree.parents[leaf]
        step = self.tree.heads[leaf] - self.tree.heads[above] if above >= 0 else np.zeros(3)
        return float(np.hypot(step[0], step[2]))


def _limbs_only(tree: SkeletonTree, words: Sequence[BoneWords]) -> tuple[SkeletonTree, list[int]]:
    """The tree without accessories, bones below them and helper bones, and the bones that remain."""
    dropped = {bone for bone, word in enumerate(words) if word.helper}
    for bone, word in enumerate(words):
        if word.accessory:
            pending = [bone]
            while pending:
                below = pending.pop()
                dropped.add(below)
                pending += tree.children[below]
    return tree.without(dropped), [bone for bone in range(len(tree)) if bone not in dropped]


def _side_axis(heads: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    """(3,) horizontal direction across the body: the one along which the bones are most symmetric."""
    level = heads * (1.0, 0.0, 1.0)
    tips = leaves * (1.0, 0.0, 1.0)
    _, vectors = np.linalg.eigh(np.cov((tips - tips.mean(axis=0)).T))
    candidates = [np.array((1.0, 0.0, 0.0)), np.array((0.0, 0.0, 1.0))]
    candidates += [vectors[:, k] * (1.0, 0.0, 1.0) for k in (2, 1)]
    size = max(float(np.ptp(heads[:, _UP])), 1e-9)

    def mirrored(axis: np.ndarray) -> float:
        positions = level @ axis
        middle = float(np.median(positions))
        images = heads - 2 * np.outer(positions - middle, axis)
        distances = np.linalg.norm(images[:, None] - heads[None], axis=-1).min(axis=1)
        sideways = np.abs(positions - middle) > 0.03 * size
        return float((distances[sideways] < 0.02 * size).sum())

    unit = [axis / np.linalg.norm(axis) for axis in candidates if np.linalg.norm(axis) > 0.5]
    return unit[int(np.argmax([mirrored(axis) for axis in unit]))]


def _side_order(
    tree: SkeletonTree,
    words: Sequence[BoneWords],
    legs: tuple[_Limb, _Limb],
    arms: tuple[_Limb, _Limb],
    across: np.ndarray,
) -> int:
    """1 if the first limbs are the left ones, -1 if they are the right ones, 0 if that is unknown."""
    votes = 0
    for number, side in enumerate(("L_", "R_")):
        named_sides = [words[bone].side for bone in (*legs[number].bones, *arms[number].bones)]
        votes += sum((name == side) - (name not in (side, "")) for name in named_sides)
    if votes:
        return 1 if votes > 0 else -1
    toes = []
    for leg in legs:
        if len(leg.bones) > 3:
            toes.append(tree.heads[leg.bones[3]] - tree.heads[leg.bones[2]])
        elif tree.tails is not None:
            toes.append(tree.tails[leg.bones[2]] - tree.heads[leg.bones[2]])
    if not toes:
        return 0
    # Toes point forward, and left is to the left of it.
    forward = np.cross(across, (0.0, 1.0, 0.0))
    along = float(np.mean(toes, axis=0) @ forward)
    size = float(np.mean([np.linalg.norm(toe) for toe in toes]))
    return 0 if abs(along) < 0.2 * size else (1 if along > 0 else -1)


def _names_disagree(words: Sequence[BoneWords], joints: dict[str, int]) -> bool:
    """Whether more than two names denote other joints."""
    disagreements = 0
    for joint, bone in joints.items():
        role = joint[2:] if joint[1:2] == "_" else joint
        roles = words[bone].roles
        disagreements += bool(roles) and role not in roles
    return disagreements > 2
