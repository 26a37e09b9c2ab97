"""A person in an armature whose names say nothing: from the tree of bones and where they lie at rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import bpy
import numpy as np

from ..core import SMPL, canonical_name
from .map import RigMapping

_LEAST_LIMB = 0.08
"""Share of the figure's height that an upper arm, a forearm, a thigh and a shin are at least long."""

_SOLE = 0.06
"""Share of the height within which bones of a foot begin over the lowest of them."""


@dataclass(frozen=True)
class _Tree:
    """Bones as numbers: heads and tails (N, 3) in the world, parents (N,)."""

    names: list[str]
    heads: np.ndarray
    tails: np.ndarray
    parents: list[int]

    def path(self, bone: int) -> list[int]:
        """From the root to the bone."""
        result = []
        while bone >= 0:
            result.append(bone)
            bone = self.parents[bone]
        return result[::-1]


def mapped_by_structure(owner: bpy.types.Object) -> RigMapping | None:
    """The joints of a person who stands upright in the rest pose, with two legs, two arms and a head; None if not."""
    tree = _tree_of(owner)
    leaves = [bone for bone in range(len(tree.names)) if bone not in tree.parents]
    if len(leaves) < 5:
        return None
    height = float(np.ptp(np.concatenate((tree.heads, tree.tails))[:, 2]))
    side = _side_axis(tree, leaves)
    # Where bones begin is where joints are; where they end is a matter of taste in many rigs.
    across = tree.heads @ side
    middle = float(np.median(across))
    feet = [_foot(tree, leaves, (across - middle) * sign > 0.02 * height, height) for sign in (1.0, -1.0)]
    hands = [_hand(leaves, (across - middle) * sign) for sign in (1.0, -1.0)]
    if any(bone is None for bone in feet) or len({*feet, *hands}) < 4:
        return None
    legs, arms = [tree.path(bone) for bone in feet if bone is not None], [tree.path(bone) for bone in hands]
    pelvis, chest = _meeting(*legs), _meeting(*arms)
    if pelvis < 0 or chest < 0:
        return None
    limbs = [_limb(tree, path[path.index(top) + 1 :], height) for top, paths in ((pelvis, legs), (chest, arms))
             for path in paths]  # fmt: skip
    heads = [leaf for leaf in leaves if chest in tree.path(leaf)[:-1] and abs(across[leaf] - middle) < 0.05 * height]
    if any(limb is None for limb in limbs) or not heads or pelvis not in tree.path(chest):
        return None
    left_leg, right_leg, left_arm, right_arm = (limb for limb in limbs if limb is not None)
    up = tree.path(max(heads, key=lambda leaf: tree.heads[leaf, 2]))
    above = up[up.index(chest) + 1 :]
    trunk = tree.path(chest)
    spine = trunk[trunk.index(pelvis) + 1 :]
    joints = {"Pelvis": pelvis, "Neck": above[0]} | ({"Head": above[1]} if len(above) > 1 else {})
    picked = spine if len(spine) <= 3 else [spine[round(k)] for k in np.linspace(0, len(spine) - 1, 3)]
    joints |= dict(zip(("Spine1", "Spine2", "Spine3"), picked, strict=False))
    # Toes point forward; who looks the other way has left and right the other way round.
    behind = np.cross((0.0, 0.0, 1.0), side)
    toes = np.mean([_toe(tree, leg) - tree.heads[leg[2]] for leg in (left_leg, right_leg)], axis=0)
    named = _sides_of_names(tree, (left_leg, left_arm), (right_leg, right_arm))
    if named < 0 or (named == 0 and toes @ behind > 0):
        left_leg, right_leg, left_arm, right_arm = right_leg, left_leg, right_arm, left_arm
    for letter, leg, arm in (("L_", left_leg, left_arm), ("R_", right_leg, right_arm)):
        joints |= {letter + name: bone for name, bone in zip(("Hip", "Knee", "Ankle", "Foot"), leg, strict=False)}
        joints |= {letter + name: bone for name, bone in zip(("Shoulder", "Elbow", "Wrist"), arm, strict=False)}
        path = tree.path(arm[0])
        if path[-2] != chest:
            joints[letter + "Collar"] = path[-2]
    bones = {joint: tree.names[joints[joint]] for joint in SMPL.joints if joint in joints}
    mapping = RigMapping("Humanoid (by structure)", bones)
    return None if mapping.lacking or len(set(bones.values())) < len(bones) else mapping


def _sides_of_names(tree: _Tree, left: tuple[list[int], ...], right: tuple[list[int], ...]) -> int:
    """Above zero where names say left and right as the limbs are given, below where the other way round, else zero."""
    votes = 0
    for limbs, side in ((left, "L_"), (right, "R_")):
        said = [canonical_name(tree.names[bone])[0] for limb in limbs for bone in limb]
        votes += sum((name == side) - (name not in (side, "")) for name in said)
    return votes


def _tree_of(owner: bpy.types.Object) -> _Tree:
    bones = list(owner.data.bones)
    index = {bone.name: number for number, bone in enumerate(bones)}
    matrix = np.array(owner.matrix_world)
    points = np.array([(*bone.head_local, *bone.tail_local) for bone in bones]).reshape(-1, 2, 3)
    points = points @ matrix[:3, :3].T + matrix[:3, 3]
    parents = [index[bone.parent.name] if bone.parent else -1 for bone in bones]
    return _Tree([bone.name for bone in bones], points[:, 0], points[:, 1], parents)


def _side_axis(tree: _Tree, leaves: list[int]) -> np.ndarray:
    """(3,) level direction in which the figure is widest: from hand to hand."""
    tips = tree.heads[leaves] * (1.0, 1.0, 0.0)
    values, vectors = np.linalg.eigh(np.cov((tips - tips.mean(axis=0)).T))
    return vectors[:, int(values.argmax())] * (1.0, 1.0, 0.0)


def _foot(tree: _Tree, leaves: list[int], on_side: np.ndarray, height: float) -> int | None:
    """Of the lowest leaves of one side the one that begins farthest from its parent on the ground: toes, not a heel."""
    own = [leaf for leaf in leaves if on_side[leaf]]
    if not own:
        return None
    near = min(tree.heads[own, 2]) + _SOLE * height

    def reach(leaf: int) -> float:
        above = tree.parents[leaf]
        return float(np.linalg.norm((tree.heads[leaf] - tree.heads[above])[:2])) if above >= 0 else 0.0

    return max((leaf for leaf in own if tree.heads[leaf, 2] <= near), key=reach)


def _toe(tree: _Tree, leg: list[int]) -> np.ndarray:
    """(3,) where the toes begin, or where the foot ends that has none."""
    return tree.heads[leg[3]] if len(leg) > 3 else tree.tails[leg[2]]


def _hand(leaves: list[int], outward: np.ndarray) -> int:
    """The leaf that lies farthest out on one side."""
    return max(leaves, key=lambda leaf: outward[leaf])


def _meeting(first: list[int], second: list[int]) -> int:
    """The last bone that two paths from the root share, -1 where there is none."""
    return next((bone for bone in reversed(first) if bone in second), -1)


def _limb(tree: _Tree, path: list[int], height: float) -> list[int] | None:
    """Upper bone, lower bone, hand or foot and what follows: the two longest bones that follow each other lead."""
    if len(path) < 3:
        return None
    lengths = [float(np.linalg.norm(tree.heads[b] - tree.heads[a])) for a, b in pairwise(path)]
    start = max(range(len(lengths) - 1), key=lambda k: min(lengths[k], lengths[k + 1]))
    if min(lengths[start], lengths[start + 1]) < _LEAST_LIMB * height:
        return None
    return path[start:]
