"""What of a generation decides which constraints can be met, and the tokens that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..constraints import ClipLimits, Constraints, Targets, TimingConstraint, check
from ..constraints.types import FIRST_CONTACT
from ..motion import FPS, Motion
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from .prompts import segments


def checked(
    constraints: Constraints | None,
    prompts: Sequence[str],
    frames: int,
    known: Sequence[Motion | None] = (),
    free: np.ndarray | None = None,
    fixed_frames: int = 0,
    partly: bool = False,
) -> Constraints | None:
    """The constraints of a generation, if it can meet them.

    Args:
        constraints: in the world of the clip.
        prompts: of the clip, or of all clips of a batch.
        frames: of the clip.
        known: the given motion; its lowest joint is on the floor. Without any the floor is at 0.
        free: (2, P, S) true for the tokens that are filled in; None for all.
        fixed_frames: number of frames at the beginning that stay for both people.
        partly: leave out what cannot be met, instead of raising an error.

    Returns:
        None if there are none, or none that can be met.

    Raises:
        UserError: one cannot be met; a prompt is empty, or its times do not fit.
    """
    if not constraints:
        return None
    held = held_frames(frames, free, fixed_frames)
    heights = [float(person.joints[..., 1].min()) for person in known if person is not None]
    parts = min(len(segments(prompt, frames, FPS)) for prompt in prompts)
    return check(constraints, ClipLimits(frames, held, parts, min(heights, default=0.0)), partly) or None


def held_frames(frames: int, free: np.ndarray | None = None, fixed_frames: int = 0) -> np.ndarray:
    """(2, T) true for the frames of each person that stay as they are; arguments as in ``checked``."""
    held = np.zeros((2, frames), dtype=bool)
    if free is not None:
        held |= np.repeat(~free.any(1), FRAMES_PER_TOKEN, axis=1)[:, :frames]
    held[:, :fixed_frames] = True
    return held


def part_frames(constraints: Constraints | None) -> dict[int, int]:
    """The frame at which a part of the prompt is to begin, by its index."""
    timings = [item for item in constraints or () if isinstance(item, TimingConstraint) and item.weight > 0]
    return {item.event: item.frame for item in timings if isinstance(item.event, int)}


def targets_of_part(targets: Targets | None, start: int, stop: int) -> Targets | None:
    """The targets of the frames of a part, counted from its beginning; None if there are none.

    The frames at which parts begin are no targets: the parts have them already.
    """
    if targets is None:
        return None
    own = targets.between(start, stop)
    own = replace(own, timings=tuple(timing for timing in own.timings if timing.event == FIRST_CONTACT))
    return own if own.any() else None


def bound_frames(targets: Targets) -> np.ndarray:
    """(2, T) true for the frames in which targets bind a person, blends included."""
    bound = (targets.ground_weight > 0) | (targets.heading_weight > 0)
    for weight in (targets.joint_weight, targets.rotation_weight, targets.shape_weight):
        bound |= weight.any(-1)
    for contact in targets.contacts:
        bound[contact.person] |= contact.weight > 0
    return bound


def bound_tokens(constraints: Constraints, frames: int) -> np.ndarray:
    """(2, P, S) true for all tokens of a person in the frames that a constraint binds, its blends included."""
    bound = bound_frames(Targets.of(constraints, frames))
    columns = token_columns(frames)
    padded = np.zeros((2, columns * FRAMES_PER_TOKEN), dtype=bool)
    padded[:, :frames] = bound
    by_column = padded.reshape(2, 1, columns, FRAMES_PER_TOKEN).any(-1)
    return np.broadcast_to(by_column, (2, PARTS, columns)).copy()
