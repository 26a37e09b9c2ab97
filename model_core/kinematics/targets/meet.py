"""Bring a solved motion to what the constraints of a clip ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...constraints.targets import Targets
from ..filters import hann_smoothed, smoothstep
from ..hands import WRISTS
from ..pose import PoseBatch
from ..settings import SolveSettings
from ..touch import touch_restoring_moves
from .contact_places import contact_points
from .displacement import displacement
from .limb_targets import limbs_on_targets
from .planting import on_their_feet
from .posing import blend_in_poses, height_changes
from .reaching import move_hands_exactly
from .spread import WISH, spread

_UNCHANGED = 1e-7
"""Metres, and entries of rotations: a person who changes by less stays exactly as before."""
_TORN = (0.15, 0.3)
"""Metres by which hands move to keep a touch: fully up to the first, and not at all from the second on."""
_FOLLOW_RADIUS = 3
"""Frames on each side over which such moves are smoothed."""
_ELSEWHERE = 6.0
"""Length in frames of the spread of a hand's target, within which the hand does not keep a touch."""


def meet_targets(
    pose: PoseBatch, targets: Targets, settings: SolveSettings, kept: np.ndarray | None = None
) -> PoseBatch:
    """A solved motion, changed as little and as smoothly as possible so that it meets targets.

    In order: the bodies are displaced on the ground; poses are blended in; feet get new stances and steps; hands that
    touched the partner touch again; hands, heads and feet are brought to their pins and contacts. Targets of weight 1
    are met exactly as far as bones reach, others by their share.

    Args:
        pose: one or two people after all other corrections: standing feet are locked, the floor is final.
        targets: for every frame; those of the second person are ignored if there is one.
        settings: the ``held`` person stays.
        kept: (P, T) true for frames in which a person stays exactly as they are; None for none.

    Raises:
        ValueError: the targets have another number of frames.
    """
    people, frames = pose.translation.shape[:2]
    if len(targets) != frames:
        raise ValueError(f"the targets have {len(targets)} frames and the motion has {frames}")
    kept = np.zeros((people, frames), dtype=bool) if kept is None else kept.copy()
    if settings.held is not None:
        kept[settings.held] = True
    joints, rotations = pose.world()
    targets = _with_kept_frames(targets, kept, joints)
    contacts = contact_points(targets, pose, joints)

    moved = displacement(joints, rotations, targets, contacts, pose.fps)
    local = pose.local.copy()
    local[:, :, 0] = moved.rotations @ local[:, :, 0]
    body = replace(pose, local=local, translation=moved.points(joints[:, :, :1])[:, :, 0])
    body = blend_in_poses(body, targets, kept)
    heights, firm = height_changes(body, joints, targets, kept)
    body = replace(body, translation=body.translation + heights[..., None] * np.array([0.0, 1.0, 0.0]))
    body, steps = on_their_feet(body, joints, moved, firm, targets, contacts, kept)
    if people == 2 and settings.keep_contacts:
        body = move_hands_exactly(body, _touching_again(joints, body, targets, settings.held))
    body = limbs_on_targets(body, pose, targets, contacts, steps, firm, kept)
    return _with_unchanged(body, pose, kept)


def _with_kept_frames(targets: Targets, kept: np.ndarray, joints: np.ndarray) -> Targets:
    """The targets, with bodies that stay in kept frames (P, T) where joints (P, T, 22, 3) are."""
    if not kept.any():
        return targets
    if len(kept) == 1:
        kept, joints = np.concatenate((kept, np.zeros_like(kept))), np.concatenate((joints, joints))
    return targets.keeping(kept, joints)


def _touching_again(before: np.ndarray, body: PoseBatch, targets: Targets, held: int | None) -> np.ndarray:
    """(2, T, 2, 3) moves of wrists that touch what they touched before, unless a target takes them elsewhere."""
    moves = touch_restoring_moves(before, body.world()[0], held)
    distance = np.linalg.norm(moves, axis=-1, keepdims=True)
    share = 1 - smoothstep((distance - _TORN[0]) / (_TORN[1] - _TORN[0]))
    weight = np.swapaxes(np.maximum(targets.joint_weight, targets.shape_weight)[..., WRISTS], 1, 2)
    if weight.any():
        elsewhere = spread(np.ones((*weight.shape, 1)), weight >= 1, WISH * weight, _ELSEWHERE)
        share = share * (1 - np.clip(np.swapaxes(elsewhere, 1, 2), 0.0, 1.0))
    return np.moveaxis(hann_smoothed(np.moveaxis(moves * share, 1, -1), _FOLLOW_RADIUS), -1, 1)


def _with_unchanged(body: PoseBatch, before: PoseBatch, kept: np.ndarray) -> PoseBatch:
    """The result with kept frames, and people who hardly changed, exactly as before."""
    local = np.where(kept[..., None, None, None], before.local, body.local)
    translation = np.where(kept[..., None], before.translation, body.translation)
    for person in range(len(kept)):
        turned = np.abs(local[person] - before.local[person]).max()
        if max(turned, np.abs(translation[person] - before.translation[person]).max()) < _UNCHANGED:
            local[person], translation[person] = before.local[person], before.translation[person]
    return replace(body, local=local, translation=translation)
