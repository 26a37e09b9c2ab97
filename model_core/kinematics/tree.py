"""Fits joint rotations from the root outwards: twist from the decoded rotations, swing to the decoded positions."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import axis_angle_from_matrix, normalized, rotate, transposed
from ..motion.skeleton import SMPL
from .filters import hann_smoothed, smoothstep
from .fitting import fitted_rotation, rotation_about, swing, twist_between
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
_SHORTENED = (0.6, 0.9)
"""Fractions of a bone's length at which its joints are not trusted at all, and fully trusted."""
_FOLDED = (0.75, 0.95)
"""Cosines of the fold of a lower limb onto the upper one at which its plane counts less, and not at all: no joint folds
this far, and a limb that passes through the other one flips its plane."""
_MOST_FOLDED = 0.98
"""Cosine of the largest fold: a bend of 168 degrees, slightly more than in captured arms."""
_STEADY_TWIST = 0.1
"""Seconds on each side over which a twist is averaged, so that a limb that passes through straight does not snap."""
_TRUST_IN_REST_TWIST = 0.03
"""The same for motion without decoded rotations, where the smallest twist is the only prior."""
_TRUST_IN_FEET = 0.2
"""Weight of the foot's direction for the twist of a leg whose rotations are unknown."""
_DECODED_LEVER = 0.06
"""Metres: the length of a bone whose direction is as uncertain from positions as from decoded rotations."""
_PULL_OF_REST = 1e-5
"""Square metres: weight of the rest rotation, for joints whose children leave a rotation undetermined."""


def fit_joint_rotations(pose: PoseBatch, joints: np.ndarray, has_rotations: bool) -> PoseBatch:
    """Rotate every joint below the root towards the given positions.

    Each bone points from its joint's position in the skeleton to the given position of its child, so that errors do not
    accumulate along a limb. Of all such rotations the one closest to the decoded rotation is used, which keeps the
    decoded twist. The twist of upper arms and thighs is then averaged with the plane of the bent elbow or knee, so that
    a hinge stays a hinge. Head, wrists and toes have no child to point at and keep their decoded rotation.

    Args:
        pose: rest offsets, fitted root, and decoded local rotations (or identities) of P people.
        joints: (P, T, 22, 3) positions to fit.
        has_rotations: whether the local rotations are decoded ones.
    """
    tree = pose.skeleton
    rotations = np.empty_like(pose.local)
    positions = np.empty_like(joints)
    rotations[:, :, 0] = pose.local[:, :, 0]
    positions[:, :, 0] = pose.translation
    trust = _trust(pose, joints)[..., None] if has_rotations else None
    for joint in range(1, len(tree)):
        parent = tree.parents[joint]
        positions[:, :, joint] = positions[:, :, parent] + rotate(rotations[:, :, parent], pose.offsets[:, None, joint])
        rotation = rotations[:, :, parent] @ pose.local[:, :, joint]
        children = tree.children[joint]
        if len(children) == 1:
            child = children[0]
            bone = rotate(rotation, pose.offsets[:, None, child])
            target = joints[:, :, child] - positions[:, :, joint]
            if trust is not None:
                # A centimetre of error rotates a bone of eight centimetres far more than one of forty: the decoded
                # direction is weighted by the relative certainty of both.
                lever = (_DECODED_LEVER / np.linalg.norm(bone, axis=-1, keepdims=True)) ** 2
                confidence = trust[:, :, child]
                target = confidence * target + (1 - confidence + lever) * bone
                if parent in _HINGES:
                    upper = rotate(rotations[:, :, parent], normalized(pose.offsets[:, None, joint]))
                    target = _with_limited_fold(target, upper, bone)
            rotation = swing(bone, target) @ rotation
            if joint in _HINGES:
                rotation = _twisted_to_hinge_plane(pose, joints, positions[:, :, joint], rotation, joint, trust)
        elif joint == _HEAD and not has_rotations:
            # A neck bends mostly to keep the head level: the chest is the better estimate of the head's rotation.
            rotation = rotations[:, :, _CHEST]
        elif children:
            rotation = _fitted_to_children(pose, joints, positions[:, :, joint], rotation, children, trust)
        rotations[:, :, joint] = rotation
    if not has_rotations:
        _distribute_spine_twist(rotations, pose.offsets)
    return pose.with_world_rotations(rotations)


def _trust(pose: PoseBatch, joints: np.ndarray) -> np.ndarray:
    """(P, T, 22) trust in a joint's position relative to its parent's, 0 to 1.

    A decoder that is undecided between two poses averages their positions, which makes bones too short.
    """
    bones = joints[:, :, 1:] - joints[:, :, pose.skeleton.parents[1:]]
    ratios = np.linalg.norm(bones, axis=-1) / np.linalg.norm(pose.offsets[:, None, 1:], axis=-1)
    low, high = _SHORTENED
    trust = np.ones(joints.shape[:3])
    trust[:, :, 1:] = smoothstep((ratios - low) / (high - low))
    return trust


def _fitted_to_children(
    pose: PoseBatch,
    joints: np.ndarray,
    position: np.ndarray,
    decoded: np.ndarray,
    children: tuple[int, ...],
    trust: np.ndarray | None,
) -> np.ndarray:
    """The rotation (P, T, 3, 3) that moves all children closest to their positions."""
    target = joints[:, :, children] - position[..., None, :]
    if trust is not None:
        target = trust[:, :, children] * target
    covariance = np.swapaxes(target, -1, -2) @ pose.offsets[:, None, children]
    pull = _PULL_OF_REST if trust is None else _DECODED_LEVER**2
    return fitted_rotation(covariance + pull * decoded)[0]


def _with_limited_fold(target: np.ndarray, upper: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Displacements to a limb's end (P, T, 3) with the fold of the limb limited.

    Args:
        target: (P, T, 3) displacement from the hinge to the limb's end.
        upper: (P, T, 3) unit vectors along the upper limb.
        decoded: (P, T, 3) the decoded lower limb, which determines the side if both limbs overlap.
    """
    length = np.linalg.norm(target, axis=-1, keepdims=True)
    along = (target * upper).sum(-1, keepdims=True) / np.maximum(length, 1e-9)
    across = target - length * along * upper
    other = normalized(decoded - (decoded * upper).sum(-1, keepdims=True) * upper)
    low, high = _FOLDED
    unclear = smoothstep((-along - low) / (high - low))
    across = normalized(across + unclear * length * other)
    limited = np.maximum(along, -_MOST_FOLDED)
    folded = length * (limited * upper + np.sqrt(1 - limited**2) * across)
    return np.where(unclear > 0, folded, target)


def _twisted_to_hinge_plane(
    pose: PoseBatch,
    joints: np.ndarray,
    position: np.ndarray,
    rotation: np.ndarray,
    upper: int,
    trust: np.ndarray | None,
) -> np.ndarray:
    """The upper limb's rotation (P, T, 3, 3), twisted about its bone towards the plane in which its hinge bends."""
    hinge, end, bend = _HINGES[upper]
    bone = rotate(rotation, pose.offsets[:, None, hinge])
    axis = normalized(bone)
    lower = normalized(joints[:, :, end] - position - bone)
    if trust is not None:
        source = rotate(rotation @ pose.local[:, :, hinge], normalized(pose.offsets[:, None, end]))
        cosine, sine = twist_between(axis, source, lower)
        low, high = _FOLDED
        clear = 1 - smoothstep((-(lower * axis).sum(-1) - low) / (high - low))
        clear = clear * (trust[:, :, hinge] * trust[:, :, end])[..., 0]
        radius = round(_STEADY_TWIST * pose.fps)
        cosine = hann_smoothed(clear * cosine + _TRUST_IN_DECODED_TWIST, radius)
        sine = hann_smoothed(clear * sine, radius)
    else:
        source = rotate(rotation, np.array(bend))
        cosine, sine = twist_between(axis, source, lower)
        cosine = cosine + _TRUST_IN_REST_TWIST
        feet = pose.skeleton.children[end]
        if feet:
            foot = normalized(joints[:, :, feet[0]] - joints[:, :, end])
            along, across = twist_between(axis, -source, foot)
            cosine, sine = cosine + _TRUST_IN_FEET * along, sine + _TRUST_IN_FEET * across
    return rotation_about(axis, np.arctan2(sine, cosine)) @ rotation


def _distribute_spine_twist(rotations: np.ndarray, offsets: np.ndarray) -> None:
    """Distribute the twist between pelvis and chest over the three spine joints, in place; no joint moves."""
    lower, middle, chest = (SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))
    relative = transposed(rotations[:, :, middle]) @ rotations[:, :, chest]
    twist = axis_angle_from_matrix(relative)[..., 1]
    for joint, child, share in ((lower, middle, 1 / 3), (middle, chest, 2 / 3)):
        axis = rotate(rotations[:, :, joint], normalized(offsets[:, None, child]))
        rotations[:, :, joint] = rotation_about(axis, share * twist) @ rotations[:, :, joint]
