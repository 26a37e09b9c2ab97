"""Joint rotations, fitted down the tree: twist from the decoded rotations, swing to the decoded positions."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import axis_angle_from_matrix, normalized, rotate, transposed
from ..motion.skeleton import SMPL
from .filters import blurred, eased
from .fitting import fitted_rotation, swing, turn_about, twist_between
from .pose import PoseBatch

_HINGES = {
    SMPL.index(upper): (SMPL.index(lower), SMPL.index(end), bend)
    for upper, lower, end, bend in (
        ("L_Hip", "L_Knee", "L_Ankle", (0.0, 0.0, -1.0)),
        ("R_Hip", "R_Knee", "R_Ankle", (0.0, 0.0, -1.0)),
        ("L_Shoulder", "L_Elbow", "L_Wrist", (0.0, 0.42, 0.91)),
        ("R_Shoulder", "R_Elbow", "R_Wrist", (0.0, 0.42, 0.91)),
    )
}
"""Upper limb joint to its hinge, the limb's end, and the direction at rest in which the lower limb moves when the hinge
bends: shins backward; forearms, with palms down, forward and a third up, as in captured motion."""

_HEAD, _CHEST = SMPL.index("Head"), SMPL.index("Spine3")

_TRUST_IN_DECODED_TWIST = 0.15
"""Weight relative to 1 for a hinge bent at a right angle. A decoded rotation is off by about 5 degrees; so is the
plane of a hinge that is bent by 25 degrees between joints that are off by a centimetre."""
_SHRUNK = (0.6, 0.9)
"""Shares of a bone's length at which its joints are not trusted at all, and fully."""
_FOLDED = (0.75, 0.95)
"""Cosines of the fold of a lower limb onto the upper one at which its plane counts less, and not at all: no joint folds
this far, and a limb that passes through the other one flips its plane."""
_MOST_FOLDED = 0.98
"""Cosine of the largest fold: a bend of 168 degrees, slightly more than in captured arms."""
_STEADY_TWIST = 0.1
"""Seconds on each side over which a twist is averaged, so that a limb that passes through straight does not snap."""
_TRUST_IN_REST_TWIST = 0.03
"""The same without decoded rotations, where the smallest twist is the only prior."""
_TRUST_IN_FEET = 0.2
"""Weight of the foot's direction for the twist of a leg whose rotations are unknown."""
_DECODED_LEVER = 0.06
"""Metres: the length of a bone whose direction is as uncertain from positions as from decoded rotations."""
_PULL_OF_REST = 1e-5
"""Square metres: weight of the rest rotation if several children determine a joint but leave a rotation open."""


def fit_down_the_tree(pose: PoseBatch, joints: np.ndarray, local_known: bool) -> PoseBatch:
    """The pose with every joint below the root rotated towards the given positions.

    Each bone points from its joint's position in the skeleton to the given position of its child, so that errors do not
    accumulate along a limb. Of all such rotations the one nearest to the decoded rotation is chosen, which keeps its
    twist. The twist of upper arms and thighs is then averaged with the plane of the bent elbow or knee, so that a hinge
    stays a hinge. Head, wrists and toes have no child to point at and keep their decoded rotation.

    Args:
        pose: rest offsets, fitted root, and decoded local rotations (or identities) of P people.
        joints: (P, T, 22, 3) positions to fit.
        local_known: whether the local rotations are decoded ones.
    """
    tree = pose.skeleton
    rotations = np.empty_like(pose.local)
    places = np.empty_like(joints)
    rotations[:, :, 0] = pose.local[:, :, 0]
    places[:, :, 0] = pose.translation
    trust = _trust(pose, joints)[..., None] if local_known else None
    for joint in range(1, len(tree)):
        parent = tree.parents[joint]
        places[:, :, joint] = places[:, :, parent] + rotate(rotations[:, :, parent], pose.offsets[:, None, joint])
        turned = rotations[:, :, parent] @ pose.local[:, :, joint]
        children = tree.children[joint]
        if len(children) == 1:
            child = children[0]
            bone = rotate(turned, pose.offsets[:, None, child])
            wanted = joints[:, :, child] - places[:, :, joint]
            if trust is not None:
                # A centimetre of error rotates a bone of eight centimetres far more than one of forty: the decoded
                # direction is weighted by the relative certainty of both.
                lever = (_DECODED_LEVER / np.linalg.norm(bone, axis=-1, keepdims=True)) ** 2
                believed = trust[:, :, child]
                wanted = believed * wanted + (1 - believed + lever) * bone
                if parent in _HINGES:
                    upper = rotate(rotations[:, :, parent], normalized(pose.offsets[:, None, joint]))
                    wanted = _unfolded(wanted, upper, bone)
            turned = swing(bone, wanted) @ turned
            if joint in _HINGES:
                turned = _twisted_by_hinge(pose, joints, places[:, :, joint], turned, joint, trust)
        elif joint == _HEAD and not local_known:
            # A neck bends mostly to keep the head level: the chest is the better estimate of the head's rotation.
            turned = rotations[:, :, _CHEST]
        elif children:
            turned = _fitted_to_children(pose, joints, places[:, :, joint], turned, children, trust)
        rotations[:, :, joint] = turned
    if not local_known:
        _share_spine_twist(rotations, pose.offsets)
    return pose.turned_to(rotations)


def _trust(pose: PoseBatch, joints: np.ndarray) -> np.ndarray:
    """(P, T, 22) trust in a joint's position relative to its parent's, 0 to 1.

    A decoder that is undecided between two poses gives positions in the middle of both, and bones that are too short.
    """
    bones = joints[:, :, 1:] - joints[:, :, pose.skeleton.parents[1:]]
    shares = np.linalg.norm(bones, axis=-1) / np.linalg.norm(pose.offsets[:, None, 1:], axis=-1)
    least, most = _SHRUNK
    trust = np.ones(joints.shape[:3])
    trust[:, :, 1:] = eased((shares - least) / (most - least))
    return trust


def _fitted_to_children(
    pose: PoseBatch,
    joints: np.ndarray,
    place: np.ndarray,
    decoded: np.ndarray,
    children: tuple[int, ...],
    trust: np.ndarray | None,
) -> np.ndarray:
    """The rotation (P, T, 3, 3) that moves all children closest to their positions."""
    wanted = joints[:, :, children] - place[..., None, :]
    if trust is not None:
        wanted = trust[:, :, children] * wanted
    covariance = np.swapaxes(wanted, -1, -2) @ pose.offsets[:, None, children]
    pull = _PULL_OF_REST if trust is None else _DECODED_LEVER**2
    return fitted_rotation(covariance + pull * decoded)[0]


def _unfolded(wanted: np.ndarray, upper: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Displacements to a limb's end (P, T, 3) with the fold of the limb limited.

    Args:
        wanted: from the hinge.
        upper: (P, T, 3) unit vectors along the upper limb.
        decoded: (P, T, 3) the decoded lower limb, which determines the side if both limbs overlap.
    """
    length = np.linalg.norm(wanted, axis=-1, keepdims=True)
    along = (wanted * upper).sum(-1, keepdims=True) / np.maximum(length, 1e-9)
    across = wanted - length * along * upper
    other = normalized(decoded - (decoded * upper).sum(-1, keepdims=True) * upper)
    least, most = _FOLDED
    unclear = eased((-along - least) / (most - least))
    across = normalized(across + unclear * length * other)
    limited = np.maximum(along, -_MOST_FOLDED)
    folded = length * (limited * upper + np.sqrt(1 - limited**2) * across)
    return np.where(unclear > 0, folded, wanted)


def _twisted_by_hinge(
    pose: PoseBatch, joints: np.ndarray, place: np.ndarray, turned: np.ndarray, upper: int, trust: np.ndarray | None
) -> np.ndarray:
    """The upper limb's rotation (P, T, 3, 3), twisted about its bone towards the plane in which its hinge bends."""
    hinge, end, bend = _HINGES[upper]
    bone = rotate(turned, pose.offsets[:, None, hinge])
    axis = normalized(bone)
    lower = normalized(joints[:, :, end] - place - bone)
    if trust is not None:
        source = rotate(turned @ pose.local[:, :, hinge], normalized(pose.offsets[:, None, end]))
        cosine, sine = twist_between(axis, source, lower)
        least, most = _FOLDED
        clear = 1 - eased((-(lower * axis).sum(-1) - least) / (most - least))
        clear = clear * (trust[:, :, hinge] * trust[:, :, end])[..., 0]
        radius = round(_STEADY_TWIST * pose.fps)
        cosine = blurred(clear * cosine + _TRUST_IN_DECODED_TWIST, radius)
        sine = blurred(clear * sine, radius)
    else:
        source = rotate(turned, np.array(bend))
        cosine, sine = twist_between(axis, source, lower)
        cosine = cosine + _TRUST_IN_REST_TWIST
        feet = pose.skeleton.children[end]
        if feet:
            foot = normalized(joints[:, :, feet[0]] - joints[:, :, end])
            along, across = twist_between(axis, -source, foot)
            cosine, sine = cosine + _TRUST_IN_FEET * along, sine + _TRUST_IN_FEET * across
    return turn_about(axis, np.arctan2(sine, cosine)) @ turned


def _share_spine_twist(rotations: np.ndarray, offsets: np.ndarray) -> None:
    """Distribute the twist between pelvis and chest over the three spine joints, in place; no joint moves."""
    lower, middle, chest = (SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))
    relative = transposed(rotations[:, :, middle]) @ rotations[:, :, chest]
    twist = axis_angle_from_matrix(relative)[..., 1]
    for joint, child, share in ((lower, middle, 1 / 3), (middle, chest, 2 / 3)):
        axis = rotate(rotations[:, :, joint], normalized(offsets[:, None, child]))
        rotations[:, :, joint] = turn_about(axis, share * twist) @ rotations[:, :, joint]
