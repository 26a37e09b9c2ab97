"""What is known and what is free in a completion, and how new motion is joined to the motion that stays.

Every task is one of these: a text alone frees everything; a reaction holds one person; an in-between frees a range of
time; an extension holds the end; a body part frees rows of the map; a restyle frees what suits a prompt least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion import Motion
from ..motion.canonical import CanonicalTransform
from ..motion.rotations import (
    axis_angle_from_quaternion,
    matrix_from_quaternion,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    quaternion_multiply,
)
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS

SEAM = 24
"""Frames in which new motion settles from where the old one stood to its own path, at least."""
LONGEST_SEAM = 48
"""The same, at most: what is further apart takes longer, so that nobody has to hurry."""
CATCHING_UP = 0.5
"""Metres a second that settling may add to what a joint does, where the frames suffice for it."""
CHANGING_PACE = 8
"""Frames in which new motion goes over from the old one's velocity to its own."""


def columns(frames: int) -> int:
    """Columns of the token map of so many frames."""
    return -(-frames // FRAMES_PER_TOKEN)


@dataclass(frozen=True)
class Window:
    """A stretch of a long clip that is sampled at once.

    Attributes:
        start, stop: its frames; ``start`` is a multiple of 4.
        overlap: frames at its beginning that the windows before it have made.
    """

    start: int
    stop: int
    overlap: int


def windows(frames: int, longest: int, begun: int = 0) -> list[Window]:
    """Cut what is to be made into windows of at most ``longest`` frames, each overlapping what is there before it.

    Args:
        frames: of the whole clip.
        longest: of a window.
        begun: frames at the beginning that are there already.
    """
    overlap = longest * 3 // 8 // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    result, done = [], begun
    while done < frames:
        start = max(0, done // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN - overlap) if done else 0
        stop = min(frames, start + longest)
        result.append(Window(start, stop, done - start))
        done = stop
    return result


class WindowTask:
    """One window of a completion: what is free in it, who leads, and how its result comes together.

    Attributes:
        window: its frames in the clip.
        free: (2, P, S) true for the tokens to fill in.
        held: (2, T) true for the frames that stay exactly as they are.
        partly: (2, T) true for known frames of which only some body parts are made anew.
        order: the two people, the one who leads the window first.
        whole: whether each person is made anew or held as a whole, but for what earlier windows have made.
        frames: T.
    """

    def __init__(self, free: np.ndarray, window: Window) -> None:
        self.window = window
        self.frames = window.stop - window.start
        self.free = free.copy()
        self.free[:, :, held_columns(window.overlap, self.frames)] = False

        def by_frame(flags: np.ndarray) -> np.ndarray:
            return np.repeat(flags, FRAMES_PER_TOKEN, axis=1)[:, : self.frames]

        self.held = by_frame(~self.free.any(1)) | (np.arange(self.frames) < window.overlap)
        self.partly = ~self.held & ~by_frame(self.free.all(1))
        later = self.held[:, window.overlap :]
        self.whole = not self.partly.any() and bool((later.all(1) | ~later.any(1)).all())
        begins = ~self.free[:, :, 0].all(1)
        self.order = [1, 0] if begins[1] and not begins[0] else [0, 1]

    def canonical_transform(
        self, pair: Sequence[Motion | None], canonical: Callable[[Motion], CanonicalTransform]
    ) -> CanonicalTransform:
        """The transform into the canonical frame of the window's leader; the identity where the leader is unknown.

        A leader whose beginning is regenerated still starts where the known motion starts.
        """
        leader = pair[self.order[0]]
        return CanonicalTransform(0.0, np.zeros(3)) if leader is None else canonical(leader)

    def result(self, person: int, known: Motion | None, made: Motion, before: Motion | None) -> Motion:
        """One person's frames of this window.

        Args:
            person: 0 or 1.
            known: what was known of the person, if anything.
            made: decoded from the filled tokens, in the world.
            before: decoded from the known motion's own tokens, where ``partly`` has frames.
        """
        if known is None:
            return made
        if self.held[person].all():
            return known
        if before is not None and self.partly[person].any():
            changed = edited(made, before, known)
            made = blend(made, changed, self.partly[person]) if not self.partly[person].all() else changed
        return blend(made, known, self.held[person]) if self.held[person].any() else made


def free_everything(frames: int) -> np.ndarray:
    """(2, P, S) true everywhere."""
    return np.ones((2, PARTS, columns(frames)), dtype=bool)


def held_columns(frames_known: int, total: int) -> np.ndarray:
    """(S,) true for the columns that known frames at the beginning fill, but for the last of these.

    That one has seen the padding behind it when it was encoded, and is better made anew.
    """
    count = max(frames_known // FRAMES_PER_TOKEN - 1, 0)
    return np.arange(columns(total)) < count


def blend(made: Motion, known: Motion, held: np.ndarray) -> Motion:
    """New motion where it is wanted and the known one elsewhere, without a jump between them.

    Args:
        made: (T) decoded motion.
        known: (T) the motion that stays; where ``held`` is false it does not matter.
        held: (T,) true for the frames that stay exactly as they are.

    Returns:
        (T) motion. At each seam it goes on from where the known one stands and as fast, and settles to the new one's
        own path in ``SEAM`` to ``LONGEST_SEAM`` frames.
    """
    rooted = made.root_orientation is not None and known.root_orientation is not None
    joints, turns, wanted = made.joints.copy(), _turns(made, rooted), _turns(known, rooted)
    shifts = known.joints - made.joints
    apart = quaternion_multiply(wanted, quaternion_conjugate(turns))
    for start, stop in _stretches(~held):
        for border, frames in ((start - 1, np.arange(start, stop)), (stop, np.arange(stop - 1, start - 1, -1))):
            if not 0 <= border < len(held):
                continue
            before = 2 * border - frames[0]  # further inside the known motion
            if not (0 <= before < len(held) and held[before]):
                before = border
            distance = float(np.linalg.norm(shifts[border], axis=-1).max())
            settling, changing = (fade[:, None, None] for fade in _fades(len(frames), distance * known.fps))
            joints[frames] += settling * shifts[border] + changing * (shifts[border] - shifts[before])
            turned = quaternion_multiply(apart[border], quaternion_conjugate(apart[before]))
            turn = settling * axis_angle_from_quaternion(apart[border]) + changing * axis_angle_from_quaternion(turned)
            turns[frames] = quaternion_multiply(quaternion_from_axis_angle(turn), turns[frames])
    joints[held], turns[held] = known.joints[held], wanted[held]
    return _turned(replace(made, joints=joints, fps=known.fps), turns, rooted)


def _fades(length: int, hurry: float) -> tuple[np.ndarray, np.ndarray]:
    """How much of a difference at a border is left in each of the next frames, and of the pace at which it grew.

    Together they begin with the known motion's place and pace and end with the new one's (Bollo 2018).

    Args:
        length: frames to fade in.
        hurry: the difference, in metres a second if it went within one frame.

    Returns:
        (length,) each.
    """
    frames = np.arange(1, length + 1)
    slow = hurry * np.pi / 2 / CATCHING_UP  # frames in which a cosine's steepest slope is that speed
    settling = np.minimum(frames / (min(max(slow, SEAM), LONGEST_SEAM, length) + 1), 1)
    changing = np.minimum(frames / min(CHANGING_PACE, length + 1), 1)
    return np.cos(settling * np.pi / 2) ** 2, frames * (1 - changing) ** 2


def edited(made: Motion, before: Motion, known: Motion) -> Motion:
    """The known motion with what an edit of its tokens changed.

    Args:
        made: (T) decoded from the edited tokens.
        before: (T) decoded from the known motion's own tokens: what it differs from ``known`` by, tokens cannot say.
        known: (T) the motion that was edited.
    """
    rooted = all(motion.root_orientation is not None for motion in (made, before, known))
    lost = quaternion_multiply(_turns(known, rooted), quaternion_conjugate(_turns(before, rooted)))
    turns = quaternion_multiply(lost, _turns(made, rooted))
    joints = made.joints + known.joints - before.joints
    return _turned(replace(made, joints=joints), turns, rooted)


def _turns(motion: Motion, rooted: bool) -> np.ndarray:
    """(T, J - 1, 4) local rotations as quaternions; (T, J, 4) with the root's orientation first where ``rooted``."""
    if motion.rotations is None:
        raise ValueError("motions are joined by their local rotations too")
    turns = quaternion_from_matrix(motion.rotations)
    if not rooted or motion.root_orientation is None:
        return turns
    return np.concatenate((quaternion_from_matrix(motion.root_orientation)[:, None], turns), axis=1)


def _turned(motion: Motion, turns: np.ndarray, rooted: bool) -> Motion:
    """The motion with the rotations that ``_turns`` gave, changed."""
    matrices = matrix_from_quaternion(turns)
    if not rooted:
        return replace(motion, rotations=matrices, root_orientation=None)
    return replace(motion, rotations=matrices[:, 1:], root_orientation=matrices[:, 0])


def _stretches(flags: np.ndarray) -> list[tuple[int, int]]:
    """The stretches (start, stop) in which flags (T,) are true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(int), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def pasted(whole: Motion | None, part: Motion, start: int, frames: int) -> Motion:
    """``part`` put into ``whole`` from frame ``start`` on, the result ``frames`` long; None takes the part alone."""
    if whole is None or len(part) == frames:
        return pad_or_trim(part, frames)
    if part.rotations is None or whole.rotations is None:
        raise ValueError("motions are joined by their local rotations too")
    stop = start + len(part)
    roots = None
    if whole.root_orientation is not None and part.root_orientation is not None:
        roots = np.concatenate((whole.root_orientation[:start], part.root_orientation, whole.root_orientation[stop:]))
    return replace(
        whole,
        joints=np.concatenate((whole.joints[:start], part.joints, whole.joints[stop:])),
        rotations=np.concatenate((whole.rotations[:start], part.rotations, whole.rotations[stop:])),
        root_orientation=roots,
    )


def pad_or_trim(motion: Motion, frames: int) -> Motion:
    """The motion cut or its last frame repeated to so many frames."""
    index = np.minimum(np.arange(frames), len(motion) - 1)
    return replace(
        motion,
        joints=motion.joints[index],
        rotations=None if motion.rotations is None else motion.rotations[index],
        root_orientation=None if motion.root_orientation is None else motion.root_orientation[index],
    )
