"""``python -m model_core evaluate starter``: whether a model follows held-out prompts and leaders."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..data.choreography.shards import StoredClip, load_choreographed
from ..errors import UserError
from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..kinematics import SolveSettings, solve
from ..metrics.detectors import DETECTORS, detected
from ..metrics.physical import PhysicalMetrics, physical_metrics
from ..model_files.evaluator_folder import EVALUATOR, PairEmbedding
from ..model_files.kinds import listed_kinds
from ..motion import FPS, Interaction, Motion
from ..motion.limits import MIN_FRAMES
from ..networks.token_map import FRAMES_PER_TOKEN
from ..training.crops import turned_into_frame
from ..training.tokenizer_training import joint_error
from .evaluator_rows import EvaluatorRow, Prompted, evaluator_rows, features_of

_CAPTURED = {"salsa": ("two people dance salsa", 120)}
"""Captured kinds, for which there are no held-out captions: prompt and length in frames."""
_TOLERANCE = 1.2
"""Allowed ratio of the physical metrics of generated motion to those of the data."""
_PAIRS = 64
"""Largest number of held-out clips whose reconstruction is measured."""


@dataclass(frozen=True)
class KindResult:
    """The results of the prompts of one kind.

    Attributes:
        kind: its name.
        prompts: number of generated clips.
        success: fraction of the clips in which the detector finds the kind.
        reaction: the same for reactions to leaders of held-out clips; None without such clips.
        data: the same for the held-out clips themselves, an upper bound for any model.
        diversity: mean distance in mm between the joints of two takes of one prompt, relative to the pelvis.
    """

    kind: str
    prompts: int
    success: float
    reaction: float | None
    data: float | None
    diversity: float


@dataclass
class Report:
    """All measurements.

    Attributes:
        model: its name.
        seeds: generated clips per kind.
        kinds: one result for each kind.
        world_mm, aligned_mm: the tokenizer's mean joint error on held-out clips.
        evaluator: retrieval and Frechet distance by the project's own evaluator; empty without one.
        physical, physical_data: of solved generated clips and of held-out ones.
        seconds: from prompt to solved motion of a 4 s clip, in a warm process.
        loading: seconds from the start of a process, without Python's own start, to its first solved clip.
        memory: largest resident size of that process, MiB.
    """

    model: str
    seeds: int
    kinds: list[KindResult] = field(default_factory=list)
    world_mm: float = float("nan")
    aligned_mm: float = float("nan")
    evaluator: list[EvaluatorRow] = field(default_factory=list)
    physical: PhysicalMetrics | None = None
    physical_data: PhysicalMetrics | None = None
    seconds: float = float("nan")
    loading: float = float("nan")
    memory: float = float("nan")

    @property
    def average(self) -> float:
        """Mean success over kinds."""
        return float(np.mean([kind.success for kind in self.kinds]))

    def checks(self) -> list[tuple[str, str, bool]]:
        """Each goal, the value found, and whether it meets the goal."""
        worst = min(self.kinds, key=lambda kind: kind.success)
        found = [
            ("success on average, at least 80 %", f"{100 * self.average:.0f} %", self.average >= 0.8),
            ("no kind under 50 %", f"{worst.kind} {100 * worst.success:.0f} %", worst.success >= 0.5),
            ("joint error in the world, under 45 mm", f"{self.world_mm:.1f} mm", self.world_mm < 45),
            ("joint error root-aligned, under 25 mm", f"{self.aligned_mm:.1f} mm", self.aligned_mm < 25),
            ("4 s clip, warm, under 4 s", f"{self.seconds:.2f} s", self.seconds < 4),
            ("cold start, under 12 s", f"{self.loading:.2f} s", self.loading < 12),
            ("memory, under 1200 MiB", f"{self.memory:.0f} MiB", self.memory < 1200),
        ]
        if self.physical is not None and self.physical_data is not None:
            found += physical_checks(self.physical, self.physical_data, "the data's")
        return found

    def table(self) -> str:
        """The report as text."""
        lines = [f"{'kind':34s} success  reaction  held-out data  diversity mm"]
        for kind in self.kinds:
            shares = (kind.success, kind.reaction, kind.data)
            percent = ["   -  " if share is None else f"{100 * share:4.0f} %" for share in shares]
            lines.append(f"{kind.kind:34s} {percent[0]}   {percent[1]}         {percent[2]}     {kind.diversity:8.0f}")
        lines += [str(row) for row in self.evaluator] or [
            "R-precision and FID were not measured: no evaluator, or no captions."
        ]
        lines += [f"{'ok  ' if good else 'FAIL'} {goal}: {found}" for goal, found, good in self.checks()]
        return "\n".join(lines)


def physical_checks(found: PhysicalMetrics, reference: PhysicalMetrics, whose: str) -> list[tuple[str, str, bool]]:
    """The limit of each physical metric, the value found, and whether it is within the limit.

    Args:
        found: of the measured motion.
        reference: of the best motion that can be expected.
        whose: names the reference in the text, such as "the data's".
    """
    rows = []
    for name, value in asdict(found).items():
        real = asdict(reference)[name]
        # Floating and depth can be close to zero, where a ratio is meaningless: 2 mm more are allowed.
        passed = value <= max(_TOLERANCE * real, real + 2.0 * (name != "jerk"))
        rows.append((f"{name}, at most 20 % above {whose} {real:.2f}", f"{value:.2f}", passed))
    return rows


def evaluate_starter(
    model: Path,
    data: Path,
    out: Path | None = None,
    kinds: Sequence[str] = (),
    seeds: int = 5,
    evaluator: Path | None = None,
) -> Report:
    """Measure a model on held-out choreographed clips; prints each kind when it is done.

    Args:
        model: a model folder.
        data: folder of clips written by ``choreograph``.
        out: folder for ``evaluation.json`` and ``kinds.csv``; None writes no files.
        kinds: names of the kinds to measure; empty for all that the model lists.
        seeds: generated clips per kind.
        evaluator: folder of the evaluator; None uses the bundled one if there is one.

    Raises:
        UserError: an unknown kind, no held-out clips, or a model that cannot be loaded.
    """
    listed = listed_kinds(model)
    known = [kind for kind in DETECTORS if listed is None or kind in listed]
    unknown = [kind for kind in kinds if kind not in known]
    if unknown:
        raise UserError(f"{model} knows no kind '{unknown[0]}'; its kinds are: {', '.join(known)}.")
    if seeds < 1:
        raise UserError("--seeds must be at least 1.")
    held_out = [clip for clip in load_choreographed(data, held_out_only=True, kinds=listed) if clip.captions]
    if not held_out:
        raise UserError(f"No clip in {data} is held out; make more instances with 'choreograph --instances'.")
    if evaluator is None and EVALUATOR.is_dir():
        evaluator = EVALUATOR
    embedding = None if evaluator is None else PairEmbedding.load(evaluator)
    pipeline = InterMask.load(model, detectors=False)
    report = Report(pipeline.config.name, seeds)
    report.loading, report.seconds, report.memory = cost(model)
    report.world_mm, report.aligned_mm = reconstruction(pipeline, held_out[:: max(1, len(held_out) // _PAIRS)])
    generated: list[np.ndarray] = []
    prompted: list[Prompted] = []
    for kind in kinds or known:
        clips = [clip for clip in held_out if clip.kind == kind]
        if clips or kind in _CAPTURED:
            report.kinds.append(_kind_result(pipeline, kind, clips, seeds, generated, prompted))
            print(f"{kind:34s} {100 * report.kinds[-1].success:3.0f} %", flush=True)
    if not report.kinds:
        raise UserError(f"{data} has no held-out clip of the chosen kinds.")
    report.physical = mean_physical(generated)
    chosen = {result.kind for result in report.kinds}
    report.physical_data = mean_physical(clip.joints for clip in held_out if clip.kind in chosen)
    if prompted and embedding is not None:
        report.evaluator = evaluator_rows(embedding, prompted, [clip for clip in held_out if clip.kind in chosen])
    if out is not None:
        _write(report, out)
    return report


def _kind_result(
    pipeline: InterMask,
    kind: str,
    clips: Sequence[StoredClip],
    seeds: int,
    generated: list[np.ndarray],
    prompted: list[Prompted],
) -> KindResult:
    random = np.random.default_rng(len(clips))
    order = random.permutation(len(clips)) if clips else np.zeros(1, dtype=int)
    hits, reactions, diversity = [], [], 0.0
    for seed in range(seeds):
        clip = clips[order[seed % len(order)]] if clips else None
        prompt, frames = (clip.captions[seed % len(clip.captions)], clip.features.shape[1]) if clip else _CAPTURED[kind]
        frames = max(frames, MIN_FRAMES)
        takes = pipeline.generate(prompt, frames, GenerateOptions(seed=seed, takes=2 if seed == 0 else 1))
        solved = [_solved(take) for take in takes]
        joints = [np.stack([person.joints for person in people]) for people in solved]
        generated.append(joints[0])
        hits.append(detected(kind, joints[0]))
        if len(joints) > 1:
            first, second = (pair - pair[:, :, :1] for pair in joints)
            diversity = 1000 * float(np.linalg.norm(first - second, axis=-1).mean())
        if clip is not None:
            prompted.append(Prompted(prompt, clip, features_of(takes[0].people), features_of(solved[0])))
            leader = pipeline.codec.representation.motion(clip.features[int(clip.facts.get("actor", "0"))])
            reaction = _solved(pipeline.react(prompt, leader, GenerateOptions(seed=seed))[0], held=0)
            reactions.append(detected(kind, np.stack([person.joints for person in reaction])))
    data = float(np.mean([detected(kind, clip.joints) for clip in clips])) if clips else None
    answered = float(np.mean(reactions)) if reactions else None
    return KindResult(kind, seeds, float(np.mean(hits)), answered, data, diversity)


def _solved(interaction: Interaction, held: int | None = None) -> list[Motion]:
    """Both people after the solver."""
    return [person.motion() for person in solve(interaction.people, SolveSettings(held=held))]


@torch.no_grad()
def reconstruction(pipeline: InterMask, clips: Iterable[StoredClip]) -> tuple[float, float]:
    """Mean joint error, mm, of held-out people after encoding and decoding: in the world, and root-aligned.

    The pipeline tokenises the people. Of residual quantisers only the first level is used: the transformer predicts no
    other.
    """
    model, errors = pipeline.model, []
    for clip in clips:
        whole = clip.features.shape[1] // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
        features = torch.from_numpy(turned_into_frame(clip.features[:, :whole], 0, 0)).to(pipeline.device)
        normalised = (features - model.mean) / model.std
        decoded = model.tokenizer.decode(pipeline.codec.tokens(normalised)[:, None])
        errors.append([joint_error(decoded, normalised, model.mean, model.std, aligned) for aligned in (False, True)])
    world, aligned = np.mean(errors, axis=0)
    return float(world), float(aligned)


def mean_physical(clips: Iterable[np.ndarray]) -> PhysicalMetrics:
    """Mean metrics of clips, joints (2, T, 22, 3) each."""
    values = [list(asdict(physical_metrics(np.asarray(joints, dtype=np.float64), FPS)).values()) for joints in clips]
    return PhysicalMetrics(*(float(value) for value in np.mean(values, axis=0)))


_COST = """
import sys, time
start = time.perf_counter()
from model_core.kinematics import solve
from model_core.generation.pipeline import GenerateOptions, InterMask
pipeline = InterMask.load(sys.argv[1])
solve(pipeline.generate("two people shake hands", 120)[0].people)
cold, times = time.perf_counter() - start, []
for seed in range(3):
    start = time.perf_counter()
    solve(pipeline.generate("two people shake hands", 120, GenerateOptions(seed=seed))[0].people)
    times.append(time.perf_counter() - start)
try:
    import resource
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
except ImportError:
    memory = float("nan")
print(cold, min(times), memory)
"""
"""Runs in a separate process, so that neither the data nor earlier work is measured."""


def cost(model: Path) -> tuple[float, float, float]:
    """Seconds to the first solved clip of 4 s in a new process, seconds for another one, and its memory in MiB."""
    done = subprocess.run([sys.executable, "-c", _COST, str(model)], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise UserError(f"{model} cannot be run on its own: {done.stderr.strip().splitlines()[-1]}")
    cold, warm, memory = (float(word) for word in done.stdout.split()[-3:])
    return cold, warm, memory


def _write(report: Report, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    checks = [{"goal": goal, "found": found, "passed": passed} for goal, found, passed in report.checks()]
    with atomic_write(out / "evaluation.json") as path:
        path.write_text(json.dumps({**asdict(report), "checks": checks}, indent=1), encoding="utf-8")
    with atomic_write(out / "kinds.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(KindResult.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(kind) for kind in report.kinds)
