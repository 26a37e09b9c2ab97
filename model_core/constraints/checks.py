"""Checks that constraints can be met. Each one that cannot be gives a sentence that names it.

The limits are those of real people: they refuse certain mistakes, not constraints that are merely hard to meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import UserError
from .contradictions import contradictions
from .limits import Items, Problem, out_of_reach, too_fast
from .released import with_released_limbs
from .types import Constraint, Constraints, TimingConstraint, frames_of, restricted
from .values import check_values
from .wording import FILE_WORDING, Wording


@dataclass(frozen=True)
class ClipLimits:
    """What of a clip decides which constraints it can meet.

    Attributes:
        frames: its length.
        held: (2, T) true for frames of a person that stay as they are: of a leader, and those that an edit keeps; None
            for none.
        parts: number of parts of the prompt; None if it is unknown.
        floor: height of the floor, metres.
    """

    frames: int
    held: np.ndarray | None = None
    parts: int | None = None
    floor: float = 0.0


def check(
    constraints: Constraints, clip: ClipLimits, partly: bool = False, wording: Wording = FILE_WORDING
) -> Constraints:
    """The constraints, if they can be met.

    Args:
        constraints: in the world coordinates of the clip.
        clip: the clip that should meet them.
        partly: leave out what cannot be met instead of raising an error; invalid values still raise one.
        wording: how sentences call constraints, people and frames.

    Returns:
        The constraints, with the limbs of poses released that pins have; with ``partly``, the parts that can be met.

    Raises:
        UserError: a constraint cannot be met; the sentence names it.
    """
    for number, item in enumerate(constraints):
        check_values(item, wording.label(item, number))
    items: list[Constraint | None] = list(with_released_limbs(constraints))
    stages: Sequence[Callable[[Items], Iterator[Problem]]] = (
        partial(_outside, clip=clip, wording=wording),
        partial(_on_held, clip=clip, wording=wording),
        partial(_parts_without_frames, clip=clip, wording=wording),
        partial(contradictions, wording=wording),
        partial(too_fast, wording=wording),
        partial(out_of_reach, floor=clip.floor, wording=wording),
    )
    for stage in stages:
        problems = list(stage(items))
        if problems and not partly:
            raise UserError(problems[0].sentence)
        for problem in problems:
            items[problem.number] = problem.remedy
    return Constraints(tuple(item for item in items if item is not None))


def _outside(items: Items, clip: ClipLimits, wording: Wording) -> Iterator[Problem]:
    for number, item in enumerate(items):
        if item is None:
            continue
        bound = frames_of(item)
        if bound[0] >= 0 and bound[-1] < clip.frames:
            continue
        first, last = wording.frame(bound[0]), wording.frame(bound[-1])
        where = f"frame {first}" if len(bound) == 1 else f"frames {first} to {last}"
        sentence = (
            f"{wording.label(item, number)} is at {where}, but the clip has the frames {wording.frame(0)} to "
            f"{wording.frame(clip.frames - 1)}; "
            "move it, or ask for a longer clip."
        )
        yield Problem(number, sentence, restricted(item, lambda frame: 0 <= frame < clip.frames))


def _on_held(items: Items, clip: ClipLimits, wording: Wording) -> Iterator[Problem]:
    if clip.held is None:
        return
    for number, item in enumerate(items):
        if item is None or isinstance(item, TimingConstraint):
            continue
        held = clip.held[item.person]
        bound = np.array(frames_of(item))
        if not held[bound].any():
            continue
        if held.all():
            sentence = (
                f"{wording.label(item, number)} is for {wording.people[item.person]}, whose motion is given and "
                f"stays; choose {wording.people[1 - item.person]}."
            )
        else:
            first = wording.frame(int(bound[held[bound]][0]))
            sentence = (
                f"{wording.label(item, number)} is at frame {first}, which is kept for {wording.people[item.person]}; "
                "choose frames that are generated."
            )
        yield Problem(number, sentence, _without_held(item, held))


def _without_held(item: Constraint, held: np.ndarray) -> Constraint | None:
    return restricted(item, lambda frame: not held[frame])


def _parts_without_frames(items: Items, clip: ClipLimits, wording: Wording) -> Iterator[Problem]:
    for number, item in enumerate(items):
        if not isinstance(item, TimingConstraint) or isinstance(item.event, str) or clip.parts is None:
            continue
        if item.event >= clip.parts:
            sentence = (
                f"{wording.label(item, number)} is for part {item.event} of the prompt, which has the parts 0 to "
                f"{clip.parts - 1}; choose one of them."
            )
            yield Problem(number, sentence, None)
        elif item.event == 0 and item.frame > 0:
            sentence = (
                f"{wording.label(item, number)} is for part 0 of the prompt, which begins at frame "
                f"{wording.frame(0)}; leave it out."
            )
            yield Problem(number, sentence, None)
        elif item.frame < item.event or clip.frames - item.frame < clip.parts - item.event:
            sentence = (
                f"{wording.label(item, number)} leaves no frame for a part of the prompt; choose a frame from "
                f"{wording.frame(item.event)} to {wording.frame(clip.frames - clip.parts + item.event)}."
            )
            yield Problem(number, sentence, None)
