"""Random crops of captured clips as rows in a canonical frame: what a training step sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion import FPS
from ..motion.canonical import facing, mirrored, mirrored_text
from ..motion.representation import POSITIONS, VELOCITIES, WIDTH, rows_from_motion
from ..motion.rotations import about_y
from .captured import CapturedClip

_MOST_DRAWS = 50


@dataclass(frozen=True)
class Clip:
    """One take as rows in its own world, with its caption.

    Attributes:
        rows: (people, T, 262) float32, one or two people on a floor at Y = 0.
        caption: what it shows.
    """

    rows: np.ndarray
    caption: str

    @property
    def frames(self) -> int:
        """Rows in time."""
        return self.rows.shape[1]


def clips_from(captured: Sequence[CapturedClip]) -> list[Clip]:
    """Captured clips as rows, each followed by its mirror image."""
    clips = []
    for clip in captured:
        clips.append(Clip(np.stack([rows_from_motion(person) for person in clip.people]), clip.text))
        reflections = [rows_from_motion(mirrored(person)) for person in clip.people]
        clips.append(Clip(np.stack(reflections), mirrored_text(clip.text)))
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
    """Draws crops from clips in proportion to their length.

    Attributes:
        clips: the material.
        longest_lag: a crop's canonical frame is that of up to so many frames before it, as a window in the middle of
            a longer generation sees it.
        least_speed: crops in which the joints move less than this on average, metres a second, are drawn again: takes
            begin and end with people who wait, and a network that has seen much of that prefers to wait.
    """

    clips: Sequence[Clip]
    longest_lag: int = 0
    least_speed: float = 0.0

    def draw(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, str]:
        """One crop (people, frames, 262) in the frame of a random one of its people, who comes first, and its text."""
        for _ in range(_MOST_DRAWS):
            rows, caption = self._draw_any(random, frames)
            speed = np.linalg.norm(rows[..., VELOCITIES].reshape(-1, 3), axis=-1).mean() * FPS
            if speed >= self.least_speed:
                break
        return rows, caption

    def _draw_any(self, random: np.random.Generator, frames: int) -> tuple[np.ndarray, str]:
        usable = [clip for clip in self.clips if clip.frames >= frames]
        lengths = np.array([clip.frames - frames + 1 for clip in usable], dtype=np.float64)
        clip = usable[random.choice(len(usable), p=lengths / lengths.sum())]
        start = int(random.integers(clip.frames - frames + 1))
        first = int(random.integers(len(clip.rows)))
        anchor = start - int(random.integers(min(start, self.longest_lag) + 1))
        rows = turned_into_frame(clip.rows[:, anchor : start + frames], first, 0)[:, start - anchor :]
        return (rows if first == 0 else rows[::-1]), clip.caption


def statistics(crops: Crops, random: np.random.Generator, samples: int = 400, frames: int = 64) -> np.ndarray:
    """(2, 262) mean and spread of rows over random crops.

    The mean is a column's own; the spread is one for all columns of a group (positions, velocities, rotations), so
    that joints keep their proportions and a loss weighs a metre of the hand like a metre of the foot.
    """
    rows = np.concatenate([crops.draw(random, frames)[0].reshape(-1, WIDTH) for _ in range(samples)])
    mean = rows.mean(0)
    spread = np.ones(WIDTH, dtype=np.float32)
    for start, stop in ((0, 66), (66, 132), (132, 258)):
        spread[start:stop] = np.sqrt(((rows[:, start:stop] - mean[start:stop]) ** 2).mean())
    mean[258:] = 0
    return np.stack((mean, spread)).astype(np.float32)
