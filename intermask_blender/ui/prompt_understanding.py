"""How the model understands the panel's prompt: asked of the generator when the prompt changes, and shown in lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core import UserError
from ..generator.client import Request, WorkerClient
from ..generator.generation import MAX_PROMPT_LENGTH
from ..generator.understanding import (
    SECOND_ACTS,
    Match,
    Understanding,
    UnderstoodPart,
    submit_understand,
    understanding_of,
)
from ..scene.markers import timed_prompt
from ..translations import tr
from ..translations.core_errors import tr_error
from .model_list import ModelList, model_list
from .preferences import runtime_problem
from .services import running_client, worker_client
from .session import redraw_sidebars, session
from .user_words import words_path, words_stamp

POLL_INTERVAL = 0.02
"""Seconds between two checks whether the generator has answered: an answer takes about a tenth of a second."""

WATCH_INTERVAL = 2.0
"""Seconds between two checks whether the user's ``words.json`` has changed."""

LONGEST = 60.0
"""Seconds: no clip is longer, so all times that a prompt may hold fit."""

ALIKE, UNLIKE = 0.3, 0.55
"""Distances, 1 - cosine of all-MiniLM-L6-v2's vectors, of models without a prompt classifier. Of the choreographed
captions that were held out 99 in 100 lie within 0.2 of one that was not; "two people ride bicycles" lies 0.5 from all
of them, "a man cooks dinner" 0.85."""

MOST_PARTS = 6
"""Parts of a prompt that get a line each; of more, only those that the model does not know."""

Key = tuple[str, str]
"""The model's folder and the prompt, markers included. A prompt that is used as written has the same answer."""

Line = tuple[str, str]
"""A text, translated, and an icon's name."""


@dataclass
class Question:
    """A question that the generator has not answered.

    Attributes:
        key: the model's folder and the prompt.
        request: sent to the generator.
    """

    key: Key
    request: Request


def ask(context: bpy.types.Context, start: bool = False) -> None:
    """Ask the generator how the model understands the scene's prompt. The answer comes later.

    Args:
        context: whose scene has the prompt.
        start: start the generator's process if it does not run and PyTorch is installed.
    """
    if bpy.app.background:  # there is no panel, and no event loop for the answer
        return
    current = session()
    _forget_if_words_changed()
    key = _key_among(model_list(context), context)
    if key is None or key in current.understood or any(question.key == key for question in current.questions):
        return
    client = running_client() or (_started_client(context) if start else None)
    if client is None:
        return
    try:
        request = submit_understand(client, Path(key[0]), key[1], LONGEST, words_path())
    except UserError:
        return  # Generate reports why the process does not start
    current.questions.append(Question(key, request))
    current.start_timer(_collect_answers, POLL_INTERVAL)
    current.start_timer(_watch_words, WATCH_INTERVAL)
    redraw_sidebars(context)


def _started_client(context: bpy.types.Context) -> WorkerClient | None:
    """The client whose process the next request starts; None without PyTorch, or while it is being installed."""
    if session().job is not None or runtime_problem(context):
        return None
    return worker_client(context)


def panel_lines(context: bpy.types.Context) -> tuple[list[Line], tuple[Match, ...]]:
    """What the panel says of the prompt, and the kinds that it offers; nothing where there is nothing to say.

    A prompt that the model does not list itself and that has not been checked is said to be unchecked. Panels ask at
    every redraw, so nothing is read or computed here.
    """
    settings, models = context.scene.intermask, model_list(context)
    key = _key_among(models, context)
    if key is None:
        return [], ()
    if (answer := session().understood.get(key)) is not None:
        return answer_lines(answer, settings.as_written), offered_matches(answer)
    if key[1] in models.listed_prompts.get(models.chosen(settings.model_name), ()):
        return [], ()
    if any(question.key == key for question in session().questions):
        return [(tr("Checking whether the model knows this prompt"), "SORTTIME")], ()
    return [(tr("Generate checks whether the model knows this prompt"), "INFO")], ()


def answer_lines(answer: Understanding, as_written: bool) -> list[Line]:
    """An answer in words; nothing where the prompt is what the model knows, word by word.

    Args:
        answer: of the model.
        as_written: whether the prompt's own words are used.
    """
    error = [(tr_error(answer.words_error), "ERROR")] if answer.words_error else []
    parts = answer.parts
    if not parts:
        return [*_nearest_lines(answer), *error]
    if len(parts) == 1:
        return [*_line(parts[0], as_written), *error]
    if all(part.is_caption for part in parts):
        return error
    numbered = list(enumerate(parts, 1))
    if len(parts) > MOST_PARTS:
        numbered = [(number, part) for number, part in numbered if not part.known][:MOST_PARTS]
    return [*(_numbered_line(number, part) for number, part in numbered), *error]


def offered_matches(answer: Understanding) -> tuple[Match, ...]:
    """The kinds that are offered instead of the one that was understood: none for a training caption, or for parts."""
    if len(answer.parts) != 1 or answer.parts[0].is_caption:
        return ()
    return answer.parts[0].matches[1:]


def _line(part: UnderstoodPart, as_written: bool) -> list[Line]:
    """The line of a prompt without times."""
    if not part.known:
        return [(tr("Not in this model. Closest: {caption}").format(caption=part.said(tr(SECOND_ACTS))), "ERROR")]
    if part.is_caption:
        return []
    if as_written:
        return [(tr("Used as written. Closest: {caption}").format(caption=part.said(tr(SECOND_ACTS))), "LOCKED")]
    return [(tr("Understood as: {caption}").format(caption=part.said(tr(SECOND_ACTS))), "INFO")]


def _numbered_line(number: int, part: UnderstoodPart) -> Line:
    if not part.known:
        text = tr("Part {number} is not in this model. Closest: {caption}")
        return text.format(number=number, caption=part.said(tr(SECOND_ACTS))), "ERROR"
    return tr("Part {number}: {caption}").format(number=number, caption=part.said(tr(SECOND_ACTS))), "INFO"


def _nearest_lines(answer: Understanding) -> list[Line]:
    """What is said of a model without a prompt classifier."""
    if not answer.nearest or answer.distance < ALIKE:
        return []
    if answer.distance < UNLIKE:
        return [(tr("Closest match in this model: “{caption}”").format(caption=answer.nearest), "INFO")]
    return [(tr("Not in this model. Closest: {caption}").format(caption=answer.nearest), "ERROR")]


def _panel_prompt(context: bpy.types.Context) -> str:
    """What Generate would ask for: with markers, each one's prompt with its times."""
    scene, settings = context.scene, context.scene.intermask
    return timed_prompt(scene, settings.prompt, LONGEST) if settings.use_markers else str(settings.prompt)


def _key_among(models: ModelList, context: bpy.types.Context) -> Key | None:
    """The chosen one of these models and the prompt, None where one of them is missing."""
    folder = models.folders.get(models.chosen(context.scene.intermask.model_name))
    prompt = _panel_prompt(context).strip()
    return (str(folder), prompt) if folder is not None and 0 < len(prompt) <= MAX_PROMPT_LENGTH else None


def _collect_answers() -> float | None:
    """Timer: seconds until the next check, None when no question is open."""
    current = session()
    if current.client is not None:
        current.client.poll()  # also when its process has died: then its requests fail
    for question in [question for question in current.questions if question.request.done]:
        current.questions.remove(question)
        if question.request.reply is not None:
            current.understood[question.key] = understanding_of(question.request.reply.values)
        redraw_sidebars(bpy.context)
    return POLL_INTERVAL if current.questions else None


def _watch_words() -> float | None:
    """Timer: seconds until the next check of ``words.json``, None when the generator has ended."""
    if running_client() is None:
        return None
    if _forget_if_words_changed():
        ask(bpy.context)
    return WATCH_INTERVAL


def _forget_if_words_changed() -> bool:
    """Forget all answers if they were given with another ``words.json``, and whether they were."""
    current, stamp = session(), words_stamp()
    if stamp == current.words:
        return False
    current.words = stamp
    current.understood.clear()
    for question in current.questions:
        if current.client is not None:
            current.client.cancel(question.request)
    current.questions.clear()
    return True
