"""Draws random crops of clips as feature vectors in a canonical frame: the input of a training step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data.captured import CapturedClip
from ..errors import UserError
from ..motion import FPS
from ..motion.canonical import facing, mirrored, mirrored_text
from ..motion.representation import CONTACTS, JOINTS, POSITIONS, ROTATIONS, VELOCITIES, WIDTH, features_from_motion
from ..motion.rotations import about_y

PAIR_LENGTHS = (88, 104, 120, 144, 168)
"""Usual lengths of crops of pairs, in frames: multiples of 8, about three to six seconds."""
_MOST_DRAWS = 50


@dataclass(frozen=True)
class Clip:
    """One take as feature vectors in its own world, with its captions.

    Attributes:
        features: (people, T, 262) float32, one or two people on a floor at Y = 0.
        captions: paraphrases, each of which describes the clip.
        weight: how often it is drawn relative to other clips of the same length.
        event_span: first frame and one past the last of the event in the captions (a handshake, a punch); None where
            any part of the clip shows it (a dance).
        kind: the name of what it shows, the same for all paraphrases.
    """

    features: np.ndarray
    captions: tuple[str, ...]
    weight: float = 1.0
    event_span: tuple[int, int] | None = None
    kind: str = ""

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return self.features.shape[1]


def clips_from(captured: Sequence[CapturedClip], paraphrases: Mapping[str, Sequence[str]] | None = None) -> list[Clip]:
    """Captured clips as feature vectors, each followed by its mirror image.

    Args:
        captured: clips of one or two people.
        paraphrases: replacements of the clips' captions, by caption.
    """

    def captions(text: str) -> tuple[str, ...]:
        return tuple((paraphrases or {}).get(text, (text,)))

    clips = []
    for clip in captured:
        features = [features_from_motion(person) for person in clip.people]
        clips.append(Clip(np.stack(features), captions(clip.text), kind=clip.text))
        reflections = [features_from_motion(mirrored(person)) for person in clip.people]
        clips.append(Clip(np.stack(reflections), captions(mirrored_text(clip.text)), kind=clip.text))
    return clips


def turned_into_frame(features: np.ndarray, person: int, frame: int) -> np.ndarray:
    """Features (people, T, 262) in the canonical frame of ``person`` at ``frame``; heights stay as they are."""
    joints = features[person, frame, POSITIONS].reshape(JOINTS, 3).astype(np.float64)
    turn = about_y(np.asarray(-facing(joints))).astype(np.float32)
    origin = joints[0].astype(np.float32) * np.array([1, 0, 1], np.float32)
    people, frames, _ = features.shape
    result = features.copy()
    positions = features[..., POSITIONS].reshape(people, frames, JOINTS, 3) - origin
    result[..., POSITIONS] = (positions @ turn.T).reshape(people, frames, -1)
    velocities = features[..., VELOCITIES].reshape(people, frames, JOINTS, 3)
    result[..., VELOCITIES] = (velocities @ turn.T).reshape(people, frames, -1)
    return result


@dataclass(frozen=True)
class Crops:
    """Draws crops from clips in proportion to their weight and length.

    Attributes:
        clips: the material.
        longest_lag: the canonical frame of a crop lies up to this many frames before its first one, as it does for a
            window in the middle of a longer generation.
        least_speed: crops without an event in which the joints move less than this on average, in metres per second,
            are drawn again: takes begin and end with people who wait, and a network trained on that prefers to wait.
        captioned: a crop contains the clip's event span, and at least ``least_share`` of a clip that has one.
        least_share: see ``captioned``.
        by_kind: all kinds that have a crop of a length are drawn equally often at that length, times the mean weight
            of their clips, whatever the number and length of their clips.
    """

    clips: Sequence[Clip]
    longest_lag: int = 0
    least_speed: float = 0.0
    captioned: bool = False
    least_share: float = 0.7
    by_kind: bool = False
    _chances: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, compare=False, repr=False)

    def usable(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices (N,) of the clips that have a crop of ``frames``, and their cumulative weights (N,)."""
        if frames not in self._chances:
            which = np.array([i for i, clip in enumerate(self.clips) if self._has_crop(clip, frames)], dtype=np.int64)
            self._chances[frames] = which, np.cumsum(self._weights([self.clips[i] for i in which]))
        return self._chances[frames]

    def _weights(self, clips: Sequence[Clip]) -> list[float]:
        """Relative frequencies of clips that have a crop."""
        weights = [clip.weight * clip.frames for clip in clips]
        if not self.by_kind:
            return weights
        frames: Counter[str] = Counter()
        for clip in clips:
            frames[clip.kind] += clip.frames
        return [weight / frames[clip.kind] for weight, clip in zip(weights, clips, strict=True)]

    def _has_crop(self, clip: Clip, frames: int) -> bool:
        if clip.frames < frames:
            return False
        if not self.captioned or clip.event_span is None:
            return True
        return frames >= max(self.least_share * clip.frames, clip.event_span[1] - clip.event_span[0])

    def draw(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, Clip]:
        """A crop (people, frames, 262) in the frame of a random person of it, who comes first, and its clip.

        Raises:
            UserError: no clip is long enough.
        """
        for _ in range(_MOST_DRAWS):
            features, clip = self._draw_any(random, frames)
            speed = np.linalg.norm(features[..., VELOCITIES].reshape(-1, 3), axis=-1).mean() * FPS
            if speed >= self.least_speed or clip.event_span is not None:
                break
        return features, clip

    def _draw_any(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, Clip]:
        which, sums = self.usable(frames)
        if not len(which):
            raise UserError(
                f"No clip has a crop of {frames} frames; choose other 'frames' or 'window' in the configuration, or "
                "longer motion."
            )
        clip = self.clips[which[np.searchsorted(sums, random.uniform(0, sums[-1]), side="right")]]
        first_start, last_start = 0, clip.frames - frames
        if self.captioned and clip.event_span is not None:
            first_start, last_start = max(0, clip.event_span[1] - frames), min(last_start, clip.event_span[0])
        start = int(random.integers(first_start, last_start + 1))
        first = int(random.integers(len(clip.features)))
        anchor = start - int(random.integers(min(start, self.longest_lag) + 1))
        features = turned_into_frame(clip.features[:, anchor : start + frames], first, 0)[:, start - anchor :]
        return (features if first == 0 else features[::-1]), clip


def statistics(crops: Crops, random: np.random.Generator, samples: int = 400, frames: int = 64) -> np.ndarray:
    """(2, 262) mean and standard deviation of the features over random crops.

    Each feature has its own mean; the deviation is shared by a group (positions, velocities, rotations), so that joints
    keep their proportions and a loss weighs a metre of the hand like a metre of the foot.
    """
    features = np.concatenate([crops.draw(random, frames)[0].reshape(-1, WIDTH) for _ in range(samples)])
    mean = features.mean(0)
    deviation = np.ones(WIDTH, dtype=np.float32)
    for group in (POSITIONS, VELOCITIES, ROTATIONS):
        deviation[group] = np.sqrt(((features[:, group] - mean[group]) ** 2).mean())
    mean[CONTACTS] = 0
    return np.stack((mean, deviation)).astype(np.float32)
