"""Random crops of captured clips as rows in a canonical frame: what a training step sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data.captured import CapturedClip
from ..motion import FPS
from ..motion.canonical import facing, mirrored, mirrored_text
from ..motion.representation import CONTACTS, POSITIONS, ROTATIONS, VELOCITIES, WIDTH, features_from_motion
from ..motion.rotations import about_y

_MOST_DRAWS = 50


@dataclass(frozen=True)
class Clip:
    """One take as rows in its own world, with its captions.

    Attributes:
        rows: (people, T, 262) float32, one or two people on a floor at Y = 0.
        captions: wordings, each of which says what it shows.
        weight: how often it is drawn, for its length, beside others.
        event_span: first frame and one past the last of the event in the captions (a handshake, a blow); None where
            any stretch shows it (a dance).
        kind: one name for what it shows, however it is worded.
    """

    rows: np.ndarray
    captions: tuple[str, ...]
    weight: float = 1.0
    event_span: tuple[int, int] | None = None
    kind: str = ""

    @property
    def frames(self) -> int:
        """Rows in time."""
        return self.rows.shape[1]


def clips_from(captured: Sequence[CapturedClip], paraphrases: Mapping[str, Sequence[str]] | None = None) -> list[Clip]:
    """Captured clips as rows, each followed by its mirror image; ``paraphrases`` stand for the captions they are of."""

    def captions(text: str) -> tuple[str, ...]:
        return tuple((paraphrases or {}).get(text, (text,)))

    clips = []
    for clip in captured:
        rows = [features_from_motion(person) for person in clip.people]
        clips.append(Clip(np.stack(rows), captions(clip.text), kind=clip.text))
        reflections = [features_from_motion(mirrored(person)) for person in clip.people]
        clips.append(Clip(np.stack(reflections), captions(mirrored_text(clip.text)), kind=clip.text))
    return clips


def turned_into_frame(rows: np.ndarray, person: int, frame: int) -> np.ndarray:
    """Rows (people, T, 262) in the canonical frame of ``person`` at ``frame``; heights stay as they are."""
    joints = rows[person, frame, POSITIONS].reshape(22, 3).astype(np.float64)
    turn = about_y(np.asarray(-facing(joints))).astype(np.float32)
    origin = joints[0].astype(np.float32) * np.array([1, 0, 1], np.float32)
    people, frames, _ = rows.shape
    result = rows.copy()
    positions = rows[..., POSITIONS].reshape(people, frames, 22, 3) - origin
    result[..., POSITIONS] = (positions @ turn.T).reshape(people, frames, -1)
    velocities = rows[..., VELOCITIES].reshape(people, frames, 22, 3)
    result[..., VELOCITIES] = (velocities @ turn.T).reshape(people, frames, -1)
    return result


@dataclass(frozen=True)
class Crops:
    """Draws crops from clips in proportion to their weight and length.

    Attributes:
        clips: the material.
        longest_lag: a crop's canonical frame is that of up to so many frames before it, as a window in the middle of
            a longer generation sees it.
        least_speed: crops of dances in which the joints move less than this on average, metres a second, are drawn
            again: takes begin and end with people who wait, and a network that has seen much of that prefers to wait.
        captioned: crops hold the clip's story, and at least ``least_share`` of a clip that has one.
        least_share: see ``captioned``.
        by_kind: all kinds that have a crop of some length come as often as each other at that length, times the mean
            weight of their clips, however many clips and frames they have.
    """

    clips: Sequence[Clip]
    longest_lag: int = 0
    least_speed: float = 0.0
    captioned: bool = False
    least_share: float = 0.7
    by_kind: bool = False
    _chances: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, compare=False, repr=False)

    def usable(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Which clips (N,) can give a crop of so many frames, and the summed weights (N,) up to each."""
        if frames not in self._chances:
            which = np.array([i for i, clip in enumerate(self.clips) if self._gives(clip, frames)], dtype=np.int64)
            self._chances[frames] = which, np.cumsum(self._weights([self.clips[i] for i in which]))
        return self._chances[frames]

    def _weights(self, clips: Sequence[Clip]) -> list[float]:
        """How often clips that can give a crop are drawn."""
        weights = [clip.weight * clip.frames for clip in clips]
        if not self.by_kind:
            return weights
        whole: Counter[str] = Counter()
        for clip in clips:
            whole[clip.kind] += clip.frames
        return [weight / whole[clip.kind] for weight, clip in zip(weights, clips, strict=True)]

    def _gives(self, clip: Clip, frames: int) -> bool:
        if clip.frames < frames:
            return False
        if not self.captioned or clip.event_span is None:
            return True
        return frames >= max(self.least_share * clip.frames, clip.event_span[1] - clip.event_span[0])

    def draw(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, Clip]:
        """One crop (people, frames, 262) in the frame of a random one of its people, who comes first, and its clip."""
        for _ in range(_MOST_DRAWS):
            rows, clip = self._draw_any(random, frames)
            speed = np.linalg.norm(rows[..., VELOCITIES].reshape(-1, 3), axis=-1).mean() * FPS
            if speed >= self.least_speed or clip.event_span is not None:
                break
        return rows, clip

    def _draw_any(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, Clip]:
        which, sums = self.usable(frames)
        clip = self.clips[which[np.searchsorted(sums, random.uniform(0, sums[-1]), side="right")]]
        first_start, last_start = 0, clip.frames - frames
        if self.captioned and clip.event_span is not None:
            first_start, last_start = max(0, clip.event_span[1] - frames), min(last_start, clip.event_span[0])
        start = int(random.integers(first_start, last_start + 1))
        first = int(random.integers(len(clip.rows)))
        anchor = start - int(random.integers(min(start, self.longest_lag) + 1))
        rows = turned_into_frame(clip.rows[:, anchor : start + frames], first, 0)[:, start - anchor :]
        return (rows if first == 0 else rows[::-1]), clip


def statistics(crops: Crops, random: np.random.Generator, samples: int = 400, frames: int = 64) -> np.ndarray:
    """(2, 262) mean and spread of rows over random crops.

    The mean is a column's own; the spread is one for all columns of a group (positions, velocities, rotations), so
    that joints keep their proportions and a loss weighs a metre of the hand like a metre of the foot.
    """
    rows = np.concatenate([crops.draw(random, frames)[0].reshape(-1, WIDTH) for _ in range(samples)])
    mean = rows.mean(0)
    spread = np.ones(WIDTH, dtype=np.float32)
    for columns in (POSITIONS, VELOCITIES, ROTATIONS):
        spread[columns] = np.sqrt(((rows[:, columns] - mean[columns]) ** 2).mean())
    mean[CONTACTS] = 0
    return np.stack((mean, spread)).astype(np.float32)
