"""Constraints on the motion of the two people: paths, poses, pins, contacts and timing."""

from __future__ import annotations

from .checks import ClipLimits, check
from .report import ConstraintError, report, report_of_people
from .targets import ContactTarget, Targets
from .types import (
    Constraint,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
)
from .wording import Wording

__all__ = [
    "ClipLimits",
    "Constraint",
    "ConstraintError",
    "Constraints",
    "ContactConstraint",
    "ContactTarget",
    "PathConstraint",
    "PinConstraint",
    "PoseConstraint",
    "Targets",
    "TimingConstraint",
    "Wording",
    "check",
    "report",
    "report_of_people",
]
