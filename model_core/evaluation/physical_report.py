"""``python -m model_core evaluate physical``: what the solver changes on rotated, captured and generated motion."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..kinematics import FITTED, RAW_FIT, SolveSettings, solve
from ..metrics.physical import (
    FOOT_JOINTS,
    LOW,
    contact_distance_changes,
    floating,
    interpenetration,
    jerk,
    knee_angles,
    rotation_steps,
    skate,
    touching_joints,
)
from ..motion.posed import PosedSkeleton
from ..motion.representation import features_from_motion, motion_from_features
from ..motion.rotations import about_y, angle_between, matrix_from_quaternion
from ..motion.types import FPS, Motion

_WINDOW = 120
_POP = 40.0
"""Degrees per frame from which a rotation step counts as a pop."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: is measured.
        value: the worst value found.
        limit: upper limit of the value; None if the row only informs.
        unit: of both.
    """

    what: str
    value: float
    limit: float | None
    unit: str

    @property
    def passed(self) -> bool:
        """Whether it is under its limit."""
        return self.limit is None or self.value < self.limit

    def __str__(self) -> str:
        wanted = "" if self.limit is None else f"under {self.limit:g}: {'yes' if self.passed else 'NO'}"
        return f"{self.what:78s} {self.value:9.3f} {self.unit:9s} {wanted}".rstrip()


def facing_sweep(clips: Sequence[Sequence[Motion]]) -> Iterator[Row]:
    """Rotate clips about the vertical axis, solve them, and compare with the unrotated clips.

    The middle clip is rotated in steps of ten degrees, each other clip to one direction, to find decisions of the
    solver that depend on the world's axes.
    """
    local = root = 0.0
    for number, people in enumerate(clips):
        base = solve(people)
        sweep = range(0, 360, 10) if number == len(clips) // 2 else (10 * (1 + 7 * number % 35),)
        for degrees in sweep:
            turn = about_y(np.asarray(np.deg2rad(degrees)))
            solved = solve([person.moved(turn, np.zeros(3)) for person in people])
            for one, other in zip(base, solved, strict=True):
                a, b = matrix_from_quaternion(one.rotations), matrix_from_quaternion(other.rotations)
                local = max(local, float(angle_between(a[:, 1:], b[:, 1:]).max()))
                root = max(root, float(angle_between(turn @ a[:, 0], b[:, 0]).max()))
    yield Row("rotated clips: local rotations differ at most by", np.rad2deg(local), 0.1, "degrees")
    yield Row("rotated clips: the root differs from the rotated root at most by", np.rad2deg(root), 0.1, "degrees")


def round_trip(clips: Sequence[Sequence[Motion]]) -> Iterator[Row]:
    """Error of captured pairs after features, solver and forward kinematics."""
    for name, settings, limits in (
        ("fitted", RAW_FIT, (10.0, 40.0)),
        ("only feet cleaned up", SolveSettings(ground=False, close_contacts=False), (None, None)),
        ("cleaned up", SolveSettings(ground=False), (None, None)),
    ):
        errors, teleports = [], 0
        for people in clips:
            given = [motion_from_features(features_from_motion(person)) for person in people]
            for person, solved in zip(given, solve(given, settings), strict=True):
                errors.append(np.linalg.norm(solved.joints() - person.joints, axis=-1))
                teleports += _new_pops(person, solved)
        every = 1000 * np.concatenate(errors)
        yield Row(f"captured, {name}: joints are off on average by", float(every.mean()), limits[0], "mm")
        yield Row(f"captured, {name}: a joint is off at most by", float(every.max()), limits[1], "mm")
        limit = 1.0 if settings is RAW_FIT else None
        yield Row(f"captured, {name}: pops of 40 degrees per frame that the capture lacks", teleports, limit, "")


def _new_pops(person: Motion, solved: PosedSkeleton) -> int:
    assert person.rotations is not None
    steps = np.rad2deg(angle_between(person.rotations[:-1], person.rotations[1:]))
    return int(((rotation_steps(solved)[:, 1:] > _POP) & (steps <= _POP)).sum())


_CLEANED = {"contact closing off": SolveSettings(close_contacts=False), "contact closing on": SolveSettings()}
"""Closing contacts moves hands together on purpose, so that distances are only compared without it."""


def cleaned(pairs: Sequence[Sequence[Motion]]) -> Iterator[Row]:
    """Generated pairs before and after clean-up: the worst value of all pairs, ratios over all pairs."""
    for how, settings in _CLEANED.items():
        figures = []
        for people in pairs:
            before, fitted, after = (
                np.stack([one.joints() for one in solve(people, chosen)]) for chosen in (RAW_FIT, FITTED, settings)
            )
            changes = contact_distance_changes(fitted, after, touching_joints(fitted, FPS)).max(initial=0)
            near = contact_distance_changes(fitted, after).max(initial=0)
            physics = skate(before), skate(after), floating(after), jerk(before, FPS), jerk(after, FPS)
            figures.append((*physics, changes, near))
        skates, after_, floats, jerks, jerks_after, changed, passing = np.array(figures).T
        name, share = f"generated, {how}:", 100 * after_.sum() / max(skates.sum(), 1e-9)
        yield Row(f"{name} skate after clean-up, of before", share, 40.0, "%")
        yield Row(f"{name} skate after clean-up", after_.max(), 3.0, "mm/frame")
        yield Row(f"{name} floating", np.abs(floats).max(), 15.0, "mm")
        yield Row(f"{name} jerk after clean-up, of before", 100 * (jerks_after / jerks).max(), 100.0, "%")
        limit = None if settings.close_contacts else 10.0
        yield Row(f"{name} distances of touching joints change by", changed.max(), limit, "mm")
        yield Row(f"{name} distances of all near joints, including passing legs, change by", passing.max(), None, "mm")


def straightened(pairs: Sequence[Sequence[Motion]]) -> Iterator[Row]:
    """The effect of shorter leg bones on generated pairs: how straight and how fast knees get, and what else moves."""
    angles, speeds, pelvises, feet = [], [], [], []
    for people in pairs:
        before, after = (
            np.stack([one.joints() for one in solve(people, SolveSettings(straighten_legs=choice))])
            for choice in (False, True)
        )
        slow, fast = (np.abs(np.diff(knee_angles(joints), axis=1)) for joints in (before, after))
        angles.append(knee_angles(after).ravel())
        speeds.append((fast - slow).max())
        moved = 1000 * np.linalg.norm(after - before, axis=-1)
        pelvises.append(moved[:, :, 0].max())
        standing = before[:, :, FOOT_JOINTS, 1] < LOW
        feet.append((moved[:, :, FOOT_JOINTS] * standing).max())
    bend = 180 - float(np.percentile(np.concatenate(angles), 95))
    yield Row("generated: the straightest knees (95th percentile) are bent by", bend, 10.0, "degrees")
    yield Row("generated, legs shortened: knees bend faster at most by", max(speeds), None, "deg/frame")
    yield Row("generated, legs shortened: pelvises move at most by", max(pelvises), 5.0, "mm")
    yield Row("generated, legs shortened: low feet move at most by", max(feet), 5.0, "mm")


def separated(pairs: Sequence[Sequence[Motion]]) -> Iterator[Row]:
    """The effect and the cost of separating bodies in generated pairs; means over all pairs."""
    figures = []
    for settings in (SolveSettings(), SolveSettings(separate=True)):
        solved = [np.stack([one.joints() for one in solve(people, settings)]) for people in pairs]
        figures.append([(interpenetration(joints), skate(joints), jerk(joints, FPS)) for joints in solved])
    (depth, slide, jerks), (less, slide_after, jerks_after) = np.mean(figures, axis=1)
    yield Row("generated: interpenetration (joints nearer than 12 cm)", depth, None, "mm")
    yield Row("generated, bodies separated: interpenetration", less, None, "mm")
    yield Row("generated, bodies separated: skate changes by", slide_after - slide, None, "mm/frame")
    yield Row("generated, bodies separated: jerk, of that without", 100 * jerks_after / jerks, None, "%")


def solve_time(people: Sequence[Motion]) -> Row:
    """Seconds to solve and clean up 300 frames of two people; the best of three runs."""
    repeats = -(-300 // len(people[0]))
    long = [_repeated(person, repeats).frames(0, 300) for person in people]
    best = min(_seconds(long) for _ in range(3))
    return Row("300 frames of two people are solved and cleaned up in", best, 0.5, "s")


def _repeated(person: Motion, times: int) -> Motion:
    """A clip played forwards and backwards in turn, so that it has no seam."""
    order = np.concatenate([np.arange(len(person))[:: 1 if number % 2 == 0 else -1] for number in range(times)])
    rotations, root = person.rotations, person.root_orientation
    return replace(
        person,
        joints=person.joints[order],
        rotations=None if rotations is None else rotations[order],
        root_orientation=None if root is None else root[order],
    )


def _seconds(people: Sequence[Motion]) -> float:
    start = time.perf_counter()
    solve(people)
    return time.perf_counter() - start


def physical_report(data: Path, model: Path, seeds: int) -> Iterator[Row]:
    """All rows of the report.

    Args:
        data: folder of captured motion with its manifest.
        model: folder of the model that generates.
        seeds: clips to generate for each of the model's example prompts.

    Raises:
        UserError: a folder cannot be read, the captured motion has no pairs, or the model names no examples.
    """
    from ..data.captured import load_captured
    from ..generation.pipeline import GenerateOptions, InterMask

    pairs = load_captured(data).pairs
    clips = [
        [person.frames(start, start + _WINDOW) for person in pair.people]
        for pair in pairs
        for start in range(0, len(pair) - _WINDOW + 1, _WINDOW)
    ]
    if not clips:
        raise UserError(f"{data} has no take of two people that lasts {_WINDOW} frames; choose other captured motion.")
    generator = InterMask.load(model)
    prompts = generator.config.examples
    if not prompts or seeds < 1:
        raise UserError(f"Nothing is generated: {model} names no example prompts, or --seeds is under 1.")
    yield from facing_sweep(clips)
    yield from round_trip(clips)
    made = [
        generator.generate(words, _WINDOW, GenerateOptions(seed=seed))[0].people
        for words in prompts
        for seed in range(seeds)
    ]
    yield from cleaned(made)
    yield from straightened(made)
    yield from separated(made)
    yield solve_time(made[0])
