"""How well the detectors tell the kinds apart: all of them run on every held-out clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.choreography.shards import StoredClip, load_choreographed
from ..errors import UserError
from ..metrics.detectors import DETECTORS, detected_kinds

MIN_DETECTED, MAX_CONFUSED = 0.95, 0.05
"""Goals: the least share of a kind's clips that its detector detects, and the largest share for any other detector."""


@dataclass(frozen=True)
class DetectorRow:
    """The detectors' results for the clips of one kind.

    Attributes:
        kind: its name.
        clips: number of clips.
        detected: share of clips in which the kind's own detector detects it.
        others: share of clips in which other detectors detect their kinds, the largest first.
    """

    kind: str
    clips: int
    detected: float
    others: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether both goals are met."""
        return self.detected >= MIN_DETECTED and max(self.others.values(), default=0.0) <= MAX_CONFUSED

    def __str__(self) -> str:
        """One line of the table."""
        others = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in self.others.items())
        verdict = "ok  " if self.passed else "FAIL"
        return f"{verdict} {self.kind:34s} {self.clips:4d} clips  {100 * self.detected:4.0f} %   {others}".rstrip()


def detector_rows(clips: Iterable[StoredClip]) -> list[DetectorRow]:
    """Run all detectors on every clip; one row for each kind, in the order of ``DETECTORS``."""
    counts: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {kind: Counter() for kind in DETECTORS}
    for clip in clips:
        counts[clip.kind] += 1
        found[clip.kind].update(detected_kinds(clip.joints))
    rows = []
    for kind in (kind for kind in DETECTORS if counts[kind]):
        others = {other: n / counts[kind] for other, n in found[kind].most_common() if other != kind}
        rows.append(DetectorRow(kind, counts[kind], found[kind][kind] / counts[kind], others))
    return rows


def validate_detectors(data: Path, kinds: Sequence[str] = ()) -> list[DetectorRow]:
    """Measure the detectors on the held-out clips that ``choreograph`` wrote.

    Args:
        data: folder of clips.
        kinds: whose clips are used; empty for all. All detectors run on each clip in any case.

    Raises:
        UserError: an unknown kind, no clips, or none held out.
    """
    unknown = [kind for kind in kinds if kind not in DETECTORS]
    if unknown:
        raise UserError(f"There is no kind '{unknown[0]}'; the kinds are: {', '.join(DETECTORS)}.")
    clips = load_choreographed(data, held_out_only=True)
    rows = detector_rows(clip for clip in clips if not kinds or clip.kind in kinds)
    if not rows:
        raise UserError(f"{data} has no held-out clip of the chosen kinds; make more with 'choreograph'.")
    return rows
