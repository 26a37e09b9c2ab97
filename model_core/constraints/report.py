"""How well a motion meets each constraint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..motion.canonical import facing
from ..motion.forward_kinematics import global_rotations
from ..motion.places import PLACES, contact_gap, place_points
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import about_y, angle_between, matrix_from_quaternion, rotate, transposed
from ..motion.skeleton import SMPL
from ..motion.types import FPS
from .targets import Targets
from .types import (
    Constraint,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PoseConstraint,
    TimingConstraint,
    label,
)

_BODY = len(SMPL)
_TOUCHES = 0.08
"""Metres between a hand or foot and a place of the other person that count as contact."""
_REACHING = ("left_hand", "right_hand", "left_foot", "right_foot")
_OFF, _TURNED_OFF, _LATE_BY = 0.05, 15.0, 0.25
"""Metres, degrees and seconds of error from which a required constraint is as missed; solved clips are far below."""


@dataclass(frozen=True)
class ConstraintError:
    """The error of one constraint, over its frames without the blends.

    Attributes:
        number: index of the constraint.
        name: given by the user; empty for none.
        label: what messages call it.
        mean, worst: metres; None for a constraint without positions, or if they cannot be measured.
        worst_frame: the frame of ``worst``.
        mean_angle, worst_angle: degrees; None for a constraint without orientations, or if they cannot be measured.
        seconds: between the wanted and the actual time of an event; None for other constraints, or if it never happens.
        missed: whether a required constraint (weight 1) is not met: anywhere more than 5 cm or 15 degrees off, an event
            more than a quarter of a second early or late, or one that never happens.
    """

    number: int
    name: str
    label: str
    mean: float | None = None
    worst: float | None = None
    worst_frame: int | None = None
    mean_angle: float | None = None
    worst_angle: float | None = None
    seconds: float | None = None
    missed: bool = False

    def text(self) -> str:
        """One line for a report, such as "The pin 'handle': 0.2 cm (at most 0.5 cm, in frame 71)".

        Of one that is missed, "The pin 'handle' is not met: 31.0 cm (at most 48.2 cm, in frame 71)".
        """
        parts = []
        if self.mean is not None and self.worst is not None:
            parts.append(f"{100 * self.mean:.1f} cm (at most {100 * self.worst:.1f} cm, in frame {self.worst_frame})")
        if self.mean_angle is not None and self.worst_angle is not None:
            parts.append(f"{self.mean_angle:.0f} degrees (at most {self.worst_angle:.0f})")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.2f} s")
        if self.missed:
            return f"{self.label} is not met: {', '.join(parts) or 'it never happens'}"
        return f"{self.label}: {', '.join(parts) or 'not measured'}"

    def to_json(self) -> dict[str, Any]:
        """The fields that have a value, and ``missed`` if it is true.

        Rounded to what matters: 0.1 mm, 0.1 degrees, a millisecond.
        """
        digits = {"mean": 4, "worst": 4, "mean_angle": 1, "worst_angle": 1, "seconds": 3}
        return {
            name: round(value, digits[name]) if name in digits else value
            for name, value in asdict(self).items()
            if value is not None and value is not False
        }


def report_of_people(constraints: Constraints, people: Sequence[PosedSkeleton]) -> list[ConstraintError]:
    """``report`` for two solved people; fingers are ignored."""
    joints = np.stack([person.joints()[:, :_BODY] for person in people])
    local = np.stack([matrix_from_quaternion(person.rotations[:, :_BODY]) for person in people])
    return report(constraints, joints, global_rotations(local, SMPL))


def report(constraints: Constraints, joints: np.ndarray, rotations: np.ndarray | None = None) -> list[ConstraintError]:
    """How well a motion meets each constraint.

    Args:
        constraints: in the world coordinates of the motion.
        joints: (2, T, 22, 3) positions, metres.
        rotations: (2, T, 22, 3, 3) orientations in the world relative to the T-pose; without them contacts and
            orientations are not measured.

    Returns:
        One error for each constraint, in their order.
    """
    offsets = _offsets(joints, rotations)
    errors = [
        _error(item, number, joints.astype(np.float64), rotations, offsets) for number, item in enumerate(constraints)
    ]
    return [
        replace(error, missed=item.weight == 1 and _missed(item, error, rotations is not None))
        for item, error in zip(constraints, errors, strict=True)
    ]


def _missed(item: Constraint, error: ConstraintError, oriented: bool) -> bool:
    """Whether an error is so large that the constraint is not met; ``oriented``: orientations are known."""
    if isinstance(item, TimingConstraint):
        never = error.seconds is None and oriented and not isinstance(item.event, int)
        return never or (error.seconds or 0.0) > _LATE_BY
    return (error.worst or 0.0) > _OFF or (error.worst_angle or 0.0) > _TURNED_OFF


def _error(
    item: Constraint, number: int, joints: np.ndarray, rotations: np.ndarray | None, offsets: np.ndarray
) -> ConstraintError:
    known = number, item.name, label(item, number)
    if isinstance(item, TimingConstraint):
        return ConstraintError(*known, seconds=_late(item, joints, rotations))
    if item.weight == 0:
        return ConstraintError(*known)
    targets = Targets.of(Constraints((item,)), joints.shape[1], offsets)
    person = item.person
    if isinstance(item, ContactConstraint):
        bound = targets.contacts[0].weight >= item.weight
        if rotations is None or not bound.any():
            return ConstraintError(*known)
        distances = _contact_error(item, joints, rotations)[bound]
        return _summary(known, distances, np.flatnonzero(bound), None)
    if isinstance(item, PathConstraint):
        bound = targets.ground_weight[person] > 0
        distances = np.linalg.norm(targets.ground[person] - joints[person][:, 0, [0, 2]], axis=-1)
        angles = None
        if item.headings is not None:
            turn = targets.heading[person] - facing(joints[person])
            angles = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)[bound]
        return _summary(known, distances[bound], np.flatnonzero(bound), angles)
    own, wanted, weight = joints[person], targets.joints[person], targets.joint_weight[person]
    if isinstance(item, PoseConstraint) and not item.in_place:
        own = rotate(about_y(-facing(own))[:, None], own - own[:, :1])
        wanted, weight = targets.shape[person], targets.shape_weight[person]
    bound = weight >= item.weight
    frames = np.nonzero(bound)[0]
    angles = None
    oriented = targets.rotation_weight[person] >= item.weight
    if rotations is not None and oriented.any():
        angles = angle_between(rotations[person][oriented], targets.rotations[person][oriented])
    return _summary(known, np.linalg.norm(own - wanted, axis=-1)[bound], frames, angles)


def _summary(
    known: tuple[int, str, str], distances: np.ndarray, frames: np.ndarray, angles: np.ndarray | None
) -> ConstraintError:
    """The error of distances (N,) in metres in ``frames`` (N,), and of angles (M,) in radians.

    ``known`` is the number, name and label of the constraint.
    """
    if not len(distances):
        return ConstraintError(*known)
    worst = int(distances.argmax())
    turned = None if angles is None or not len(angles) else np.degrees(angles)
    return ConstraintError(
        *known,
        float(distances.mean()),
        float(distances[worst]),
        int(frames[worst]),
        None if turned is None else float(turned.mean()),
        None if turned is None else float(turned.max()),
    )


def _contact_error(item: ContactConstraint, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(T,) gap of a contact in metres, or by how much a distance is below the minimum."""
    own = place_points(item.place, joints[item.person], rotations[item.person])
    other = 1 - item.person
    on = place_points(item.on, joints[other], rotations[other]) if isinstance(item.on, str) else item.on
    distance = np.linalg.norm(own - on, axis=-1)
    if item.never_nearer is not None:
        return np.maximum(item.never_nearer - distance, 0.0)
    return np.maximum(distance - contact_gap(item.place, item.on), 0.0)


def _late(item: TimingConstraint, joints: np.ndarray, rotations: np.ndarray | None) -> float | None:
    """Seconds between the wanted and the actual first contact, of a hand or foot with the other person."""
    if isinstance(item.event, int) or rotations is None:
        return None
    places = [
        np.stack([place_points(name, *person) for name in PLACES]) for person in zip(joints, rotations, strict=True)
    ]
    reaching = [list(PLACES).index(name) for name in _REACHING]
    gaps = [
        np.linalg.norm(own[reaching][:, None] - other[None], axis=-1).min(axis=(0, 1))
        for own, other in (places, places[::-1])
    ]
    touching = np.minimum(*gaps) < _TOUCHES
    return abs(int(touching.argmax()) - item.frame) / FPS if touching.any() else None


def _offsets(joints: np.ndarray, rotations: np.ndarray | None) -> np.ndarray:
    """(2, 22, 3) rest offsets of the people; without rotations, ``SMPL_REST_OFFSETS`` with their bone lengths."""
    bones = joints[:, :, 1:] - joints[:, :, list(SMPL.parents[1:])]
    offsets = np.zeros((2, _BODY, 3))
    if rotations is None:
        lengths = np.median(np.linalg.norm(bones, axis=-1), axis=1)
        usual = SMPL_REST_OFFSETS[1:]
        offsets[:, 1:] = usual * (lengths / np.linalg.norm(usual, axis=-1))[..., None]
    else:
        offsets[:, 1:] = np.median(rotate(transposed(rotations[:, :, list(SMPL.parents[1:])]), bones), axis=1)
    return offsets
