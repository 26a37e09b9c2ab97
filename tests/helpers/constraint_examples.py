"""Constraints of every kind, for the tests."""

from __future__ import annotations

import numpy as np
from motion_examples import posed_person

from model_core.constraints import (
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
)
from model_core.motion.rotations import matrix_from_quaternion


def pose_of(seed: int, person: int, frames: tuple[int, ...], **settings: object) -> PoseConstraint:
    """Random poses of a person who stands about anywhere and faces anywhere."""
    posed = posed_person(seed, frames=len(frames) * 20)
    chosen = slice(None, None, 20)
    return PoseConstraint(
        person, frames, matrix_from_quaternion(posed.rotations[chosen]), posed.translation[chosen], **settings
    )  # type: ignore[arg-type]


def one_of_each() -> Constraints:
    """One constraint of every kind, with both people and every optional field in use."""
    rng = np.random.default_rng(7)
    angles = np.array([0.3, -2.0, 1.0])
    turns = pose_of(9, 0, tuple(range(5))).rotations[:, 0]
    return Constraints(
        (
            PathConstraint(0, (0, 30, 59), rng.normal(size=(3, 2)), None, True, 0.5, "curve"),
            PathConstraint(
                1, (0, 20, 59), rng.normal(size=(3, 2)), np.stack((np.cos(angles), np.sin(angles)), -1), name="ends"
            ),
            pose_of(1, 0, (10, 40), name="bow"),
            pose_of(2, 1, (30,), joints=(0, 20), name="left hand"),
            pose_of(3, 1, (45, 50), in_place=False, weight=0.8),
            PinConstraint(0, "R_Wrist", 20, 25, rng.normal(size=(5, 3)), turns, 4, name="handle"),
            PinConstraint(1, "Head", 5, 50, rng.normal(size=(1, 3))),
            ContactConstraint(1, "right_hand", "left_shoulder", 12, 30, name="pat"),
            ContactConstraint(0, "left_foot", np.array([0.2, 0.0, 1.0]), 40, 60, never_nearer=0.3),
            TimingConstraint(25, "first contact", name="meet"),
            TimingConstraint(40, 1),
        )
    )
