"""What a training learns from and is measured on: captured takes and, if wanted, choreographed clips."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ..data.captured import CapturedClip, load_captured
from ..data.choreography.shards import StoredClip, load_choreographed
from ..errors import UserError
from ..files import atomic_write
from ..motion.canonical import mirrored_features, mirrored_text
from .crops import Clip, Crops, clips_from, statistics


@dataclass(frozen=True)
class DataSettings:
    """Which takes are learnt from.

    Attributes:
        takes: patterns of take names (``60_*``).
        held_out: names or patterns of takes that only measure.
        lag: frames by which a window's canonical frame may lie before it.
        least_speed: of the captured crops that the transformer learns from, mean metres a second of all joints.
        captured_share: of the windows that the tokenizer sees, beside choreographed ones.
        captured_pairs_share: of the crops that the transformer sees, were there crops of all kinds in all lengths.
        right_handed: share of the choreographed clips whose first contact is a hand's in which it is the right one.
        class_weights: for kinds of choreographed clips how much more often crops of them are drawn than of others.
    """

    takes: tuple[str, ...] = ("*",)
    held_out: tuple[str, ...] = ()
    lag: int = 96
    least_speed: float = 0.0
    captured_share: float = 0.4
    captured_pairs_share: float = 0.06
    right_handed: float = 0.5
    class_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """Folders of motion.

    Attributes:
        captured: BVH files with their manifest.
        choreographed: what ``choreograph`` wrote; None to learn from captured motion alone.
    """

    captured: Path
    choreographed: Path | None = None


@dataclass(frozen=True)
class Material:
    """Clips to learn from and to measure on.

    Attributes:
        train, held_out: captured clips with their mirror images, and choreographed ones.
        settings: how crops of them are drawn.
    """

    train: tuple[list[Clip], list[Clip]]
    held_out: tuple[list[Clip], list[Clip]]
    settings: DataSettings

    def windows(self) -> tuple[Crops, Crops]:
        """Crops of one person or two for the tokenizer, to learn from and to measure on."""
        share, lag = self.settings.captured_share, self.settings.lag
        train, held_out = (Crops(_balanced(*clips, share), lag) for clips in (self.train, self.held_out))
        return train, held_out

    def pairs(self) -> tuple[Crops, Crops]:
        """Crops of two people that hold what their captions say, for the transformer."""
        share, speed = self.settings.captured_pairs_share, self.settings.least_speed
        train, held_out = (
            Crops(
                _kinds_balanced([c for c in captured if len(c.rows) == 2], choreographed, share),
                0,
                speed,
                captioned=True,
                by_kind=True,
            )
            for captured, choreographed in (self.train, self.held_out)
        )
        return train, held_out


def load_material(
    sources: Sources, settings: DataSettings, paraphrases: Mapping[str, Sequence[str]], cache: Path
) -> Material:
    """Read the clips.

    Args:
        sources: where they are.
        settings: which of them.
        paraphrases: for captions of captured takes what they may be called.
        cache: a file for what is made of the captured takes.

    Raises:
        UserError: a folder cannot be read, or nothing is left to learn from or to measure on.
    """
    takes = [clip for clip in load_captured(sources.captured, cache).clips if _named(clip, settings.takes)]
    held_out = [clip for clip in takes if _named(clip, settings.held_out)]
    train = [clip for clip in takes if not _named(clip, settings.held_out)]
    if not train or not held_out:
        raise UserError(
            f"{sources.captured} has no takes for both learning and measuring; check 'takes' and 'held_out'."
        )
    stored = [] if sources.choreographed is None else load_choreographed(sources.choreographed)
    strange = set(settings.class_weights) - {clip.kind for clip in stored}
    if stored and strange:
        raise UserError(
            f"{sources.choreographed} has no kind named {', '.join(sorted(strange))}; correct [data.emphasis]."
        )
    return Material(
        (
            clips_from(train, paraphrases),
            [c for clip in stored if not clip.held_out for c in shown_both_ways(clip, settings)],
        ),
        (clips_from(held_out, paraphrases), [_choreographed(clip) for clip in stored if clip.held_out]),
        settings,
    )


def drawn_statistics(crops: Crops, path: Path) -> np.ndarray:
    """(2, 262) mean and spread, drawn once and kept in a file: a tokenizer and its transformer need the same."""
    if path.is_file():
        return np.asarray(np.load(path))
    values = statistics(crops, np.random.default_rng(0))
    keep_statistics(values, path)
    return values


def keep_statistics(values: np.ndarray, path: Path) -> None:
    """Write them, whole or not at all."""
    contents = io.BytesIO()
    np.save(contents, values)  # into a file, numpy writes by C functions whose failure on a full disk it ignores
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents.getvalue())


def _named(clip: CapturedClip, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(clip.take, pattern) for pattern in patterns)


def _choreographed(clip: StoredClip) -> Clip:
    """A clip with its story."""
    return Clip(clip.rows, clip.captions, event_span=_story(clip), kind=clip.kind)


def _story(clip: StoredClip) -> tuple[int, int]:
    """All contacts of a clip, or its middle half where it has none.

    A contact that is there in the first frame, or lasts to the last, counts from a quarter of the clip on, or to three
    quarters of it: other stretches of a dance in hold show one as well, and as a whole it would fit into no crop.
    """
    frames = clip.rows.shape[1]
    first, last = frames // 4, frames - frames // 4
    if not clip.schedule:
        return first, last
    starts = [contact.start or min(first, contact.stop - 1) for contact in clip.schedule]
    stops = [
        contact.stop if contact.stop < frames else max(last, min(contact.start + 1, frames))
        for contact in clip.schedule
    ]
    return min(starts), max(stops)


def shown_both_ways(clip: StoredClip, settings: DataSettings) -> tuple[Clip, Clip]:
    """A clip and its mirror image, in which left and right have changed places in the captions too, weighed."""
    shown = replace(_choreographed(clip), weight=settings.class_weights.get(clip.kind, 1.0))
    rows = np.stack([mirrored_features(person) for person in shown.rows])
    reflected = replace(shown, rows=rows, captions=tuple(mirrored_text(caption) for caption in shown.captions))
    hand = clip.schedule[0].part if clip.schedule else ""
    right = {"right_hand": settings.right_handed, "left_hand": 1 - settings.right_handed}.get(hand, 0.5)
    return replace(shown, weight=2 * right * shown.weight), replace(reflected, weight=2 * (1 - right) * shown.weight)


def _balanced(captured: list[Clip], choreographed: list[Clip], share: float) -> list[Clip]:
    """Both together, captured ones weighed so that they are ``share`` of what is drawn."""
    if not captured or not choreographed:
        return captured + choreographed
    drawn = [sum(clip.weight * clip.frames for clip in clips) for clips in (captured, choreographed)]
    weight = share / (1 - share) * drawn[1] / drawn[0]
    return [replace(clip, weight=weight) for clip in captured] + choreographed


def _kinds_balanced(captured: list[Clip], choreographed: list[Clip], share: float) -> list[Clip]:
    """Both together for crops that are drawn by kind, captured ones weighed so that they are ``share`` of them."""
    if not captured or not choreographed:
        return captured + choreographed
    weights: dict[str, list[float]] = {}
    for clip in choreographed:
        weights.setdefault(clip.kind, []).append(clip.weight)
    drawn = sum(sum(of_kind) / len(of_kind) for of_kind in weights.values())
    weight = share / (1 - share) * drawn / len({clip.kind for clip in captured})
    return [replace(clip, weight=weight) for clip in captured] + choreographed
