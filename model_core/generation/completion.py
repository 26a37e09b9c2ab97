"""Which tokens of a completion are free, and how generated motion is joined to the motion that is kept.

Every task is a completion. Generation from a text frees all tokens; a reaction keeps one person; an in-between frees a
range of time; an extension keeps the beginning; an edit of a body part frees parts of the map; a restyle frees the
tokens that the prompt makes least likely.

Words: ``known`` motion is given by the caller; ``free`` tokens are to be generated; ``kept`` frames, of which no token
is free, stay exactly as they are known.
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
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from .roles import Role

MIN_SEAM = 24
"""Shortest transition, in frames, from the position of the known motion to the path of the generated one."""
MAX_SEAM = 48
"""Longest transition, in frames; a larger distance takes longer, so that joints do not have to rush."""
CATCH_UP_SPEED = 0.5
"""Metres per second that a transition may add to the speed of a joint; more where ``MAX_SEAM`` or the end of the clip
shortens the transition."""
VELOCITY_SEAM = 8
"""Length, in frames, of the transition from the known motion's velocity to the generated one's."""


@dataclass(frozen=True)
class Window:
    """A range of frames of a clip that is sampled at once.

    Attributes:
        start, stop: its frames; ``start`` is a multiple of 4.
        overlap: frames at its beginning that exist already.
        exchanged: whether the second person takes the part of the first one.
        role: who of two people acts, of whom one or both are partly known; None where the prompt leaves it open.
    """

    start: int
    stop: int
    overlap: int
    exchanged: bool = False
    role: Role | None = None


def windows(
    frames: int, longest: int, done: int = 0, exchanged: bool = False, role: Role | None = None
) -> list[Window]:
    """Cut a clip into windows of at most ``longest`` frames, each overlapping the frames that exist before it.

    Args:
        frames: of the whole clip.
        longest: of a window.
        done: number of frames at the beginning that exist already.
        exchanged, role: see ``Window``.
    """
    overlap = longest * 3 // 8 // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    result = []
    while done < frames:
        start = max(0, done // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN - overlap) if done else 0
        stop = min(frames, start + longest)
        result.append(Window(start, stop, done - start, exchanged, role))
        done = stop
    return result


class WindowTask:
    """One window of a completion: its free tokens, its leader, and the assembly of its result.

    Attributes:
        window: its frames in the clip.
        free: (2, P, S) true for the tokens to fill in.
        kept: (2, T) true for frames that stay exactly as they are.
        partial: (2, T) true for frames of which only some body parts are regenerated.
        order: the indices of the two people, the leader of the window first.
        whole_people: whether, after the overlap, each person is either regenerated or kept as a whole.
        frames: T.
    """

    def __init__(self, free: np.ndarray, window: Window) -> None:
        self.window = window
        self.frames = window.stop - window.start
        self.free = free.copy()
        self.free[:, :, kept_columns(window.overlap, self.frames)] = False

        def by_frame(flags: np.ndarray) -> np.ndarray:
            return np.repeat(flags, FRAMES_PER_TOKEN, axis=1)[:, : self.frames]

        self.kept = by_frame(~self.free.any(1)) | (np.arange(self.frames) < window.overlap)
        self.partial = ~self.kept & ~by_frame(self.free.all(1))
        after_overlap = self.kept[:, window.overlap :]
        all_or_none = after_overlap.all(1) | ~after_overlap.any(1)
        self.whole_people = not self.partial.any() and bool(all_or_none.all())
        kept_start = ~self.free[:, :, 0].all(1)
        self.order = [1, 0] if kept_start[1] and not kept_start[0] else [0, 1]

    def canonical_transform(
        self, pair: Sequence[Motion | None], canonical: Callable[[Motion], CanonicalTransform]
    ) -> CanonicalTransform:
        """The transform into the canonical frame of the window's leader; the identity where the leader is unknown.

        A leader whose first frames are regenerated still starts where the known motion starts.
        """
        leader = pair[self.order[0]]
        return CanonicalTransform(0.0, np.zeros(3)) if leader is None else canonical(leader)

    def result(self, person: int, known: Motion | None, generated: Motion, reconstruction: Motion | None) -> Motion:
        """One person's frames of this window.

        Args:
            person: 0 or 1.
            known: the known motion of the person, or None.
            generated: decoded from the filled tokens, in the world.
            reconstruction: decoded from the known motion's own tokens; needed where ``partial`` is true.
        """
        if known is None:
            return generated
        kept, partial = self.kept[person], self.partial[person]
        if kept.all():
            return known
        if reconstruction is not None and partial.any():
            edited = apply_edit(generated, reconstruction, known)
            generated = edited if partial.all() else blend(generated, edited, partial)
        return blend(generated, known, kept) if kept.any() else generated


def all_free(frames: int) -> np.ndarray:
    """(2, P, S) free tokens of a clip that is generated as a whole: true everywhere."""
    return np.ones((2, PARTS, token_columns(frames)), dtype=bool)


def kept_columns(known_frames: int, total: int) -> np.ndarray:
    """(S,) true for the columns that known frames at the beginning fill, except the last such column.

    The encoding of that column depends on the padding after the known frames, so the column is regenerated.
    """
    count = max(known_frames // FRAMES_PER_TOKEN - 1, 0)
    return np.arange(token_columns(total)) < count


def blend(generated: Motion, known: Motion, kept: np.ndarray) -> Motion:
    """Join generated motion to the known motion of the kept frames, without a jump between them.

    Args:
        generated: (T) motion; used where ``kept`` is false.
        known: (T) motion; used where ``kept`` is true.
        kept: (T,) true for frames that stay exactly as they are known.

    Returns:
        (T) motion. At each seam it continues with the position and velocity of the known motion and reaches the path of
        the generated one in ``MIN_SEAM`` to ``MAX_SEAM`` frames.
    """
    with_root = generated.root_orientation is not None and known.root_orientation is not None
    joints, rotations = generated.joints.copy(), _rotations(generated, with_root)
    target = _rotations(known, with_root)
    position_gap = known.joints - generated.joints
    rotation_gap = quaternion_multiply(target, quaternion_conjugate(rotations))
    for start, stop in runs(~kept):
        for border, frames in ((start - 1, np.arange(start, stop)), (stop, np.arange(stop - 1, start - 1, -1))):
            if not 0 <= border < len(kept):
                continue
            inner = 2 * border - frames[0]  # one frame further inside the kept motion
            if not (0 <= inner < len(kept) and kept[inner]):
                inner = border
            distance = float(np.linalg.norm(position_gap[border], axis=-1).max())
            fade, velocity_fade = (values[:, None, None] for values in _fades(len(frames), distance, known.fps))
            gap_velocity = position_gap[border] - position_gap[inner]
            joints[frames] += fade * position_gap[border] + velocity_fade * gap_velocity
            gap_rotation = axis_angle_from_quaternion(rotation_gap[border])
            gap_angular_velocity = axis_angle_from_quaternion(
                quaternion_multiply(rotation_gap[border], quaternion_conjugate(rotation_gap[inner]))
            )
            correction = quaternion_from_axis_angle(fade * gap_rotation + velocity_fade * gap_angular_velocity)
            rotations[frames] = quaternion_multiply(correction, rotations[frames])
    joints[kept], rotations[kept] = known.joints[kept], target[kept]
    return _with_rotations(replace(generated, joints=joints, fps=known.fps), rotations, with_root)


def _fades(length: int, distance: float, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the position gap and of the gap's velocity at a border, in each of the next frames.

    Together they start with the known motion's position and velocity and end with the generated one's (Bollo 2018).

    Args:
        length: number of frames.
        distance: the largest position gap of a joint at the border, metres.
        fps: frames per second.

    Returns:
        (length,) each: the fraction of the position gap, and frames by which to multiply the velocity (metres per
        frame).
    """
    frames = np.arange(1, length + 1)
    slow = distance * fps * np.pi / 2 / CATCH_UP_SPEED  # frames in which the cosine's steepest slope is that speed
    fade = np.minimum(frames / (min(max(slow, MIN_SEAM), MAX_SEAM, length) + 1), 1)
    velocity_fade = np.minimum(frames / min(VELOCITY_SEAM, length + 1), 1)
    return np.cos(fade * np.pi / 2) ** 2, frames * (1 - velocity_fade) ** 2


def apply_edit(generated: Motion, reconstruction: Motion, known: Motion) -> Motion:
    """Apply to the known motion the change that an edit of its tokens makes.

    The tokenizer loses detail: the difference between ``known`` and ``reconstruction`` is added to ``generated``.

    Args:
        generated: (T) decoded from the edited tokens.
        reconstruction: (T) decoded from the known motion's own tokens.
        known: (T) the motion that is edited.
    """
    with_root = all(motion.root_orientation is not None for motion in (generated, reconstruction, known))
    residual = quaternion_multiply(
        _rotations(known, with_root), quaternion_conjugate(_rotations(reconstruction, with_root))
    )
    rotations = quaternion_multiply(residual, _rotations(generated, with_root))
    joints = generated.joints + known.joints - reconstruction.joints
    return _with_rotations(replace(generated, joints=joints), rotations, with_root)


def _rotations(motion: Motion, with_root: bool) -> np.ndarray:
    """(T, J - 1, 4) local rotations as quaternions; (T, J, 4) with the root's orientation first if ``with_root``."""
    if motion.rotations is None:
        raise ValueError("motions need local rotations to be joined")
    rotations = quaternion_from_matrix(motion.rotations)
    if not with_root or motion.root_orientation is None:
        return rotations
    return np.concatenate((quaternion_from_matrix(motion.root_orientation)[:, None], rotations), axis=1)


def _with_rotations(motion: Motion, rotations: np.ndarray, with_root: bool) -> Motion:
    """The motion with other rotations, as quaternions in the order of ``_rotations``."""
    matrices = matrix_from_quaternion(rotations)
    if not with_root:
        return replace(motion, rotations=matrices, root_orientation=None)
    return replace(motion, rotations=matrices[:, 1:], root_orientation=matrices[:, 0])


def with_segment(clip: Motion | None, segment: Motion, start: int, frames: int) -> Motion:
    """The clip with its frames from ``start`` on replaced by a segment.

    Without a clip, or where the segment fills it, the result is the segment, padded or trimmed to ``frames`` frames.
    """
    if clip is None or len(segment) == frames:
        return pad_or_trim(segment, frames)
    if segment.rotations is None or clip.rotations is None:
        raise ValueError("motions need local rotations to be joined")
    stop = start + len(segment)
    roots = None
    if clip.root_orientation is not None and segment.root_orientation is not None:
        roots = np.concatenate((clip.root_orientation[:start], segment.root_orientation, clip.root_orientation[stop:]))
    return replace(
        clip,
        joints=np.concatenate((clip.joints[:start], segment.joints, clip.joints[stop:])),
        rotations=np.concatenate((clip.rotations[:start], segment.rotations, clip.rotations[stop:])),
        root_orientation=roots,
    )


def pad_or_trim(motion: Motion, frames: int) -> Motion:
    """The motion cut to ``frames`` frames, or extended to them by repeating its last frame."""
    index = np.minimum(np.arange(frames), len(motion) - 1)
    return replace(
        motion,
        joints=motion.joints[index],
        rotations=None if motion.rotations is None else motion.rotations[index],
        root_orientation=None if motion.root_orientation is None else motion.root_orientation[index],
    )
