"""What an animator asks of the two people: paths, poses, pins, contacts and timing."""

from __future__ import annotations

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

__all__ = [
    "Constraint",
    "Constraints",
    "ContactConstraint",
    "ContactTarget",
    "PathConstraint",
    "PinConstraint",
    "PoseConstraint",
    "Targets",
    "TimingConstraint",
]
