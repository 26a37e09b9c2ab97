"""``python -m model_core evaluate words``: whether prompts in users' own words are understood and their clips match."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from ..generation.caption_facts import facts_of
from ..generation.pipeline import GenerateOptions, InterMask
from ..generation.prompt_reader import PromptReader
from ..generation.understanding import Understanding
from ..kinematics import solve
from ..metrics.detectors import detected
from ..model_files.evaluator_folder import EVALUATOR
from ..settings import build
from .words_store import MeasuredPrompt, MeasuredPrompts

PROMPTS = EVALUATOR / "words"
"""Test prompts by writers who did not see the phrases for training; not in the add-on."""
_FRAMES = 120


@dataclass(frozen=True)
class TestPrompt:
    """A prompt with the right answers.

    Attributes:
        prompt: the sentence.
        kind: the kind of interaction that it names; empty for an act that the model does not know.
        side, manner: what it states of them; empty for nothing.
        exchanged: whether it states that the second person acts on the first.
        language: of the sentence.
    """

    prompt: str
    kind: str = ""
    side: Literal["", "left", "right"] = ""
    manner: str = ""
    exchanged: bool = False
    language: str = "en"


@dataclass
class WordsReport:
    """What was measured. The fields are the keys of ``words.json``.

    Attributes:
        first, offered: fraction of known prompts whose kind is ranked first, or among those offered.
        facts: fraction of the stated sides, manners and roles that are right in the chosen caption.
        reported, wrongly_reported: fraction of unknown and of known acts that are reported as unknown.
        warm_ms: milliseconds to understand a prompt.
        cold_s: seconds for the first prompt, including loading the encoder and the classifier.
        success, single: fraction of clips in which the detectors see the kind, with the model's settings and with
            single candidates; None if nothing was generated.
        confusions: (prompt, kind, predicted kind) of the prompts whose kind is not ranked first.
        by_kind: for each kind the fraction of its prompts that are right, and of its clips that succeed.
    """

    first: float
    offered: float
    facts: float
    reported: float
    wrongly_reported: float
    warm_ms: float
    cold_s: float
    success: float | None = None
    single: float | None = None
    confusions: list[tuple[str, str, str]] = field(default_factory=list)
    by_kind: dict[str, tuple[float, float | None]] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, bool]]:
        """The table: goal, measured value, and whether it meets the goal."""
        found = [
            ("right kind first, at least 92 %", _percent(self.first), self.first >= 0.92),
            ("right kind among those offered, at least 98 %", _percent(self.offered), self.offered >= 0.98),
            ("right role, side and manner, at least 90 %", _percent(self.facts), self.facts >= 0.9),
            ("unknown acts reported as unknown, at least 85 %", _percent(self.reported), self.reported >= 0.85),
            (
                "known acts reported as unknown, at most 8 %",
                _percent(self.wrongly_reported),
                self.wrongly_reported <= 0.08,
            ),
            ("time to understand, warm, under 100 ms", f"{self.warm_ms:.0f} ms", self.warm_ms < 100),
            ("time to understand, cold, under 1 s", f"{self.cold_s:.2f} s", self.cold_s < 1),
        ]
        if self.success is not None and self.single is not None:
            found.append(
                ("success with the model's settings, at least 78 %", _percent(self.success), self.success >= 0.78)
            )
            found.append(("success of single candidates, at least 68 %", _percent(self.single), self.single >= 0.68))
        return found

    def table(self) -> str:
        """The report as text."""
        lines = [f"{kind:34s} right {_percent(right)}" + ("" if success is None else f"  success {_percent(success)}")
                 for kind, (right, success) in sorted(self.by_kind.items())]  # fmt: skip
        lines += [
            f"not understood: {prompt!r} is {kind}, taken for {predicted}"
            for prompt, kind, predicted in self.confusions
        ]
        lines += [f"{words:50s} {value:>8s}  {'yes' if passed else 'NO'}" for words, value, passed in self.rows()]
        return "\n".join(lines)


def evaluate_words(
    model: Path, prompts: Path | None, draws: int, out: Path | None, kinds: Sequence[str] = ()
) -> WordsReport:
    """Measure how a model understands test prompts, and whether its clips show what they ask for.

    Prints each prompt when its clips are done.

    Args:
        model: folder of the model.
        prompts: a folder of test prompts; None for those of the repository.
        draws: clips for each known prompt; 0 generates nothing.
        out: folder for ``words.json``, and for what was measured of each prompt, which a later run does not measure
            again; None writes nothing.
        kinds: only these kinds; empty for all.

    Raises:
        UserError: the model has no prompt classifier, or there are no prompts.
    """
    tests = read_prompts(prompts or PROMPTS)
    seeds = {id(test): number for number, test in enumerate(test for test in tests if test.kind)}
    tests = [test for test in tests if not kinds or not test.kind or test.kind in kinds]
    pipeline = InterMask.load(model, detectors=False)
    if pipeline.reader.matcher is None:
        raise UserError(f"{model} has no prompt classifier; 'evaluate words' measures models that have one.")
    start = time.perf_counter()
    understood = [pipeline.reader.understand(test.prompt, _FRAMES)[0] for test in tests]
    warm = (time.perf_counter() - start) / len(tests)  # the reader remembers prompts: a second time would cost nothing
    known = [(test, found) for test, found in zip(tests, understood, strict=True) if test.kind]
    unknown = [found for test, found in zip(tests, understood, strict=True) if not test.kind]
    if not known or not unknown:
        raise UserError(f"{prompts or PROMPTS} needs prompts of known and of unknown acts.")
    right = np.array([found.best.kind == test.kind for test, found in known])
    stated = [share for test, found in known for share in _facts_right(test, found)]
    report = WordsReport(
        first=float(right.mean()),
        offered=float(np.mean([test.kind in [match.kind for match in found.matches] for test, found in known])),
        facts=float(np.mean(stated)) if stated else float("nan"),
        reported=float(np.mean([not found.known for found in unknown])),
        wrongly_reported=float(np.mean([not found.known for _, found in known])),
        warm_ms=1000 * warm,
        cold_s=_cold_seconds(model),
        confusions=[(test.prompt, test.kind, found.best.kind) for test, found in known if found.best.kind != test.kind],
    )
    successes: dict[str, list[bool]] = {}
    if draws:
        single: list[bool] = []
        kept = MeasuredPrompts(None if out is None else out / "prompts.json")
        for number, (test, found) in enumerate(known):
            measured = kept.find(test.prompt, found.best.caption, seeds[id(test)], draws)
            if measured is None:
                measured = _measured(pipeline, test, found.best.caption, seeds[id(test)], draws)
                kept.add(measured)
                shares = f"{sum(measured.success)} of {draws}, single candidates {sum(measured.single)} of {draws}"
                print(f"{number + 1}/{len(known)} {test.kind}: {shares}: {test.prompt}", flush=True)
            successes.setdefault(test.kind, []).extend(measured.success)
            single.extend(measured.single)
        report.success = float(np.mean([success for group in successes.values() for success in group]))
        report.single = float(np.mean(single))
    for kind in sorted({test.kind for test, _ in known}):
        share = float(np.mean([ok for (test, _), ok in zip(known, right, strict=True) if test.kind == kind]))
        report.by_kind[kind] = (share, float(np.mean(successes[kind])) if draws else None)
    if out is not None:
        with atomic_write(out / "words.json") as path:
            path.write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def read_prompts(folder: Path) -> list[TestPrompt]:
    """The test prompts of a folder's JSON files.

    Raises:
        UserError: there are none, or a file is damaged.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}); correct it.") from error
        found += [build(TestPrompt, entry, f"{path}, entry {number + 1}") for number, entry in enumerate(entries)]
    if not found:
        raise UserError(f"There are no test prompts in {folder}; name a folder of them with --data.")
    return found


def _facts_right(test: TestPrompt, found: Understanding) -> list[bool]:
    """Whether the chosen caption has each fact that the prompt states; empty if the kind is wrong."""
    if found.best.kind != test.kind:
        return []
    facts = facts_of(found.best.caption)
    result = [facts.side == test.side] if test.side else []
    result += [facts.manner == test.manner] if test.manner else []
    return [*result, found.exchanged] if test.exchanged else result


def _measured(pipeline: InterMask, test: TestPrompt, caption: str, seed: int, draws: int) -> MeasuredPrompt:
    single = replace(pipeline.config.sampling, candidates=1, max_attempts=1)
    return MeasuredPrompt(
        test.prompt,
        caption,
        seed,
        success=tuple(_detections(pipeline, test, GenerateOptions(seed=seed, takes=draws))),
        single=tuple(_detections(pipeline, test, GenerateOptions(single, seed=seed, takes=draws))),
    )


def _detections(pipeline: InterMask, test: TestPrompt, options: GenerateOptions) -> list[bool]:
    """For each take, whether the detector of the prompt's kind sees it after the solver."""
    takes = pipeline.generate(test.prompt, _FRAMES, options)
    solved = [np.stack([person.joints() for person in solve(take.people)]) for take in takes]
    return [detected(test.kind, joints) for joints in solved]


def _cold_seconds(model: Path) -> float:
    """Seconds to load the text encoder and the classifier, and to understand a prompt."""
    start = time.perf_counter()
    PromptReader.load(model).understand("two people shake hands", _FRAMES)
    return time.perf_counter() - start


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
