"""Prompts with times in them: "0-4 s: they bow; 4-10 s: they fight"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UserError

_TIMED = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(?:-|to)\s*(\d+(?:\.\d+)?)\s*s(?:econds)?\s*:\s*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Segment:
    """What happens until a frame.

    Attributes:
        prompt: what the two people do.
        stop: the first frame that is not part of it.
    """

    prompt: str
    stop: int


def segments(prompt: str, frames: int, fps: float) -> list[Segment]:
    """The parts of a prompt: one for a plain sentence, several where every part begins with its seconds.

    Args:
        prompt: as the user wrote it.
        frames: of the whole clip; the last part goes on to its end.
        fps: frames a second.

    Raises:
        UserError: nothing is said, or the times leave gaps, overlap or go beyond the clip.
    """
    if not prompt.strip():
        raise UserError("The prompt is empty; say in a sentence what the two people do.")
    parts = [part for part in prompt.split(";") if part.strip()]
    matches = [_TIMED.match(part) for part in parts]
    if matches[0] is None:
        return [Segment(prompt.strip(), frames)]
    result, done = [], 0.0
    for part, match in zip(parts, matches, strict=True):
        if match is None or not match[3].strip():
            raise UserError(f"The part '{part.strip()}' of the prompt has no time or no text; write '4-8 s: they bow'.")
        start, stop = float(match[1]), float(match[2])
        if abs(start - done) > 1e-6 or stop <= start:
            raise UserError(
                f"The part '{part.strip()}' of the prompt should begin at {done:g} s and end later; "
                "write the parts one after the other, without gaps."
            )
        result.append(Segment(match[3].strip(), round(stop * fps)))
        done = stop
    if any(segment.stop >= frames for segment in result[:-1]) or result[-1].stop > frames + fps / 2:
        raise UserError(f"The prompt's parts last {done:g} s and the clip {frames / fps:g} s; make it longer.")
    return [*result[:-1], Segment(result[-1].prompt, frames)]
