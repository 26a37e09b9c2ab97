"""``python -m model_core evaluate sequences``: whether the parts of timed prompts happen, and lead into each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..generation.sequence import DrawnPart, in_sequence
from ..kinematics import RAW_FIT, solve
from ..metrics.detectors import DETECTORS, detected
from ..model_files.evaluator_folder import EVALUATOR
from ..motion import FPS, Motion
from ..motion.canonical import facing
from ..motion.interaction_file import load_npz, save_npz
from ..settings import build
from .detector_choice import choice_of_candidates, clips_folder
from .starter import mean_physical, physical_checks

PROMPTS = EVALUATOR / "sequences" / "prompts.json"
"""40 prompts of two and three parts that together name each kind at least twice; not in the add-on."""
_FACE_TO_FACE = (
    "shake hands",
    "high five",
    "two-handed high five",
    "fist bump",
    "bow to each other",
    "wave to each other",
    "kneel before the other",
    "hand over an object",
    "pull by the hand",
    "play clapping hands",
    "push and stagger",
    "kick a ball to each other",
    "argue",
    "laugh together",
    "drink together",
    "sit facing and talk",
    "beckon and the other comes",
    "circle each other",
    "mirror each other's exercise",
)
"""Kinds whose people face each other throughout."""
_FACING = 25.0
"""Degrees between the direction that a person faces and the direction to the other one."""
_MIDDLE = (0.25, 0.75)
"""Shares of a part between which facing is measured."""
_JOIN = 15
"""Frames before and after the first frame of a part that belong to its join."""


@dataclass(frozen=True)
class PromptPart:
    """A part of a test prompt.

    Attributes:
        kind: that it names.
        prompt: the words.
        seconds: its length.
    """

    kind: str
    prompt: str
    seconds: float

    @property
    def frames(self) -> int:
        """Its length in frames."""
        return round(self.seconds * FPS)


def timed_prompt(parts: tuple[PromptPart, ...]) -> str:
    """The prompt with the times of its parts."""
    stops = np.cumsum([0.0, *(part.seconds for part in parts)])
    return "; ".join(
        f"{start:g}-{stop:g} s: {part.prompt}" for part, start, stop in zip(parts, stops, stops[1:], strict=False)
    )


@dataclass(frozen=True, eq=False)
class MeasuredPart:
    """A part as it is in the clip, and the same part as a clip of its own.

    Attributes:
        kind: that it names.
        number: of the part in its prompt, from 0.
        seen, seen_alone: whether the kind's detector sees it.
        faces, faces_alone: whether both people face each other; None for kinds that do not ask for it.
        join: the highest speed of a joint at its beginning, as a multiple of the 99th percentile elsewhere; None for
            the first part.
    """

    kind: str
    number: int
    seen: bool
    seen_alone: bool
    faces: bool | None
    faces_alone: bool | None
    join: float | None


@dataclass(frozen=True, eq=False)
class MeasuredSequence:
    """A clip of several parts.

    Attributes:
        prompt: with times.
        parts: what was measured.
        joints: (2, T, 22, 3) of the whole clip.
        alone: the same of each part as a clip of its own.
    """

    prompt: str
    parts: tuple[MeasuredPart, ...]
    joints: np.ndarray
    alone: tuple[np.ndarray, ...]

    @property
    def seen(self) -> bool:
        """Whether every part is seen."""
        return all(part.seen for part in self.parts)

    def __str__(self) -> str:
        marks = ("seen" if part.seen else "NOT SEEN" if part.seen_alone else "not seen, alone neither"
                 for part in self.parts)  # fmt: skip
        return ", ".join(f"{part.kind}: {mark}" for part, mark in zip(self.parts, marks, strict=True))


@dataclass
class SequencesReport:
    """All clips; ``detectors``: whether the detectors helped to choose candidates and frames."""

    clips: list[MeasuredSequence] = field(default_factory=list)
    detectors: bool = True

    @property
    def parts(self) -> list[MeasuredPart]:
        """The parts of all clips."""
        return [part for clip in self.clips for part in clip.parts]

    def rows(self) -> list[tuple[str, str, bool | None]]:
        """What is asked, what was found, and whether that is enough; None where nothing is asked."""
        parts = self.parts
        every = _share([clip.seen for clip in self.clips])
        faces = _share([part.faces for part in parts if part.faces is not None])
        joins = np.array([part.join for part in parts if part.join is not None])
        found: list[tuple[str, str, bool | None]] = [
            ("every part seen, at least 75 %", _percent(every), every >= 0.75),
            ("parts seen", _percent(_share([part.seen for part in parts])), None),
        ]
        for number in sorted({part.number for part in parts}):
            own = [part for part in parts if part.number == number]
            value = f"{_percent(_share([p.seen for p in own]))}, alone {_percent(_share([p.seen_alone for p in own]))}"
            found.append((f"part {number + 1} seen", value, None))
        alone = _share([all(part.seen_alone for part in clip.parts) for clip in self.clips])
        faces_alone = _share([part.faces_alone for part in parts if part.faces_alone is not None])
        return [
            *found,
            ("every part seen as a clip of its own", _percent(alone), None),
            (f"people face each other within {_FACING:g} degrees, all", _percent(faces), faces >= 1.0),
            ("the same in clips of single parts", _percent(faces_alone), None),
            ("joins as slow as 99 % elsewhere, all", _percent(float((joins <= 1).mean())), bool((joins <= 1).all())),
            ("speed at joins against that percentile, median", f"{np.median(joins):.2f}", None),
            *physical_checks(
                mean_physical(clip.joints for clip in self.clips),
                mean_physical(joints for clip in self.clips for joints in clip.alone),
                "single parts'",
            ),
        ]

    def table(self) -> str:
        """The report as text."""
        lines = [str(clip) for clip in self.clips]
        words = {True: "yes", False: "NO", None: ""}
        lines += [f"{asked:60s} {value:>22s}  {words[passed]}" for asked, value, passed in self.rows()]
        return "\n".join((*lines, choice_of_candidates(self.detectors)))

    def to_json(self) -> dict[str, Any]:
        """Rows and parts, without joints."""
        return {
            "rows": self.rows(),
            "detectors_choose": self.detectors,
            "clips": [{"prompt": clip.prompt, "parts": [vars(part) for part in clip.parts]} for clip in self.clips],
        }


def evaluate_sequences(
    model: Path,
    prompts: Path | None = None,
    limit: int | None = None,
    out: Path | None = None,
    detectors: bool = True,
) -> SequencesReport:
    """Measure clips of several parts, each with one seed; prints each clip when it is done.

    Args:
        model: folder of the model.
        prompts: a file as ``PROMPTS``, which is the default.
        limit: measures only this many prompts, evenly chosen; None measures all.
        out: folder for ``sequences.json``, and for the drawn parts, which a later run does not draw again; None writes
            nothing.
        detectors: whether the detectors, which measure success, also help to choose candidates and the frames that are
            kept, as they do for users.

    Raises:
        UserError: the prompts cannot be read, or name a kind without a detector.
    """
    tests = list(enumerate(read_prompts(prompts or PROMPTS)))
    if limit is not None:
        if limit < 1:
            raise UserError("--limit must be at least 1.")
        tests = [tests[index] for index in np.unique(np.linspace(0, len(tests) - 1, limit).round().astype(int))]
    pipeline = InterMask.load(model, detectors=detectors)
    report = SequencesReport(detectors=detectors)
    folder = None if out is None else out / clips_folder("parts", detectors)
    for number, parts in tests:
        drawn = _drawn(pipeline, parts, number, folder)
        clip = _joints(in_sequence(drawn))
        report.clips.append(measured(timed_prompt(parts), parts, clip, [_joints(part.crops()[0]) for part in drawn]))
        print(report.clips[-1], flush=True)
    if out is not None:
        with atomic_write(out / "sequences.json") as path:
            path.write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    return report


def _drawn(pipeline: InterMask, parts: tuple[PromptPart, ...], number: int, folder: Path | None) -> list[DrawnPart]:
    """The parts of a prompt before they are joined; those that a folder has are not drawn again."""
    if folder is None:
        return _draw(pipeline, parts, number)
    paths = [folder / f"{number:02d}-{index + 1}.npz" for index in range(len(parts))]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        for path, part in zip(paths, _draw(pipeline, parts, number), strict=True):
            first, second = solve(part.people, RAW_FIT)
            save_npz(path, (first, second))
    return [
        DrawnPart([person.motion() for person in load_npz(path).people], part.frames, pipeline.scorer(part.prompt))
        for path, part in zip(paths, parts, strict=True)
    ]


def _draw(pipeline: InterMask, parts: tuple[PromptPart, ...], seed: int) -> list[DrawnPart]:
    frames = sum(part.frames for part in parts)
    return pipeline.draw_parts(timed_prompt(parts), frames, GenerateOptions(seed=seed))


def read_prompts(path: Path) -> list[tuple[PromptPart, ...]]:
    """The test prompts of a file.

    Raises:
        UserError: it cannot be read, is damaged, or names a kind without a detector.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); correct it.") from error
    found = [
        tuple(build(PromptPart, part, f"{path}, prompt {number + 1}") for part in parts)
        for number, parts in enumerate(entries)
    ]
    for part in (part for parts in found for part in parts):
        if part.kind not in DETECTORS:
            raise UserError(f"{path} has the kind '{part.kind}', which has no detector; correct it.")
    return found


def measured(
    prompt: str, parts: tuple[PromptPart, ...], joints: np.ndarray, alone: list[np.ndarray]
) -> MeasuredSequence:
    """The figures of one clip.

    Args:
        prompt: with times.
        parts: of the prompt.
        joints: (2, T, 22, 3) metres of the solved clip.
        alone: the same of each part as a clip of its own.
    """
    stops = np.cumsum([part.frames for part in parts])
    found = []
    for number, (part, stop, single) in enumerate(zip(parts, stops, alone, strict=True)):
        own = joints[:, stop - part.frames : stop]
        asks = part.kind in _FACE_TO_FACE
        found.append(
            MeasuredPart(
                part.kind,
                number,
                detected(part.kind, own),
                detected(part.kind, single),
                _face_each_other(own) if asks else None,
                _face_each_other(single) if asks else None,
                _speed_at(stop - part.frames, stops[:-1], joints, alone) if number else None,
            )
        )
    return MeasuredSequence(prompt, tuple(found), joints, tuple(alone))


def _face_each_other(joints: np.ndarray) -> bool:
    """Whether both of two people (2, T, 22, 3) face each other in the middle of a part."""
    first, last = (round(share * joints.shape[1]) for share in _MIDDLE)
    joints = joints[:, first:last].astype(np.float64)
    way = joints[::-1, :, 0] - joints[:, :, 0]
    off = facing(joints) - np.arctan2(way[..., 0], way[..., 2])
    return bool(np.degrees(np.median(np.abs(np.angle(np.exp(1j * off))), axis=1)).max() < _FACING)


def _speed_at(frame: int, joins: np.ndarray, joints: np.ndarray, alone: list[np.ndarray]) -> float:
    """The highest speed of a joint near a join, as a multiple of the 99th percentile away from joins and in ``alone``.

    The speed of a frame is that of the fastest joint of either person.
    """
    speed = _fastest(joints)
    at = np.arange(len(speed))
    near = np.abs(at[:, None] - joins).min(1) <= _JOIN
    elsewhere = np.concatenate([speed[~near], *map(_fastest, alone)])
    return float(speed[np.abs(at - frame) <= _JOIN].max() / np.percentile(elsewhere, 99))


def _fastest(joints: np.ndarray) -> np.ndarray:
    """(T - 1,) metres a second of the fastest joint of two people (2, T, 22, 3)."""
    return np.asarray(np.linalg.norm(np.diff(joints, axis=1), axis=-1).max((0, 2)) * FPS)


def _joints(people: Sequence[Motion]) -> np.ndarray:
    return np.stack([person.joints() for person in solve(people)])


def _share(flags: list[bool] | list[bool | None]) -> float:
    return float(np.mean([bool(flag) for flag in flags])) if flags else float("nan")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
