"""``python -m model_core choreograph``: combines captured single people into checked, captioned two-person clips."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import atomic_write
from ..captured import load_captured
from .captions import paraphrases
from .checks import failed_checks
from .kinds import SCRIPTS
from .library import Library, library_from
from .scene import ChoreographedClip, Scene
from .shards import save_shard
from .sheets import contact_sheet
from .split import instance_held_out

_CAPTIONS = 8
"""Number of paraphrases stored with a clip."""
_PATIENCE = 3
"""Maximum number of attempts per requested clip."""
_SHEETS = 3
"""Contact sheets per kind."""


@dataclass
class Tally:
    """Outcome of the attempts for a kind.

    Attributes:
        kind: the kind of interaction.
        tried, accepted: numbers of clips.
        reasons: number of failures of each check.
    """

    kind: str
    tried: int
    accepted: int
    reasons: Counter[str]

    def __str__(self) -> str:
        share = 100 * self.accepted / max(self.tried, 1)
        why = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        return f"{self.kind:34s} {self.accepted:4d} of {self.tried:4d} ({share:3.0f} %)  {why}"


def choreographed(kind: str, seed: int, library: Library) -> ChoreographedClip:
    """One clip, determined by kind, seed and library."""
    scene = Scene(kind, seed, library, np.random.default_rng([seed, zlib.crc32(kind.encode())]))
    SCRIPTS[kind](scene)
    return scene.clip()


def generate(kind: str, instances: int, seed: int, library: Library) -> tuple[list[ChoreographedClip], Tally]:
    """``instances`` clips of a kind that pass the checks, or fewer if three attempts per clip are not enough."""
    clips: list[ChoreographedClip] = []
    tally = Tally(kind, 0, 0, Counter())
    for number in _seeds(seed, instances * _PATIENCE):
        if len(clips) == instances:
            break
        clip = choreographed(kind, number, library)
        failures = failed_checks(clip)
        tally.tried += 1
        tally.reasons.update(failures)
        if not failures:
            clips.append(clip)
    tally.accepted = len(clips)
    return clips, tally


def _seeds(seed: int, count: int) -> Iterator[int]:
    return iter(range(seed * 100_000, seed * 100_000 + count))


@dataclass(frozen=True)
class _Job:
    """One kind to make; attributes as the arguments of ``choreograph``."""

    kind: str
    data: Path
    out: Path
    instances: int
    seed: int
    sheets: bool


def choreograph(
    data: Path,
    out: Path,
    kinds: Sequence[str] = (),
    instances: int = 80,
    seed: int = 0,
    sheets: bool = False,
    workers: int = 1,
) -> list[Tally]:
    """Write a shard for every kind to ``out``, with ``summary.json`` and, on request, contact sheets.

    Args:
        data: folder of captured motion with its manifest.
        out: folder for shards.
        kinds: names of kinds; empty for all.
        instances: number of clips per kind that pass the checks.
        seed: determines the clips.
        sheets: also draw pictures into ``out / "sheets"``; needs Pillow.
        workers: number of processes that make kinds at the same time; the clips do not depend on it.

    Raises:
        UserError: an unknown kind, or captured data that cannot be used.
    """
    unknown = [kind for kind in kinds if kind not in SCRIPTS]
    if unknown:
        raise UserError(f"There is no kind '{unknown[0]}'; the kinds are: {', '.join(SCRIPTS)}.")
    for name, value in (("instances", instances), ("workers", workers)):
        if value < 1:
            raise UserError(f"--{name} must be at least 1.")
    _library(data, out)
    jobs = [_Job(kind, data, out, instances, seed, sheets) for kind in kinds or SCRIPTS]
    tallies = []
    for tally in _made(jobs, min(workers, len(jobs))):
        print(tally, flush=True)
        tallies.append(tally)
    summary = {
        tally.kind: {"tried": tally.tried, "accepted": tally.accepted, "reasons": dict(tally.reasons)}
        for tally in tallies
    }
    with atomic_write(out / "summary.json") as path:
        path.write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return tallies


def _made(jobs: Sequence[_Job], workers: int) -> Iterator[Tally]:
    """The tallies of kinds, in their order, as they are made."""
    if workers == 1:
        yield from map(_make, jobs)
        return
    # New processes, not forked ones: libraries may have threads by now.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(_make, jobs)


@lru_cache(maxsize=1)
def _library(data: Path, out: Path) -> Library:
    """The captured people, read once by each process."""
    return library_from(load_captured(data, out / "cache" / "captured.npz").clips)


def _make(job: _Job) -> Tally:
    """Make the clips of a kind and write their shard."""
    clips, tally = generate(job.kind, job.instances, job.seed, _library(job.data, job.out))
    name = job.kind.replace(" ", "_").replace("'", "")
    if clips:
        held_out = [instance_held_out(job.kind, clip.seed) for clip in clips]
        words = [
            paraphrases(job.kind, clip.facts, np.random.default_rng([clip.seed, 5]), _CAPTIONS, held)
            for clip, held in zip(clips, held_out, strict=True)
        ]
        save_shard(job.out / f"{name}.npz", clips, words, held_out)
    for clip in clips[:_SHEETS] if job.sheets else ():
        contact_sheet(clip, job.out / "sheets" / f"{name}_{clip.seed}.png")
    return tally
