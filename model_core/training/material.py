"""Loads the clips of a training: captured takes and choreographed clips, for training and held out."""

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
from .crops import Clip, Crops, clips_from


@dataclass(frozen=True)
class DataSettings:
    """Which clips are used, and how often.

    Attributes:
        takes: patterns of names of captured takes (``60_*``).
        held_out: names or patterns of the takes that are held out.
        kinds: of the choreographed clips that are used; empty for all of the folder.
        lag: the canonical frame of a tokenizer's window lies up to this many frames before its first one.
        least_speed: lowest speed of captured crops for the transformer, the mean of all joints in metres per second.
        captured_share: fraction of captured windows for the tokenizer; the others are choreographed.
        captured_pairs_share: fraction of captured crops for the transformer, if every kind had crops of every length.
        right_handed: fraction of the choreographed clips starting with a hand contact in which it is the right hand.
        class_weights: frequencies of kinds of choreographed clips relative to the others.
    """

    takes: tuple[str, ...] = ("*",)
    held_out: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
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
        choreographed: the output of ``choreograph``; None for captured motion alone.
    """

    captured: Path
    choreographed: Path | None = None


@dataclass(frozen=True)
class Material:
    """Training clips and held-out clips.

    Attributes:
        train, held_out: captured clips with their mirror images, and choreographed ones.
        settings: how crops are drawn.
    """

    train: tuple[list[Clip], list[Clip]]
    held_out: tuple[list[Clip], list[Clip]]
    settings: DataSettings

    def windows(self) -> tuple[Crops, Crops]:
        """Crops of one or two people for the tokenizer: for training, and held out."""
        share, lag = self.settings.captured_share, self.settings.lag
        train, held_out = (Crops(_balanced(*clips, share), lag) for clips in (self.train, self.held_out))
        return train, held_out

    def pairs(self) -> tuple[Crops, Crops]:
        """Crops of two people that contain the event of their captions: for training, and held out."""
        share, speed = self.settings.captured_pairs_share, self.settings.least_speed
        train, held_out = (
            Crops(
                _kinds_balanced([c for c in captured if len(c.features) == 2], choreographed, share),
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
        sources: their folders.
        settings: which of them.
        paraphrases: replacements of captions of captured takes, by caption.
        cache: a file for the cleaned captured takes.

    Raises:
        UserError: a folder cannot be read, or no take is left to learn from or to hold out.
    """
    takes = [clip for clip in load_captured(sources.captured, cache).clips if _named(clip, settings.takes)]
    held_out = [clip for clip in takes if _named(clip, settings.held_out)]
    train = [clip for clip in takes if not _named(clip, settings.held_out)]
    if not train or not held_out:
        raise UserError(
            f"{sources.captured} has no takes to learn from, or none that are held out; check 'takes' and 'held_out'."
        )
    kinds = settings.kinds or None
    stored = [] if sources.choreographed is None else load_choreographed(sources.choreographed, kinds=kinds)
    found = {clip.kind for clip in stored}
    for table, named in (("kinds in [data]", settings.kinds), ("[data.class_weights]", settings.class_weights)):
        unknown = set(named) - found
        if stored and unknown:
            raise UserError(
                f"{sources.choreographed} has no kind named {', '.join(sorted(unknown))}; make its clips with "
                f"'choreograph --kinds', or correct {table}."
            )
    return Material(
        (
            clips_from(train, paraphrases),
            [c for clip in stored if not clip.held_out for c in both_sides(clip, settings)],
        ),
        (clips_from(held_out, paraphrases), [_choreographed(clip) for clip in stored if clip.held_out]),
        settings,
    )


def keep_statistics(values: np.ndarray, path: Path) -> None:
    """Write statistics (2, 262) to a ``.npy`` file, whole or not at all."""
    contents = io.BytesIO()
    np.save(contents, values)  # into a file, numpy writes by C functions whose failure on a full disk it ignores
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents.getvalue())


def _named(clip: CapturedClip, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(clip.take, pattern) for pattern in patterns)


def _choreographed(clip: StoredClip) -> Clip:
    """A clip with its event span."""
    return Clip(clip.features, clip.captions, event_span=_event_span(clip), kind=clip.kind)


def _event_span(clip: StoredClip) -> tuple[int, int]:
    """First frame and one past the last of a clip's contacts, or its middle half where it has none.

    A contact that exists in the first frame counts from the end of the first quarter on, and one that lasts to the end
    counts up to the last quarter: any part of a dance in hold shows the hold, and no crop would contain all of it.
    """
    frames = clip.features.shape[1]
    first, last = frames // 4, frames - frames // 4
    if not clip.schedule:
        return first, last
    starts = [contact.start or min(first, contact.stop - 1) for contact in clip.schedule]
    stops = [
        contact.stop if contact.stop < frames else max(last, min(contact.start + 1, frames))
        for contact in clip.schedule
    ]
    return min(starts), max(stops)


def both_sides(clip: StoredClip, settings: DataSettings) -> tuple[Clip, Clip]:
    """A clip and its mirror image, with left and right exchanged in the captions, weighted by ``right_handed``."""
    original = replace(_choreographed(clip), weight=settings.class_weights.get(clip.kind, 1.0))
    features = np.stack([mirrored_features(person) for person in original.features])
    captions = tuple(mirrored_text(caption) for caption in original.captions)
    reflected = replace(original, features=features, captions=captions)
    hand = clip.schedule[0].part if clip.schedule else ""
    right = {"right_hand": settings.right_handed, "left_hand": 1 - settings.right_handed}.get(hand, 0.5)
    return (
        replace(original, weight=2 * right * original.weight),
        replace(reflected, weight=2 * (1 - right) * reflected.weight),
    )


def _balanced(captured: list[Clip], choreographed: list[Clip], share: float) -> list[Clip]:
    """Both together, with captured ones weighted so that they are the fraction ``share`` of what is drawn."""
    if not captured or not choreographed:
        return captured + choreographed
    drawn = [sum(clip.weight * clip.frames for clip in clips) for clips in (captured, choreographed)]
    weight = share / (1 - share) * drawn[1] / drawn[0]
    return [replace(clip, weight=weight) for clip in captured] + choreographed


def _kinds_balanced(captured: list[Clip], choreographed: list[Clip], share: float) -> list[Clip]:
    """Both together for crops drawn by kind, with captured ones weighted to be the fraction ``share`` of them."""
    if not captured or not choreographed:
        return captured + choreographed
    weights: dict[str, list[float]] = {}
    for clip in choreographed:
        weights.setdefault(clip.kind, []).append(clip.weight)
    drawn = sum(sum(of_kind) / len(of_kind) for of_kind in weights.values())
    weight = share / (1 - share) * drawn / len({clip.kind for clip in captured})
    return [replace(clip, weight=weight) for clip in captured] + choreographed
