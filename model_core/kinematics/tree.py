"""Stage 3: down the tree, joint by joint: twist from the decoded rotations, swing to the decoded positions."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import axis_angle_from_matrix, normalized, rotate, transposed
from ..motion.skeleton import SMPL
from .fitting import fitted_rotation, swing, turn_about, twist_between
from .pose import Pose

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
_TRUST_IN_REST_TWIST = 0.03
"""The same where no rotation was decoded and the least twist is all there is to go by."""
_TRUST_IN_FEET = 0.2
"""Weight of the foot's direction for the twist of a leg whose rotations are unknown."""
_DECODED_LEVER = 0.06
"""Metres: the length of bone whose direction is as uncertain from positions as from decoded rotations."""
_PULL_OF_REST = 1e-5
"""Square metres: of the rest rotation where several children fix a joint, to settle what they leave open."""


def swung_down_the_tree(pose: Pose, joints: np.ndarray, local_known: bool) -> Pose:
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
    for joint in range(1, len(tree)):
        parent = tree.parents[joint]
        places[:, :, joint] = places[:, :, parent] + rotate(rotations[:, :, parent], pose.offsets[:, None, joint])
        turned = rotations[:, :, parent] @ pose.local[:, :, joint]
        children = tree.children[joint]
        if len(children) == 1:
            child = children[0]
            bone = rotate(turned, pose.offsets[:, None, child])
            wanted = joints[:, :, child] - places[:, :, joint]
            if local_known:
                # A centimetre of error turns a bone of eight far more than one of forty: the decoded direction
                # counts for as much as it is the better of the two.
                wanted = wanted + bone * (_DECODED_LEVER / np.linalg.norm(bone, axis=-1, keepdims=True)) ** 2
            turned = swing(bone, wanted) @ turned
            if joint in _HINGES:
                turned = _twisted_by_hinge(pose, joints, places[:, :, joint], turned, joint, local_known)
        elif joint == _HEAD and not local_known:
            # A neck bends mostly to carry the head level: the chest is the better guess of where it looks.
            turned = rotations[:, :, _CHEST]
        elif children:
            turned = _fitted_to_children(pose, joints, places[:, :, joint], turned, children, local_known)
        rotations[:, :, joint] = turned
    if not local_known:
        _share_spine_twist(rotations, pose.offsets)
    return pose.turned_to(rotations)


def _fitted_to_children(
    pose: Pose,
    joints: np.ndarray,
    place: np.ndarray,
    decoded: np.ndarray,
    children: tuple[int, ...],
    local_known: bool,
) -> np.ndarray:
    """The rotation (P, T, 3, 3) that brings all children nearest to their positions."""
    wanted = joints[:, :, children] - place[..., None, :]
    covariance = np.swapaxes(wanted, -1, -2) @ pose.offsets[:, None, children]
    pull = _DECODED_LEVER**2 if local_known else _PULL_OF_REST
    return fitted_rotation(covariance + pull * decoded)[0]


def _twisted_by_hinge(
    pose: Pose, joints: np.ndarray, place: np.ndarray, turned: np.ndarray, upper: int, local_known: bool
) -> np.ndarray:
    """The upper limb's rotation (P, T, 3, 3) turned about its bone towards the plane in which its hinge bends."""
    hinge, end, bend = _HINGES[upper]
    bone = rotate(turned, pose.offsets[:, None, hinge])
    axis = normalized(bone)
    lower = normalized(joints[:, :, end] - place - bone)
    if local_known:
        source = rotate(turned @ pose.local[:, :, hinge], normalized(pose.offsets[:, None, end]))
        cosine, sine = twist_between(axis, source, lower)
        cosine = cosine + _TRUST_IN_DECODED_TWIST
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
