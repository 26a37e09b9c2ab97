"""``--understood``: shows how the model understands each row's prompt, without generating anything."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import UserError
from ..generator.understanding import Understanding, UnderstoodPart, submit_understand, understanding_of
from .clip import BatchContext
from .jobs import Job

_LONGEST_CLIP = 60.0
"""Seconds; the times of all prompts fit."""
_EXAMPLE_SECONDS = 4.0
"""Length of the clip in the prompt that is suggested for several acts; its last part ends with any clip."""


def show_understood(context: BatchContext) -> int:
    """Show how each row's prompt is understood; the worker needs only the text encoder for it.

    Returns:
        The number of rows with an error.

    Raises:
        KeyboardInterrupt: a signal stopped the run.
    """
    console, jobs = context.console, context.options.jobs
    known, failed, words_error = 0, 0, ""
    for number, job in enumerate(jobs):
        context.stop.raise_if_requested()
        console.say(f"[{number + 1}/{len(jobs)}] {job.name}: {' '.join(job.prompt.split())}")
        try:
            answer = _understanding(job, context)
        except UserError as error:
            failed += 1
            console.warn(f"    failed: {error}")
            continue
        for line in part_lines(answer.parts, job.as_written) or _nearest_lines(answer):
            console.say(f"    {line}")
        known += bool(answer.parts) and all(part.known for part in answer.parts)
        if answer.words_error and answer.words_error != words_error:
            console.warn(f"    {answer.words_error} The words are not used.")
            words_error = answer.words_error
    console.say(f"{known} of {len(jobs)} known, {failed} failed; nothing was generated.")
    return failed


def _understanding(job: Job, context: BatchContext) -> Understanding:
    """The worker's answer about a row.

    Raises:
        UserError: the row or its prompt is wrong, or the worker cannot answer.
    """
    if job.error:
        raise UserError(job.error)
    options = context.options
    request = submit_understand(context.client, options.model, job.prompt, _LONGEST_CLIP, options.words)
    while not request.done:
        context.stop.raise_if_requested()
        context.client.pause()
    if request.reply is None:
        raise UserError(request.error or "The generator was stopped.")
    return understanding_of(request.reply.values)


def _nearest_lines(answer: Understanding) -> list[str]:
    """The lines for a model without a prompt classifier."""
    if not answer.nearest:
        return ["this model has no list of what it knows"]
    return [f"closest training caption, at a distance of {answer.distance:.2f}: {answer.nearest}"]


def part_lines(parts: Sequence[UnderstoodPart], as_written: bool) -> list[str]:
    """The lines that show how each part of a prompt is understood.

    Args:
        parts: of one prompt.
        as_written: whether the prompt is used as written.
    """
    lines = []
    for number, part in enumerate(parts, 1):
        place = f"part {number} " if len(parts) > 1 else ""
        if not part.known:
            others = ", ".join(match.caption for match in part.matches[1:])
            lines.append(f"{place}not in this model; closest: {part.description()} (next: {others})")
        elif as_written:
            lines.append(f"{place}used as written; closest: {part.description()}")
        else:
            lines.append(f"{place}understood as: {part.description()}")
            if part.acts:
                lines.append(f"{place}only the first act is used; for all of them: {part.timed_acts(_EXAMPLE_SECONDS)}")
        if part.names_more_than_two:
            lines.append(f"{place}two people are animated; the prompt names more")
    return lines
