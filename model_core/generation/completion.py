"""Known and free tokens of a completion, and how new motion is joined to the motion that stays.

Every task is a completion: a text alone frees everything; a reaction keeps one person; an in-between frees a range of
time; an extension keeps the beginning; a body part frees parts of the map; a restyle frees what suits a prompt least.
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
from ..motion.runs import runs
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS

MIN_SEAM = 24
"""Shortest transition, in frames, from the position of the old motion to the path of the new one."""
MAX_SEAM = 48
"""Longest transition; a larger distance takes longer, so that joints do not have to rush."""
CATCH_UP_SPEED = 0.5
"""Metres per second that a transition may add to the speed of a joint; more where ``MAX_SEAM`` or the clip's end
shortens it."""
VELOCITY_SEAM = 8
"""Frames of the transition from the old motion's velocity to the new one's."""


def columns(frames: int) -> int:
    """Number of columns of a token map of ``frames`` frames."""
    return -(-frames // FRAMES_PER_TOKEN)


@dataclass(frozen=True)
class Window:
    """A part of a long clip that is sampled at once.

    Attributes:
        start, stop: its frames; ``start`` is a multiple of 4.
        overlap: frames at its beginning that exist already.
    """

    start: int
    stop: int
    overlap: int


def windows(frames: int, longest: int, done: int = 0) -> list[Window]:
    """Cut a clip into windows of at most ``longest`` frames, each overlapping the frames that exist before it.

    Args:
        frames: of the whole clip.
        longest: of a window.
        done: number of frames at the beginning that exist already.
    """
    overlap = longest * 3 // 8 // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    result = []
    while done < frames:
        start = max(0, done // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN - overlap) if done else 0
        stop = min(frames, start + longest)
        result.append(Window(start, stop, done - start))
        done = stop
    return result


class WindowTask:
    """One window of a completion: its free tokens, its leader, and the assembly of its result.

    Attributes:
        window: its frames in the clip.
        free: (2, P, S) true for the tokens to fill in.
        held: (2, T) true for frames that stay exactly as they are.
        partly: (2, T) true for known frames of which only some body parts are regenerated.
        order: the indices of the two people, the leader of the window first.
        whole: whether each person is regenerated or held as a whole after the window's overlap.
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
        known_start = ~self.free[:, :, 0].all(1)
        self.order = [1, 0] if known_start[1] and not known_start[0] else [0, 1]

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
            known: the known motion of the person, or None.
            made: decoded from the filled tokens, in the world.
            before: decoded from the known motion's own tokens, where ``partly`` has frames.
        """
        if known is None:
            return made
        if self.held[person].all():
            return known
        if before is not None and self.partly[person].any():
            changed = apply_edit(made, before, known)
            made = blend(made, changed, self.partly[person]) if not self.partly[person].all() else changed
        return blend(made, known, self.held[person]) if self.held[person].any() else made


def free_everything(frames: int) -> np.ndarray:
    """(2, P, S) true everywhere."""
    return np.ones((2, PARTS, columns(frames)), dtype=bool)


def held_columns(frames_known: int, total: int) -> np.ndarray:
    """(S,) true for the columns that are filled by known frames at the beginning, except the last of these.

    The padding after the known frames influenced the encoding of that one, so it is regenerated.
    """
    count = max(frames_known // FRAMES_PER_TOKEN - 1, 0)
    return np.arange(columns(total)) < count


def blend(made: Motion, known: Motion, held: np.ndarray) -> Motion:
    """New motion at free frames and known motion at held ones, without a jump between them.

    Args:
        made: (T) decoded motion.
        known: (T) the motion that stays; ignored where ``held`` is false.
        held: (T,) true for frames that stay exactly as they are.

    Returns:
        (T) motion. At each seam it continues with the position and velocity of the known motion and reaches the path of
        the new one in ``MIN_SEAM`` to ``MAX_SEAM`` frames.
    """
    rooted = made.root_orientation is not None and known.root_orientation is not None
    joints, turns, wanted = made.joints.copy(), _rotations(made, rooted), _rotations(known, rooted)
    shifts = known.joints - made.joints
    apart = quaternion_multiply(wanted, quaternion_conjugate(turns))
    for start, stop in runs(~held):
        for border, frames in ((start - 1, np.arange(start, stop)), (stop, np.arange(stop - 1, start - 1, -1))):
            if not 0 <= border < len(held):
                continue
            before = 2 * border - frames[0]  # further inside the known motion
            if not (0 <= before < len(held) and held[before]):
                before = border
            distance = float(np.linalg.norm(shifts[border], axis=-1).max())
            fade, velocity_fade = (values[:, None, None] for values in _fades(len(frames), distance * known.fps))
            joints[frames] += fade * shifts[border] + velocity_fade * (shifts[border] - shifts[before])
            turned = quaternion_multiply(apart[border], quaternion_conjugate(apart[before]))
            turn = fade * axis_angle_from_quaternion(apart[border]) + velocity_fade * axis_angle_from_quaternion(turned)
            turns[frames] = quaternion_multiply(quaternion_from_axis_angle(turn), turns[frames])
    joints[held], turns[held] = known.joints[held], wanted[held]
    return _with_rotations(replace(made, joints=joints, fps=known.fps), turns, rooted)


def _fades(length: int, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the position and the velocity difference at a border that remain in each of the next frames.

    Together they start with the known motion's position and velocity and end with the new one's (Bollo 2018).

    Args:
        length: number of frames.
        speed: the position difference per frame duration, metres per second.

    Returns:
        (length,) each.
    """
    frames = np.arange(1, length + 1)
    slow = speed * np.pi / 2 / CATCH_UP_SPEED  # frames for which the steepest slope of the cosine is that speed
    fade = np.minimum(frames / (min(max(slow, MIN_SEAM), MAX_SEAM, length) + 1), 1)
    velocity_fade = np.minimum(frames / min(VELOCITY_SEAM, length + 1), 1)
    return np.cos(fade * np.pi / 2) ** 2, frames * (1 - velocity_fade) ** 2


def apply_edit(made: Motion, before: Motion, known: Motion) -> Motion:
    """The known motion with what an edit of its tokens changed.

    Args:
        made: (T) decoded from the edited tokens.
        before: (T) decoded from the known motion's own tokens; tokens cannot express its difference from ``known``.
        known: (T) the motion that was edited.
    """
    rooted = all(motion.root_orientation is not None for motion in (made, before, known))
    lost = quaternion_multiply(_rotations(known, rooted), quaternion_conjugate(_rotations(before, rooted)))
    turns = quaternion_multiply(lost, _rotations(made, rooted))
    joints = made.joints + known.joints - before.joints
    return _with_rotations(replace(made, joints=joints), turns, rooted)


def _rotations(motion: Motion, rooted: bool) -> np.ndarray:
    """(T, J - 1, 4) local rotations as quaternions; (T, J, 4) with the root's orientation first where ``rooted``."""
    if motion.rotations is None:
        raise ValueError("motions need local rotations to be joined")
    turns = quaternion_from_matrix(motion.rotations)
    if not rooted or motion.root_orientation is None:
        return turns
    return np.concatenate((quaternion_from_matrix(motion.root_orientation)[:, None], turns), axis=1)


def _with_rotations(motion: Motion, turns: np.ndarray, rooted: bool) -> Motion:
    """The motion with other rotations, as quaternions in the order of ``_rotations``."""
    matrices = matrix_from_quaternion(turns)
    if not rooted:
        return replace(motion, rotations=matrices, root_orientation=None)
    return replace(motion, rotations=matrices[:, 1:], root_orientation=matrices[:, 0])


def pasted(whole: Motion | None, part: Motion, start: int, frames: int) -> Motion:
    """``whole`` with ``part`` from frame ``start`` on, padded to ``frames`` frames; without ``whole`` only the part."""
    if whole is None or len(part) == frames:
        return pad_or_trim(part, frames)
    if part.rotations is None or whole.rotations is None:
        raise ValueError("motions need local rotations to be joined")
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
    """The motion cut, or extended by its last frame, to ``frames`` frames."""
    index = np.minimum(np.arange(frames), len(motion) - 1)
    return replace(
        motion,
        joints=motion.joints[index],
        rotations=None if motion.rotations is None else motion.rotations[index],
        root_orientation=None if motion.root_orientation is None else motion.root_orientation[index],
    )
