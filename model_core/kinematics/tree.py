"""Stage 3: down the tree, joint by joint: twist from the decoded rotations, swing to the decoded positions."""

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
"""Upper limb joint to its hinge, the limb's end, and where at rest the lower limb goes when the hinge bends: shins
backward; forearms, palms down, forward and a third up, as captured people's do."""

_HEAD, _CHEST = SMPL.index("Head"), SMPL.index("Spine3")

_TRUST_IN_DECODED_TWIST = 0.15
"""Against 1 for a hinge bent at a right angle. A decoded rotation errs by some 5 degrees; so does the plane of a
hinge bent by 25 degrees between joints a centimetre off."""
_SHRUNK = (0.6, 0.9)
"""Shares of its length at which a bone is not believed at all, and wholly."""
_FOLDED = (0.75, 0.95)
"""Cosines of how far a lower limb is folded back onto the upper one, at which its plane begins to count less, and does
not count: no joint folds so far, and what goes through the other limb comes out turned around."""
_MOST_FOLDED = 0.98
"""Cosine of the farthest fold: 168 degrees of bend, a little more than captured arms show."""
_STEADY_TWIST = 0.1
"""Seconds either side over which a twist is weighed, so that a limb that goes through straight does not snap over."""
_TRUST_IN_REST_TWIST = 0.03
"""The same where no rotation was decoded and the least twist is all there is to go by."""
_TRUST_IN_FEET = 0.2
"""Weight of the foot's direction for the twist of a leg whose rotations are unknown."""
_DECODED_LEVER = 0.06
"""Metres: the length of bone whose direction is as uncertain from positions as from decoded rotations."""
_PULL_OF_REST = 1e-5
"""Square metres: of the rest rotation where several children fix a joint, to settle what they leave open."""


def swung_down_the_tree(pose: PoseBatch, joints: np.ndarray, local_known: bool) -> PoseBatch:
    """The pose with every joint below the root turned towards the given positions.

    Each bone points from where the skeleton has its joint to where its child ought to be, so errors do not pile up
    along a limb. Of all rotations that do so the one nearest to the decoded rotation is taken: that keeps its twist.
    The twist of upper arms and thighs is then weighed against the plane of the bent elbow or knee, so that a hinge
    stays a hinge. Head, wrists and toes have no child to point at and keep their decoded rotation.

    Args:
        pose: rest offsets, fitted root, and decoded local rotations (or identities) of P people.
        joints: (P, T, 22, 3) positions to meet.
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
                # A centimetre of error turns a bone of eight far more than one of forty: the decoded direction
                # counts for as much as it is the better of the two.
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
            # A neck bends mostly to carry the head level: the chest is the better guess of where it looks.
            turned = rotations[:, :, _CHEST]
        elif children:
            turned = _fitted_to_children(pose, joints, places[:, :, joint], turned, children, trust)
        rotations[:, :, joint] = turned
    if not local_known:
        _share_spine_twist(rotations, pose.offsets)
    return pose.turned_to(rotations)


def _trust(pose: PoseBatch, joints: np.ndarray) -> np.ndarray:
    """(P, T, 22) from 0 to 1 how far a joint's position is believed against its parent's.

    Where a decoder is torn between two poses its positions come out in the middle of both, and bones too short.
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
    """The rotation (P, T, 3, 3) that brings all children nearest to their positions."""
    wanted = joints[:, :, children] - place[..., None, :]
    if trust is not None:
        wanted = trust[:, :, children] * wanted
    covariance = np.swapaxes(wanted, -1, -2) @ pose.offsets[:, None, children]
    pull = _PULL_OF_REST if trust is None else _DECODED_LEVER**2
    return fitted_rotation(covariance + pull * decoded)[0]


def _unfolded(wanted: np.ndarray, upper: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Ways to a limb's end (P, T, 3) that fold it no farther than limbs do.

    Args:
        wanted: from the hinge.
        upper: (P, T, 3) unit vectors along the upper limb.
        decoded: (P, T, 3) the lower limb as decoded, which says on which side it is where the other lies in its way.
    """
    length = np.linalg.norm(wanted, axis=-1, keepdims=True)
    along = (wanted * upper).sum(-1, keepdims=True) / np.maximum(length, 1e-9)
    beside = wanted - length * along * upper
    other = normalized(decoded - (decoded * upper).sum(-1, keepdims=True) * upper)
    least, most = _FOLDED
    unclear = eased((-along - least) / (most - least))
    beside = normalized(beside + unclear * length * other)
    limited = np.maximum(along, -_MOST_FOLDED)
    folded = length * (limited * upper + np.sqrt(1 - limited**2) * beside)
    return np.where(unclear > 0, folded, wanted)


def _twisted_by_hinge(
    pose: PoseBatch, joints: np.ndarray, place: np.ndarray, turned: np.ndarray, upper: int, trust: np.ndarray | None
) -> np.ndarray:
    """The upper limb's rotation (P, T, 3, 3) turned about its bone towards the plane in which its hinge bends."""
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
            along, beside = twist_between(axis, -source, foot)
            cosine, sine = cosine + _TRUST_IN_FEET * along, sine + _TRUST_IN_FEET * beside
    return turn_about(axis, np.arctan2(sine, cosine)) @ turned


def _share_spine_twist(rotations: np.ndarray, offsets: np.ndarray) -> None:
    """Spread the twist between pelvis and chest over the three spine joints, in place; no joint moves by it."""
    lower, middle, chest = (SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))
    relative = transposed(rotations[:, :, middle]) @ rotations[:, :, chest]
    twist = axis_angle_from_matrix(relative)[..., 1]
    for joint, child, share in ((lower, middle, 1 / 3), (middle, chest, 2 / 3)):
        axis = rotate(rotations[:, :, joint], normalized(offsets[:, None, child]))
        rotations[:, :, joint] = turn_about(axis, share * twist) @ rotations[:, :, joint]
