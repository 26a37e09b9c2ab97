"""The figures of ``evaluate control``, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..metrics.physical import joint_distances
from ..motion.canonical import facing
from .detector_choice import choice_of_candidates
from .starter import mean_physical, physical_checks

CONDITIONS = ("solver", "steered", "both")
"""No steering and the solver alone; steering without the solver's targets; both."""
_FAR = 0.2
"""Metres of mean path error that no steered clip may have."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One clip.

    Attributes:
        kind, group, condition: what it is.
        detected: whether the detector of its kind sees it.
        pops: whether a joint moves faster near a pose than in 99 % of the other frames; None without poses.
        pops_beyond_source: whether it also moves faster than in the clip that the pose is from, near the same frames.
        source_pops: whether it moves that fast in the clip that the pose is from.
        joints: (2, T, 22, 3) metres.
        plain: joints (2, T, 22, 3) of the same prompt and seed without constraints.
        plain_detected: whether the detector sees the kind in them.
        invented: whether no clip has such a path.
        path, pose: mean error, metres; None where nothing like it is asked for.
        heading: mean error, degrees.
        pin, contact: worst error, metres.
        wrist: degrees of the largest bend of a wrist whose hand is pinned or touches.
        seconds: to generate and solve it, with ``slower``, the same as a multiple of the time without constraints.
    """

    kind: str
    group: str
    condition: str
    detected: bool
    pops: bool | None
    joints: np.ndarray
    plain: np.ndarray
    plain_detected: bool
    pops_beyond_source: bool | None = None
    source_pops: bool | None = None
    invented: bool = False
    path: float | None = None
    heading: float | None = None
    pose: float | None = None
    pin: float | None = None
    contact: float | None = None
    wrist: float | None = None
    seconds: float | None = None
    slower: float | None = None

    def __str__(self) -> str:
        errors = [f"{name} {1000 * value:.1f} mm" for name, value in self._lengths() if value is not None]
        heading = [] if self.heading is None else [f"heading {self.heading:.1f} degrees"]
        return f"{self.kind}, {self.group}, {self.condition}: {', '.join((*errors, *heading))}"

    def _lengths(self) -> tuple[tuple[str, float | None], ...]:
        return ("path", self.path), ("pose", self.pose), ("pin", self.pin), ("contact", self.contact)

    def to_json(self) -> dict[str, Any]:
        """Everything but the joints."""
        return {
            name: value for name, value in vars(self).items() if name not in ("joints", "plain") and value is not None
        }


@dataclass
class ControlReport:
    """All clips.

    Attributes:
        clips: with constraints.
        refused: constraints that cannot be met, with the reason.
        detectors: whether the detectors helped to choose among candidates.
    """

    clips: list[Measured] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    detectors: bool = True

    def of(self, condition: str) -> list[Measured]:
        """The clips of a condition."""
        return [clip for clip in self.clips if clip.condition == condition]

    def rows(self) -> list[tuple[str, str, bool]]:
        """What is asked, what was found, and whether that is enough."""
        steered, both = self.of("steered"), self.of("both")
        before = [clip.path for clip in steered if clip.path is not None]
        success = self.success()
        apart, turned = self.pair_changes()
        slower = float(np.median([clip.slower for clip in both if clip.slower is not None]))
        wrists = [clip.wrist for clip in both if clip.wrist is not None]
        posed = [clip for clip in both if clip.pops is not None]
        popped, beyond = _share(clip.pops for clip in posed), _share(clip.pops_beyond_source for clip in posed)
        natural = _share(clip.source_pops for clip in posed)
        found = [
            _at_most("path, mean error before the solver", 100 * _mean(before), 6.0, "cm"),
            _at_most("path, mean error after the solver", 100 * _mean(clip.path for clip in both), 1.0, "cm"),
            _at_most("heading, mean error before the solver", _mean(clip.heading for clip in steered), 10.0, "degrees"),
            _at_most("heading, mean error after the solver", _mean(clip.heading for clip in both), 3.0, "degrees"),
            _at_most("clips over 20 cm before the solver", 100 * _share(error > _FAR for error in before), 0.0, "%"),
            _at_most("poses, mean joint error after the solver", 100 * _mean(clip.pose for clip in both), 1.5, "cm"),
            _at_most("clips with a pop at a pose", 100 * popped, 0.0, "%"),
            _at_most("the same, and of the clips the poses are from", 100 * popped, 100 * natural, "%"),
            _at_most("the same, faster than in the clip the pose is from", 100 * beyond, 0.0, "%"),
            _at_most("pins, worst error after the solver, mean", 1000 * _mean(clip.pin for clip in both), 5.0, "mm"),
            _at_most("contacts, the same", 1000 * _mean(clip.contact for clip in both), 10.0, "mm"),
            _at_most("wrists of pinned or touching hands bend by", max(wrists, default=np.nan), 90.0, "degrees"),
            _at_most(
                "success lost to the constraints", 100 * (success["unconstrained"] - success["both"]), 5.0, "points"
            ),
            _at_most("distance at contact changes by", 100 * apart, 5.0, "cm"),
            _at_most("facing at contact changes by", turned, 10.0, "degrees"),
            _at_most("time, of that without constraints", slower, 2.5, "x"),
        ]
        found = [row for row in found if not row[1].startswith("nan")]
        reference = mean_physical(clip.plain for clip in both)
        return found + physical_checks(mean_physical(clip.joints for clip in both), reference, "the unconstrained")

    def success(self) -> dict[str, float]:
        """Share of clips in which the detector sees their kind, unconstrained and in each condition."""
        found = {"unconstrained": _share(clip.plain_detected for clip in self.of("both"))}
        return found | {condition: _share(clip.detected for clip in self.of(condition)) for condition in CONDITIONS}

    def pair_changes(self) -> tuple[float, float]:
        """Metres and degrees by which distance and facing of people in contact change with constraints, by kind.

        Invented paths do not count: no pair walks them.
        """
        apart, turned = [], []
        for kind in {clip.kind for clip in self.clips}:
            clips = [clip for clip in self.of("both") if clip.kind == kind and not clip.invented]
            pairs = [(_at_contact(clip.plain), _at_contact(clip.joints)) for clip in clips]
            known = np.array([pair for pair in pairs if None not in pair])
            if len(known):
                difference = np.abs(np.diff(known.mean(0), axis=0)[0])
                apart.append(float(difference[0]))
                turned.append(float(difference[1]))
        return _mean(apart), _mean(turned)

    def table(self) -> str:
        """The report for people."""
        heads = "".join(f"{condition:>36s}" for condition in CONDITIONS)
        lines = [f"{'':16s}{heads}", f"{'':16s}" + f"{'path  head  pose   pin  cont  seen':>36s}" * len(CONDITIONS)]
        for group in dict.fromkeys(clip.group for clip in self.clips):
            columns = [_column([clip for clip in self.of(name) if clip.group == group]) for name in CONDITIONS]
            lines.append(f"{group:16s}" + "".join(f"{column:>36s}" for column in columns))
        lines.append("path, pose: mean cm; head: mean degrees; pin, cont: worst mm; seen: by the detector, %")
        shares = [f"{name} {100 * share:.0f} %" for name, share in self.success().items()]
        lines.append(f"success: {', '.join(shares)}")
        lines.append(choice_of_candidates(self.detectors))
        poses = _share(clip.source_pops for clip in self.of("both") if clip.source_pops is not None)
        if not np.isnan(poses):
            lines.append(f"clips that poses are from which are that fast there themselves: {100 * poses:.0f} %")
        lines += [f"refused: {sentence}" for sentence in self.refused]
        lines += [f"{words:60s} {value:>14s}  {'yes' if passed else 'NO'}" for words, value, passed in self.rows()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        checks = [{"goal": goal, "found": found, "passed": passed} for goal, found, passed in self.rows()]
        return {
            "clips": [clip.to_json() for clip in self.clips],
            "refused": self.refused,
            "checks": checks,
            "detectors_choose": self.detectors,
        }


def _column(clips: Sequence[Measured]) -> str:
    """The figures of a group in one condition."""
    values = [
        (100 * _mean(clip.path for clip in clips), 1),
        (_mean(clip.heading for clip in clips), 0),
        (100 * _mean(clip.pose for clip in clips), 1),
        (1000 * _mean(clip.pin for clip in clips), 0),
        (1000 * _mean(clip.contact for clip in clips), 0),
        (100 * _share(clip.detected for clip in clips), 0),
    ]
    return "".join(f"{'-' if np.isnan(value) else f'{value:.{digits}f}':>6s}" for value, digits in values)


def _at_contact(joints: np.ndarray) -> tuple[float, float] | None:
    """Metres between the pelvises and degrees between the headings, where people (2, T, 22, 3) are nearest.

    None where they do not come near.
    """
    nearest = joint_distances(joints).min(axis=(1, 2))
    frame = int(nearest.argmin())
    if nearest[frame] > 0.15:
        return None
    pelvises, headings = joints[:, frame, 0][:, [0, 2]], facing(joints[:, frame])
    turn = float(np.abs(np.angle(np.exp(1j * (headings[1] - headings[0])))))
    return float(np.linalg.norm(pelvises[1] - pelvises[0])), float(np.degrees(turn))


def _at_most(words: str, value: float, limit: float, unit: str) -> tuple[str, str, bool]:
    return f"{words}, at most {limit:.3g} {unit}", f"{value:.1f} {unit}", value <= limit


def _mean(values: Iterable[float | None]) -> float:
    """Mean of those that are not None; NaN of none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _share(values: Iterable[bool | None]) -> float:
    """Share of true values; NaN of none."""
    known = [bool(value) for value in values]
    return float(np.mean(known)) if known else float("nan")
