"""Displaced people get stances and steps, and legs that reach them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...constraints.targets import Targets
from ...motion.canonical import facing
from ...motion.rotations import about_y, rotate
from ...motion.runs import runs
from ..contacts import ANKLES, TOES
from ..pose import PoseBatch
from .contact_places import ContactPoints
from .displacement import Displacement
from .footsteps import Footsteps, footsteps
from .reaching import legs_on
from .stances import FootTargets

_PLANS = 6
"""Largest number of times that steps are planned."""
_OFF_STANCE, _HALF_SWING = 0.008, 0.17
"""Metres by which a standing foot may miss its stance because its leg is too short, and half of the seconds for which
it does not stand there in the next plan: it steps, or leaves earlier, or arrives later."""


def on_their_feet(
    body: PoseBatch,
    before: np.ndarray,
    moved: Displacement,
    firm: np.ndarray,
    targets: Targets,
    contacts: list[ContactPoints],
    kept: np.ndarray,
) -> tuple[PoseBatch, Footsteps]:
    """The displaced people with feet that stand, step and touch, and their footsteps.

    Args:
        body: P displaced people whose feet slide.
        before: (P, T, 22, 3) joints before.
        moved: the displacement.
        firm: (P, T) from 0 to 1: the pelvis keeps its height.
        targets: of the clip.
        contacts: of the clip.
        kept: (P, T) frames in which people stay as before.
    """
    feet = _foot_targets(body, before, targets, kept)
    on_feet = [contact for contact in contacts if contact.own.joint in TOES and not contact.keeps_away]
    unreachable = np.zeros((*before.shape[:2], 2), dtype=bool)
    for number in range(_PLANS):
        steps = footsteps(before, moved, body.fps, feet, unreachable)
        result = legs_on(body, steps, steps.turn - moved.turn[..., None], firm, before)
        joints, rotations = result.world()
        missed = steps.stands & (np.linalg.norm(joints[:, :, ANKLES] - steps.ankles, axis=-1) > _OFF_STANCE)
        unreachable |= _swings(missed, round(_HALF_SWING * body.fps)) & ~kept[..., None]
        if number == 0 and on_feet:
            feet = _with_contacts(feet, on_feet, joints, rotations)
        elif not missed.any():
            break
    return result, steps


def _swings(missed: np.ndarray, half: int) -> np.ndarray:
    """(P, T, 2) true where feet swing that miss stances (P, T, 2): around the start of a run, or in a short one."""
    result = np.zeros_like(missed)
    for person, side in np.argwhere(missed.any(1)):
        for start, stop in runs(missed[person, :, side]):
            long = stop - start > 2 * half
            frames = slice(max(start - half, 0), start + half) if long else slice(start, stop)
            result[person, frames, side] = True
    return result


def _foot_targets(body: PoseBatch, before: np.ndarray, targets: Targets, kept: np.ndarray) -> FootTargets:
    """Where feet must be: at a pin, or as in a pose, or, in kept frames, where they are."""
    people = len(body.translation)
    joints, counts = targets.joints[:people], targets.joint_weight[:people] >= 1
    shaped = (targets.shape_weight[:people] >= 1) & ~counts
    if shaped.any():
        turn = about_y(facing(body.world()[0]))[:, :, None]
        shape = rotate(turn, targets.shape[:people]) + body.translation[:, :, None]
        joints = np.where(shaped[..., None], shape, joints)
    joints = np.where(kept[..., None, None], before, joints)
    counts = counts | shaped | kept[..., None]
    return FootTargets(joints[:, :, ANKLES], joints[:, :, TOES], counts[..., ANKLES], counts[..., TOES])


def _with_contacts(
    feet: FootTargets, contacts: list[ContactPoints], joints: np.ndarray, rotations: np.ndarray
) -> FootTargets:
    """The targets of feet with those of contacts that a foot makes."""
    toes, counts = feet.toes.copy(), feet.toe_set.copy()
    for contact in contacts:
        at = (contact.person, slice(None), contact.own.side)
        chosen = (contact.weight >= 1) & ~counts[at]
        toes[at][chosen] = (joints[contact.person][:, contact.own.joint] + contact.gap(joints, rotations))[chosen]
        counts[at] |= chosen
    return replace(feet, toes=toes, toe_set=counts)
