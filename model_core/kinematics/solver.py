"""Fits skeletons of fixed bone lengths to decoded joints and rotations, and corrects them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..constraints import Constraints, Targets
from ..motion.hands import body_of, with_hands
from ..motion.posed import PosedSkeleton
from ..motion.skeleton import SMPLX
from ..motion.types import Motion
from .bones import measured_offsets
from .capsules import body_points
from .feet import plant_feet
from .hands import move_hands
from .knees import keep_knee_distances
from .leg_lengths import leg_scales, with_ankles_at, with_leg_scales
from .legs import ALLOWED_CHANGE, legs_touch, touch_change
from .pose import PoseBatch, concatenated
from .root import fit_root
from .root_teleports import without_teleports
from .separation import arm_separation_moves, separate_bodies
from .settings import SolveSettings
from .smoothing import MIN_SMOOTHED_FRAMES, jitter_spectrum, smoothed_positions, smoothed_rotations, stabilised_bodies
from .targets.meet import meet_targets
from .touch import closing_moves, touch_restoring_moves
from .tree import fit_joint_rotations

_DEFAULT = SolveSettings()
_SHORTENING_FRACTIONS = (0.75, 0.5, 0.25, 0.0)
"""Fractions of the shortening of leg bones, tried in this order where the full shortening moves touching legs apart."""
_SLACK = 5e-4
"""Metres by which shortening may change the distance of touching legs beyond what earlier corrections did."""


def solve(
    people: Sequence[Motion],
    settings: SolveSettings = _DEFAULT,
    bones_of: Sequence[Motion] | None = None,
    targets: Targets | Constraints | None = None,
    kept: np.ndarray | None = None,
) -> list[PosedSkeleton]:
    """Fit skeletons of fixed bone lengths to the motion of one or two people, and correct it.

    The stages, in the order in which they run; ``settings`` switches most of them:

    1. ``root_teleports``: jumps of the root are removed.
    2. ``smoothing``: jitter is removed from joints, whole bodies and rotations.
    3. ``bones``: one set of bone lengths for each person.
    4. ``root``: position and orientation of the root.
    5. ``tree``: rotations of the other joints, from the root outwards.
    6. ``separation``: bodies that interpenetrate are moved apart.
    7. ``feet``: standing feet are locked to the floor.
    8. ``leg_lengths``: leg bones that are too long for straight knees are shortened.
    9. ``touch`` and ``separation``: hands keep touching the partner, leave the partner's body, and close small gaps.
    10. ``targets``: bodies, feet, poses and hands are brought to what the constraints ask for.

    Args:
        people: one or two motions, equally long and at one rate, in one world (metres, Y up). Local rotations are
            optional; root orientations are used where known. Of ``smplx55`` the body is solved and the hands follow.
        settings: which stages run, and their limits.
        bones_of: for each person a motion whose bone lengths the skeleton gets, such as the motion before an edit;
            None measures them in ``people``, and shortens legs if the settings say so.
        targets: what is asked of each frame, in the world of the result, or the constraints that ask for it: their
            poses are then those of the people who are solved. None asks for nothing.
        kept: (P, T) true for frames in which a person stays as without targets; None for none.

    Returns:
        One posed skeleton per person, frame for frame.

    Raises:
        ValueError: no person or more than two, different lengths or rates, or targets of another length.
    """
    _check(people)
    if any(person.skeleton == SMPLX for person in people):
        bodies = solve([body_of(person) for person in people], settings, bones_of, targets, kept)
        solved = zip(bodies, people, strict=True)
        return [with_hands(body, person) if person.skeleton == SMPLX else body for body, person in solved]
    if settings.bridge_root_teleports:
        people = without_teleports(people, settings.held)
    pose = _fit(people, settings, bones_of)
    fitted = pose.world()[0]
    if settings.separate and len(people) == 2:
        pose = separate_bodies(pose, settings)
    if settings.feet:
        pose = plant_feet(pose, settings)
    if settings.straighten_legs and bones_of is None:
        pose = _straighten_legs(pose, fitted, settings)
    if len(people) == 2:
        pose = _restore_contacts(pose, fitted, settings)
    if isinstance(targets, Constraints):
        targets = Targets.of(targets, len(people[0]), pose.offsets[[0, -1]])
    if targets is not None and targets.any():
        pose = meet_targets(pose, targets, settings, kept)
    return pose.skeletons()


def _check(people: Sequence[Motion]) -> None:
    if len(people) not in (1, 2):
        raise ValueError(f"one or two people can be solved together, not {len(people)}")
    first = people[0]
    for person in people:
        if len(person) != len(first) or person.fps != first.fps:
            raise ValueError("the people differ in length or rate")


def _fit(people: Sequence[Motion], settings: SolveSettings, bones_of: Sequence[Motion] | None) -> PoseBatch:
    """Fit skeletons to the given motion, before feet and hands are corrected."""
    if len({(person.rotations is None, person.root_orientation is None) for person in people}) > 1:
        motions = [None] * len(people) if bones_of is None else [[motion] for motion in bones_of]
        return concatenated([_fit([person], settings, motion) for person, motion in zip(people, motions, strict=True)])
    joints = np.stack([person.joints for person in people]).astype(np.float64)
    local_rotations = np.broadcast_to(np.eye(3), (*joints.shape, 3)).copy()
    rotations = [person.rotations for person in people if person.rotations is not None]
    has_rotations = bool(rotations)
    if has_rotations:
        local_rotations[:, :, 1:] = np.stack(rotations)
    orientations = [person.root_orientation for person in people if person.root_orientation is not None]
    root_orientations = np.stack(orientations).astype(np.float64) if orientations else None
    fps = people[0].fps
    if settings.smooth and len(people[0]) >= MIN_SMOOTHED_FRAMES:
        jitter = jitter_spectrum(joints, fps)
        joints = smoothed_positions(joints, jitter, fps, settings.steady_positions)
        # After the joints: their own jitter is not a shaking of the whole body.
        joints = stabilised_bodies(joints, fps, settings.steady_bodies)
        if has_rotations:
            local_rotations[:, :, 1:] = smoothed_rotations(
                local_rotations[:, :, 1:], jitter, fps, settings.steady_rotations
            )
    measured = (
        [joints] if bones_of is None else [body_of(motion).joints[None].astype(np.float64) for motion in bones_of]
    )
    offsets = np.concatenate([measured_offsets(one) for one in measured])
    pose = fit_root(PoseBatch(offsets, local_rotations, joints[:, :, 0], fps), joints, has_rotations, root_orientations)
    pose = fit_joint_rotations(pose, joints, has_rotations)
    return pose if bones_of is None else with_ankles_at(pose, joints)


def _straighten_legs(pose: PoseBatch, fitted: np.ndarray, settings: SolveSettings) -> PoseBatch:
    """Shorten leg bones so that knees can straighten, except those of a held person.

    Straightening a leg moves the knee. Legs that rest against the partner's swivel to keep their distance in ``fitted``
    (P, T, 22, 3), the joints before all corrections; bones are shortened less where swivelling is not enough.
    """
    scales = leg_scales(pose)
    if settings.held is not None:
        scales[settings.held] = 1
    keeps_touch = settings.keep_contacts and len(fitted) == 2
    touching = legs_touch(fitted, pose.fps) if keeps_touch else np.zeros(0, dtype=bool)

    def shortened(fraction: float) -> PoseBatch:
        result = with_leg_scales(pose, 1 - fraction * (1 - scales))
        if touching.any():
            result = keep_knee_distances(fitted, result, settings.held)
        return result if settings.held is None else result.with_person(settings.held, pose)

    result = shortened(1.0)
    if not touching.any():
        return result
    allowed = max(touch_change(fitted, pose.world()[0], touching), ALLOWED_CHANGE) + _SLACK
    above, excess_above = 1.0, touch_change(fitted, result.world()[0], touching) - allowed
    if excess_above <= 0:
        return result
    for fraction in _SHORTENING_FRACTIONS:
        excess = touch_change(fitted, shortened(fraction).world()[0], touching) - allowed if fraction else -_SLACK
        if excess <= 0:
            # Between two fractions, so that the result does not jump with the last digits of the motion.
            return shortened(fraction + (above - fraction) * excess / (excess - excess_above))
        above, excess_above = fraction, excess
    raise AssertionError("the last fraction shortens nothing, which changes no distance")


def _restore_contacts(pose: PoseBatch, fitted: np.ndarray, settings: SolveSettings) -> PoseBatch:
    """Move hands to the partner; ``fitted`` (2, T, 22, 3) are the joints before all corrections."""
    if settings.keep_contacts:
        pose = move_hands(pose, touch_restoring_moves(fitted, pose.world()[0], settings.held))
    if settings.separate:
        pose = move_hands(pose, arm_separation_moves(pose, settings))
    if settings.close_contacts:
        points = body_points(*pose.world(), pose.offsets)
        pose = move_hands(pose, closing_moves(points, pose.fps, settings))
    return pose
