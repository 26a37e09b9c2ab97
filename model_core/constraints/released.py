"""A pin has its arm or leg: poses of the same person release it where the two disagree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion.places import PLACES
from ..motion.skeleton import SMPL
from .targets import posed
from .types import Constraint, Constraints, ContactConstraint, PinConstraint, PoseConstraint

_AGREE = 0.02
"""Metres between the pin and the joint in the pose up to which they are one."""
_LENGTHS = {"Wrist": 3, "Ankle": 3, "Foot": 4}
"""Number of joints of a limb, from its end up to the shoulder or the hip."""


def with_released_limbs(constraints: Constraints) -> Constraints:
    """The constraints; limbs of poses that have to go to another point are released, as inverse kinematics does.

    A pin, or a contact with a point, that weighs as much as the pose releases the limb. The pose keeps the rest.
    """
    ends = [end for item in constraints if (end := _end_of(item)) is not None]
    return Constraints(
        tuple(_released(item, ends) if isinstance(item, PoseConstraint) else item for item in constraints)
    )


def _end_of(item: Constraint) -> tuple[PinConstraint | ContactConstraint, int, tuple[int, ...]] | None:
    """A pin or a contact with a point with its joint and the joints of its limb; None for anything else."""
    if isinstance(item, PinConstraint):
        joint = item.joint
    elif isinstance(item, ContactConstraint) and not isinstance(item.on, str) and item.never_nearer is None:
        joint = PLACES[item.place][0]
    else:
        return None
    length = _LENGTHS.get(joint.rpartition("_")[2])
    if length is None or item.weight == 0:
        return None
    limb = [SMPL.index(joint)]
    while len(limb) < length:
        limb.append(SMPL.parents[limb[-1]])
    if joint.endswith("Ankle"):
        limb.append(SMPL.index(joint.replace("Ankle", "Foot")))
    return item, SMPL.index(joint), tuple(limb)


def _released(
    pose: PoseConstraint, ends: list[tuple[PinConstraint | ContactConstraint, int, tuple[int, ...]]]
) -> PoseConstraint:
    released = np.zeros((len(pose.frames), len(SMPL)), dtype=bool)
    points = posed(pose)[1] if ends else np.empty(0)
    for item, joint, limb in ends:
        if item.person != pose.person or item.weight < pose.weight:
            continue
        for number, frame in enumerate(pose.frames):
            if not item.start <= frame < item.stop:
                continue
            if isinstance(item, PinConstraint) and pose.in_place:
                point = item.points[min(frame - item.start, len(item.points) - 1)]
                if np.linalg.norm(points[number, joint] - point) <= _AGREE:
                    continue
            released[number, list(limb)] = True
    return replace(pose, released=released) if released.any() else pose
