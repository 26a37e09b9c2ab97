"""``python -m model_core evaluate control``: are constraints met, and do people still do what the prompt says?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from ..constraints import (
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    report_of_people,
)
from ..data.choreography.shards import load_choreographed
from ..errors import UserError
from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..kinematics import SolveSettings, solve
from ..metrics.detectors import detected
from ..motion import FPS, SMPL, Interaction, Motion
from ..motion.canonical import canonical_pair
from ..motion.posed import PosedSkeleton
from ..motion.rotations import matrix_from_quaternion, normalized
from .control_cases import ControlCase, SourceClip, cases_from, invented_cases
from .control_report import CONDITIONS, ControlReport, Measured
from .control_store import load_measured, save_measured
from .detector_choice import clips_folder
from .kind_prompts import kind_prompts

_FRAMES, _SHORTEST = 120, 80
"""Frames of the clips that are generated, and of the shortest held-out clip that constraints are taken from."""
_SOURCE_SEED = 1000
"""Added to a seed for the clip that constraints are taken from."""
_WALKS = ("walk side by side", "follow", "walk towards and pass")
"""Kinds whose people can walk the invented paths."""
_WRISTS = {"left_hand": "L_Wrist", "right_hand": "R_Wrist"}
_POSE_REACH = 3
"""Frames on each side of a pose in which joints must not move faster than elsewhere."""


@dataclass(frozen=True)
class _Plain:
    """A clip without constraints.

    Attributes:
        take: generated.
        joints: (2, T, 22, 3) after the solver.
        detected: whether the detector of its kind sees it.
        seconds: that generating and solving took.
    """

    take: Interaction
    joints: np.ndarray
    detected: bool
    seconds: float


def evaluate_control(
    model: Path,
    data: Path | None = None,
    kinds: Sequence[str] = (),
    seeds: int = 1,
    out: Path | None = None,
    detectors: bool = True,
) -> ControlReport:
    """Measure how well constraints are met, and what they cost; prints each clip when it is done.

    Args:
        model: a model folder that lists its kinds.
        data: folder of clips made by ``choreograph``, of whose held-out clips constraints are taken; None takes them
            from clips that the model generates with other seeds.
        kinds: names of the kinds to measure; empty for all.
        seeds: clips of each kind.
        out: folder for ``control.json``, and for what was measured of each kind, which a later run does not measure
            again; None writes nothing.
        detectors: whether the detectors, which measure success, also help to choose among candidates, as they do for
            users.

    Raises:
        UserError: an unknown kind, a model without a list of kinds, or a folder that cannot be read.
    """
    if seeds < 1:
        raise UserError("--seeds must be at least 1.")
    prompts = kind_prompts(model, kinds)
    pipeline = InterMask.load(model, detectors=detectors)
    report = ControlReport(detectors=detectors)
    for kind, prompt in prompts.items():
        kept = None if out is None else out / clips_folder("clips", detectors) / f"{kind}, {seeds}.npz"
        if kept is not None and kept.exists():
            clips, refused = load_measured(kept)
        else:
            own = ControlReport()
            for seed, (caption, people) in enumerate(_sources(pipeline, data, kind, prompt, seeds)):
                _measure_kind(pipeline, kind, caption, seed, people, own)
            clips, refused = own.clips, own.refused
            if kept is not None:
                save_measured(kept, clips, refused)
        report.clips += clips
        report.refused += refused
    if not report.clips:
        raise UserError(f"Nothing was measured: {data} has no held-out clip of the chosen kinds.")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / "control.json") as path:
            path.write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    return report


def _sources(
    pipeline: InterMask, data: Path | None, kind: str, prompt: str, seeds: int
) -> Iterator[tuple[str, Sequence[Motion]]]:
    """The people that constraints are taken from, each pair with the prompt for which the constraints are asked."""
    if data is None:
        for seed in range(seeds):
            (take,) = pipeline.generate(prompt, _FRAMES, GenerateOptions(seed=_SOURCE_SEED + seed))
            yield prompt, take.people
        return
    motion = pipeline.codec.representation.motion
    clips = [clip for clip in load_choreographed(data, held_out_only=True) if clip.kind == kind]
    for clip in [clip for clip in clips if clip.features.shape[1] >= _SHORTEST][:seeds]:
        yield (clip.captions or (prompt,))[0], [motion(person) for person in clip.features[:, :_FRAMES]]


def _measure_kind(
    pipeline: InterMask, kind: str, prompt: str, seed: int, people: Sequence[Motion], report: ControlReport
) -> None:
    """Measure all cases that are taken from two people, each in every condition.

    The two get the bones of those who are generated: in the poses of a taller person these would float. They stand
    where generated people begin, who would else have to turn and walk to their places first.
    """
    frames = len(people[0])
    first, second = people
    people = canonical_pair(Interaction((first, second)), "kept")[0].people
    plain = {False: _plain(pipeline, kind, prompt, frames, seed, None)}
    source = SourceClip.of(solve(people, bones_of=plain[False].take.people))
    leader = Motion(source.joints[0], source.local[0, :, 1:], source.local[0, :, 0])
    plain[True] = _plain(pipeline, kind, prompt, frames, seed, leader)
    for case in (*cases_from(source), *(invented_cases(frames) if kind in _WALKS else ())):
        start = time.perf_counter()
        given = leader if case.reaction else None
        try:
            steered = _generated(pipeline, prompt, frames, seed, given, case.constraints)
        except UserError as error:
            report.refused.append(f"{kind}, {case.group}: {error}")
            continue
        settings = SolveSettings(held=0 if case.reaction else None)
        both = solve(steered.people, settings, targets=case.constraints)
        seconds = time.perf_counter() - start
        without = plain[case.reaction]
        solved = {
            "solver": solve(without.take.people, settings, targets=case.constraints),
            "steered": solve(steered.people, settings),
            "both": both,
        }
        for condition in CONDITIONS:
            clip = measured(kind, case, condition, solved[condition], without.joints, without.detected, source.joints)
            if condition == "both":
                clip = replace(clip, seconds=seconds, slower=seconds / without.seconds)
            report.clips.append(clip)
        print(report.clips[-1], flush=True)


def _plain(pipeline: InterMask, kind: str, prompt: str, frames: int, seed: int, leader: Motion | None) -> _Plain:
    start = time.perf_counter()
    take = _generated(pipeline, prompt, frames, seed, leader, None)
    joints = _joints(solve(take.people, SolveSettings(held=None if leader is None else 0)))
    seconds = time.perf_counter() - start
    return _Plain(take, joints, detected(kind, joints), seconds)


def _generated(
    pipeline: InterMask, prompt: str, frames: int, seed: int, leader: Motion | None, constraints: Constraints | None
) -> Interaction:
    options = GenerateOptions(seed=seed, constraints=constraints)
    takes = pipeline.generate(prompt, frames, options) if leader is None else pipeline.react(prompt, leader, options)
    return takes[0]


def measured(
    kind: str,
    case: ControlCase,
    condition: str,
    people: Sequence[PosedSkeleton],
    plain: np.ndarray,
    plain_detected: bool,
    source: np.ndarray,
) -> Measured:
    """The figures of one clip.

    Args:
        kind: that its prompt asks for.
        case: its constraints.
        condition: of ``CONDITIONS``.
        people: solved.
        plain: joints (2, T, 22, 3) of the same prompt and seed without constraints.
        plain_detected: whether the detector sees the kind in them.
        source: joints (2, T, 22, 3) of the clip that the constraints are taken from.
    """
    joints = _joints(people)
    popped = pops(case.constraints, joints, plain, source)
    found: dict[str, list[float]] = {name: [] for name in ("path", "heading", "pose", "pin", "contact")}
    for item, error in zip(case.constraints, report_of_people(case.constraints, people), strict=True):
        if error.mean is None or error.worst is None:
            continue
        if isinstance(item, PathConstraint):
            found["path"].append(error.mean)
            if error.mean_angle is not None:
                found["heading"].append(error.mean_angle)
        elif isinstance(item, PoseConstraint):
            found["pose"].append(error.mean)
        else:
            found["pin" if isinstance(item, PinConstraint) else "contact"].append(error.worst)
    values = {name: float(np.mean(errors)) if errors else None for name, errors in found.items()}
    return Measured(
        kind,
        case.group,
        condition,
        detected=detected(kind, joints),
        pops=None if popped is None else popped.strict,
        pops_beyond_source=None if popped is None else popped.beyond_source,
        source_pops=None if popped is None else popped.in_source,
        joints=joints,
        plain=plain,
        plain_detected=plain_detected,
        wrist=_wrist_bend(case.constraints, people),
        invented=case.invented,
        **values,
    )


@dataclass(frozen=True)
class _Pops:
    """Whether joints move too fast near poses.

    Attributes:
        strict: faster than in 99 % of the other frames of the clip, and of the clip without constraints.
        beyond_source: also faster than they are near these frames in the clip that the poses are taken from.
        in_source: whether that clip, in which nothing is changed, is faster there than in 99 % of its other frames, and
            of the clip without constraints.
    """

    strict: bool = False
    beyond_source: bool = False
    in_source: bool = False


def pops(constraints: Constraints, joints: np.ndarray, plain: np.ndarray, source: np.ndarray) -> _Pops | None:
    """Whether joints of people (2, T, 22, 3) move too fast near poses; None without poses.

    Args:
        constraints: of the clip.
        joints: of the clip.
        plain: without constraints.
        source: of the clip that poses are taken from.
    """
    poses = [item for item in constraints if isinstance(item, PoseConstraint)]
    found = []
    for pose in poses:
        speed, usual, own = (_fastest(clip[pose.person]) for clip in (joints, plain, source))
        near = (np.abs(np.arange(len(speed))[:, None] - np.array(pose.frames)) <= _POSE_REACH).any(1)
        limit, own_limit = (np.percentile(np.concatenate((clip[~near], usual)), 99) for clip in (speed, own))
        strict, fastest = bool(speed[near].max() > limit), own[near].max()
        found.append(_Pops(strict, strict and bool(speed[near].max() > fastest), bool(fastest > own_limit)))
    if not found:
        return None
    return _Pops(*(any(getattr(one, entry.name) for one in found) for entry in fields(_Pops)))


def _wrist_bend(constraints: Constraints, people: Sequence[PosedSkeleton]) -> float | None:
    """Degrees of the largest bend of a wrist while its hand is pinned or touches; None without such a hand."""
    bends = []
    for item in constraints:
        if isinstance(item, PinConstraint):
            wrist = item.joint if item.joint.endswith("_Wrist") else None
        elif isinstance(item, ContactConstraint):
            wrist = _WRISTS.get(item.place)
        else:
            continue
        if wrist is not None:
            person, index = people[item.person], SMPL.index(wrist)
            local = matrix_from_quaternion(person.rotations[item.start : item.stop, index])
            axis = normalized(person.offsets[index])
            bends.append(np.degrees(np.arccos(np.clip(local @ axis @ axis, -1.0, 1.0))).max())
    return float(max(bends)) if bends else None


def _fastest(joints: np.ndarray) -> np.ndarray:
    """(T - 1,) metres a second of the fastest joint of one person, joints (T, 22, 3)."""
    return np.asarray(np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(-1) * FPS)


def _joints(people: Sequence[PosedSkeleton]) -> np.ndarray:
    return np.stack([person.joints()[:, :22] for person in people])
