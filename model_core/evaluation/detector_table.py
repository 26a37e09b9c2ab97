"""How well the detectors tell the kinds apart: every held-out clip is shown to all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.choreography.shards import StoredClip, load_choreographed
from ..errors import UserError
from ..metrics.detectors import DETECTORS, kinds_seen

LEAST_SEEN, MOST_MISTAKEN = 0.95, 0.05
"""What is asked of a detector: the share of its own kind that it sees, and of any other kind."""


@dataclass(frozen=True)
class DetectorRow:
    """What the detectors make of the clips of a kind.

    Attributes:
        kind: which.
        clips: how many were shown.
        seen: the share in which the kind's own detector sees it.
        others: the share in which other detectors see theirs, the largest first.
    """

    kind: str
    clips: int
    seen: float
    others: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether the kind is seen often enough, and no other kind too often."""
        return self.seen >= LEAST_SEEN and max(self.others.values(), default=0.0) <= MOST_MISTAKEN

    def __str__(self) -> str:
        """A line for people."""
        others = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in self.others.items())
        verdict = "ok  " if self.passed else "FAIL"
        return f"{verdict} {self.kind:34s} {self.clips:4d} clips  {100 * self.seen:4.0f} %   {others}".rstrip()


def detector_rows(clips: Iterable[StoredClip]) -> list[DetectorRow]:
    """Show every clip to all detectors; a row a kind, in the detectors' order."""
    counts: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = {kind: Counter() for kind in DETECTORS}
    for clip in clips:
        counts[clip.kind] += 1
        seen[clip.kind].update(kinds_seen(clip.joints))
    rows = []
    for kind in (kind for kind in DETECTORS if counts[kind]):
        others = {other: n / counts[kind] for other, n in seen[kind].most_common() if other != kind}
        rows.append(DetectorRow(kind, counts[kind], seen[kind][kind] / counts[kind], others))
    return rows


def validate_detectors(data: Path, kinds: Sequence[str] = ()) -> list[DetectorRow]:
    """Measure the detectors on the held-out clips that ``choreograph`` wrote.

    Args:
        data: folder of clips.
        kinds: of which, none for all; each clip is shown to all detectors anyway.

    Raises:
        UserError: an unknown kind, no clips, or none held out.
    """
    unknown = [kind for kind in kinds if kind not in DETECTORS]
    if unknown:
        raise UserError(f"There is no kind '{unknown[0]}'; the kinds are: {', '.join(DETECTORS)}.")
    clips = load_choreographed(data, held_out_only=True)
    rows = detector_rows(clip for clip in clips if not kinds or clip.kind in kinds)
    if not rows:
        raise UserError(f"{data} has no held-out clip of the kinds asked for; make more with 'choreograph'.")
    return rows
