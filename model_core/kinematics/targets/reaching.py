"""Limbs brought exactly to their targets: legs to their footsteps, hands to pins and contacts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...motion.rotations import (
    about_y,
    axis_angle_from_matrix,
    matrix_from_axis_angle,
    normalized,
    rotate,
    transposed,
)
from ..contacts import TOES
from ..filters import upper_envelope
from ..fitting import rotation_about, swing
from ..hands import WRISTS, rotations_with_moved_hands
from ..limbs import ARMS, LEGS, Limb, two_bone_ik
from ..pose import PoseBatch
from .footsteps import Footsteps
from .posing import make_continuous
from .spread import WISH, spread

_STRAIGHT = 0.998
"""Share of its length to which a limb stretches, unless it is stretched further already."""
_EASY_LEG = 0.985
"""Share of its length to which a standing leg stretches before the pelvis sinks."""
_LARGEST_DROP = 0.12
"""Metres by which the pelvis sinks at most."""
_DROP_RADIUS = 4
"""Frames on each side over which it sinks."""
_UP = np.array([0.0, 1.0, 0.0])
_BENT, _TWISTED = np.radians(75.0), np.radians(30.0)
"""Radians to which a wrist bends at most, and above which the forearm takes over its twist."""
_FOREARM = np.radians(80.0)
"""Largest twist in radians that a forearm takes over."""


def legs_on(pose: PoseBatch, steps: Footsteps, yaw: np.ndarray, firm: np.ndarray, before: np.ndarray) -> PoseBatch:
    """The people with feet on their footsteps, and pelvises that sink where legs need it.

    Args:
        pose: P people.
        steps: targets of the feet.
        yaw: (P, T, 2) radians about +Y by which feet turn before they are laid along their footsteps.
        firm: (P, T) from 0 to 1: the pelvis keeps its height.
        before: (P, T, 22, 3) joints of the same legs, stretched as much as they may be.
    """
    joints, rotations = pose.world()
    short = np.zeros(pose.translation.shape[:2])
    for side, leg in enumerate(LEGS):
        way = steps.ankles[:, :, side] - joints[:, :, leg.upper]
        longest = np.maximum(_EASY_LEG * _length(leg, pose.offsets), _ends(leg, before))
        level = way[..., 0] ** 2 + way[..., 2] ** 2
        missing = -way[..., 1] - np.sqrt(np.maximum(longest**2 - level, 0.0))
        short = np.maximum(short, missing * steps.stands[..., side])
    short = np.where(short > 1e-6, short, 0.0)
    drop = np.minimum(upper_envelope(short, _DROP_RADIUS), _LARGEST_DROP) * (1 - firm)
    translation = pose.translation - drop[..., None] * _UP
    joints = joints - drop[..., None, None] * _UP
    turned = rotations.copy()
    for side, leg in enumerate(LEGS):
        ankle, toe = leg.end, TOES[side]
        target = steps.ankles[:, :, side]
        upper, lower = _exactly(leg, pose.offsets, joints, rotations, target, before)
        off = np.linalg.norm(target - joints[:, :, ankle], axis=-1)[..., None, None] > 1e-7
        turned[:, :, leg.upper] = np.where(off, upper, rotations[:, :, leg.upper])
        turned[:, :, leg.hinge] = np.where(off, lower, rotations[:, :, leg.hinge])
        reached = (
            joints[:, :, leg.upper]
            + rotate(turned[:, :, leg.upper], pose.offsets[:, None, leg.hinge])
            + rotate(turned[:, :, leg.hinge], pose.offsets[:, None, ankle])
        )
        turn = about_y(yaw[..., side])
        foot = rotate(turn @ rotations[:, :, ankle], pose.offsets[:, None, toe])
        change = swing(foot, steps.toes[:, :, side] - reached) @ turn
        turned[:, :, ankle] = change @ rotations[:, :, ankle]
        turned[:, :, toe] = change @ rotations[:, :, toe]
    return replace(pose, translation=translation).with_world_rotations(turned)


def move_hands_exactly(
    pose: PoseBatch, moves: np.ndarray, hands: np.ndarray | None = None, follow: np.ndarray | None = None
) -> PoseBatch:
    """The people with wrists displaced exactly, as far as arms reach.

    Args:
        pose: P people.
        moves: (P, T, 2, 3) metres, left and right wrist.
        hands: (P, T, 2, 3) axis times angle in the world by which hands turn; None for not at all.
        follow: (P, 2) true for hands that turn with their forearm; the others keep their orientation in the world.
    """
    moving = np.abs(moves).max(initial=0) > 1e-7
    if not moving and hands is None:
        return pose
    joints, rotations = pose.world()
    if hands is not None:
        rotations = rotations.copy()
        rotations[:, :, WRISTS] = matrix_from_axis_angle(hands) @ rotations[:, :, WRISTS]
    if not moving:
        return pose.with_world_rotations(rotations)
    targets = joints[:, :, WRISTS] + moves
    turned = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
    joints = pose.joints(turned)
    for side, arm in enumerate(ARMS):
        off = np.linalg.norm(targets[:, :, side] - joints[:, :, arm.end], axis=-1)[..., None, None] > 1e-7
        upper, lower = _exactly(arm, pose.offsets, joints, turned, targets[:, :, side], joints)
        turned[:, :, arm.upper] = np.where(off, upper, turned[:, :, arm.upper])
        turned[:, :, arm.hinge] = np.where(off, lower, turned[:, :, arm.hinge])
        if follow is not None and follow[:, side].any():
            chosen = follow[:, side]
            local = transposed(rotations[chosen][:, :, arm.hinge]) @ rotations[chosen][:, :, arm.end]
            turned[chosen, :, arm.end] = turned[chosen, :, arm.hinge] @ local
    return pose.with_world_rotations(turned)


def swung_moves(
    joints: np.ndarray, moves: np.ndarray, weight: np.ndarray, kept: np.ndarray, length: np.ndarray
) -> np.ndarray:
    """Moves of wrists, spread smoothly as a swing about the shoulder and a change of the arm's extension.

    A hand that is moved on a straight line may pass its shoulder, and the arm would spin.

    Args:
        joints: (P, T, 22, 3).
        moves: (P, 2, T, 3) metres, left and right wrist, where they count.
        weight: (P, 2, T) how much they count.
        kept: (P, T) frames in which hands stay.
        length: (P, 2) frames of the spread.

    Returns:
        (P, T, 2, 3) metres.
    """
    result = np.zeros((*joints.shape[:2], 2, 3))
    for side, arm in enumerate(ARMS):
        asked = weight[:, side]
        if not (asked > 0).any():
            continue
        now = joints[:, :, arm.end] - joints[:, :, arm.upper]
        goal = now + moves[:, side]
        far, there = np.linalg.norm(now, axis=-1), np.maximum(np.linalg.norm(goal, axis=-1), 1e-3)
        turn = axis_angle_from_matrix(swing(now, goal))
        for person in range(len(turn)):
            make_continuous(turn[person], asked[person])
        values = np.concatenate((turn, np.log(there / np.maximum(far, 1e-3))[..., None]), axis=-1)
        fixed = asked >= 1
        values = values * np.where(fixed, 1.0, asked)[..., None]
        whole = spread(values, fixed | kept, WISH * asked, length[:, side])
        swung = rotate(matrix_from_axis_angle(whole[..., :3]), now) * np.exp(whole[..., 3:])
        result[:, :, side] = np.where((asked > 0).any(axis=-1)[:, None, None], swung - now, 0.0)
    return result


def wrists_in_range(pose: PoseBatch, before: PoseBatch, keep: np.ndarray) -> PoseBatch:
    """The people with wrists that bend and twist within their range, or as far as before.

    The forearm takes over the twist of the hand. What is still out of range is removed: the wrist keeps its position,
    and the hand loses some of its orientation.

    Args:
        pose: P people.
        before: the same people before their hands were moved.
        keep: (P, T, 2) from 0 to 1: the hand's orientation is part of a pose and stays.
    """
    local = pose.local.copy()
    for side, arm in enumerate(ARMS):
        axis = normalized(pose.offsets[:, arm.end])[:, None]
        swing_now, twist_now = _parts(pose.local[:, :, arm.end], axis)
        swing_then, twist_then = _parts(before.local[:, :, arm.end], axis)
        bend = np.linalg.norm(swing_now, axis=-1)
        most = np.maximum(_BENT, np.linalg.norm(swing_then, axis=-1))
        over = bend > most
        limit = np.maximum(np.abs(twist_then), _TWISTED)
        excess = np.sign(twist_now) * np.maximum(np.abs(twist_now) - limit, 0)
        taken = np.clip(excess, -_FOREARM, _FOREARM)
        if not over.any() and not np.abs(excess).max() > 1e-7:
            continue
        free = 1 - keep[..., side]
        swing_new = swing_now * np.where(over, 1 - free * (1 - most / np.maximum(bend, 1e-9)), 1.0)[..., None]
        twist_new = twist_now - excess * free - taken * (1 - free)
        along = np.broadcast_to(axis, swing_now.shape)
        turn = rotation_about(along, taken)
        # The forearm turns about itself, so the wrist stays where it is.
        local[:, :, arm.hinge] = local[:, :, arm.hinge] @ turn
        bent = matrix_from_axis_angle(rotate(transposed(turn), swing_new))
        local[:, :, arm.end] = bent @ rotation_about(along, twist_new)
    return replace(pose, local=local)


def _parts(local: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A wrist's rotation (P, T, 3, 3) as a bend (P, T, 3), axis times angle, after a twist (P, T) about ``axis``."""
    along = np.broadcast_to(axis, local.shape[:-1])
    bend = swing(along, rotate(local, along))
    rest = axis_angle_from_matrix(transposed(bend) @ local)
    return axis_angle_from_matrix(bend), (rest * along).sum(-1)


def _exactly(
    limb: Limb,
    offsets: np.ndarray,
    joints: np.ndarray,
    rotations: np.ndarray,
    target: np.ndarray,
    before: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations of a limb with its end at a target (P, T, 3), as far as its bones reach."""
    most = np.maximum(
        _STRAIGHT * _length(limb, offsets), np.minimum(_ends(limb, before), 0.9999 * _length(limb, offsets))
    )
    distance = np.minimum(np.linalg.norm(target - joints[:, :, limb.upper], axis=-1), most)
    return two_bone_ik(limb, offsets, joints, rotations, target, distance, one_way=limb in LEGS)


def _length(limb: Limb, offsets: np.ndarray) -> np.ndarray:
    """(P, 1) metres."""
    return np.asarray(np.linalg.norm(offsets[:, (limb.hinge, limb.end)], axis=-1).sum(-1)[:, None])


def _ends(limb: Limb, joints: np.ndarray) -> np.ndarray:
    """(P, T) metres between a limb's ends."""
    return np.asarray(np.linalg.norm(joints[:, :, limb.end] - joints[:, :, limb.upper], axis=-1))
