"""How the model understands the panel's prompt: requests to the generator, and the lines that show its answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from ..rig.key import scene_fps
from ..scene.markers import timed_prompt
from ..translations import capitalised, kind_name, tr
from ..translations.core_errors import tr_error
from .model_list import ModelList, model_list
from .preferences import runtime_problem
from .services import running_client, worker_client
from .session import redraw_sidebars, session
from .user_words import words_path, words_stamp

POLL_INTERVAL = 0.02
"""Seconds between two checks whether the generator has answered: an answer takes about a tenth of a second."""

QUICK_ANSWER = 0.1
"""Seconds that a question waits for a generator that has nothing else to do. Then the line is there when the panel is
next drawn; a redraw that only says that the prompt is being checked would delay the answer."""

WATCH_INTERVAL = 2.0
"""Seconds between two checks whether the user's ``words.json`` has changed."""

MAX_SECONDS = 60.0
"""Length of the longest clip, so that all times in a prompt fit."""

CLOSE_DISTANCE, UNKNOWN_DISTANCE = 0.3, 0.55
"""Distances from the nearest training caption, 1 - cosine similarity of all-MiniLM-L6-v2's vectors, for models without
a prompt classifier. 99 % of the held-out choreographed captions are within 0.2 of a training caption; the distance of
"two people ride bicycles" is 0.5, that of "a man cooks dinner" 0.85."""

_ANY_PROMPT = "two people shake hands"
"""The question that loads the text encoder while the prompt is empty."""

MAX_PART_LINES = 6
"""Lines for the parts of a prompt; of a prompt with more parts, only those that the model does not know are shown."""

Key = tuple[str, str]
"""The model's folder and the prompt, including markers. ``as_written`` does not change the answer."""

Line = tuple[str, str]
"""A translated text, and the name of an icon."""


@dataclass
class Question:
    """A request that the generator has not answered yet.

    Attributes:
        key: the model's folder and the prompt.
        request: to the generator.
    """

    key: Key
    request: Request


def request_understanding(context: bpy.types.Context, start: bool = False) -> None:
    """Ask the generator how the model understands the scene's prompt; a timer collects the answer.

    Args:
        context: whose scene has the prompt.
        start: whether to start the generator's process if it does not run and PyTorch is installed.
    """
    if bpy.app.background:  # there is no panel, and no event loop for the answer
        return
    current = session()
    _forget_if_words_changed()
    key = _current_key(model_list(context), context)
    if key is None or key in current.understood or any(question.key == key for question in current.questions):
        return
    _ask(key, running_client() or (_started_client(context) if start else None))


def _ask(key: Key, client: WorkerClient | None) -> None:
    """Send a question to the generator; does nothing without a client."""
    if client is None:
        return
    current, ready = session(), client.running and not client.busy
    try:
        request = submit_understand(client, Path(key[0]), key[1], MAX_SECONDS, words_path())
    except UserError:
        return  # Generate reports why the process does not start
    current.questions.append(Question(key, request))
    current.start_timer(_collect_answers, POLL_INTERVAL)
    current.start_timer(_watch_words, WATCH_INTERVAL)
    if ready:
        end = time.monotonic() + QUICK_ANSWER
        while not request.done and time.monotonic() < end:
            client.pause()
        _collect_answers()
    redraw_sidebars(bpy.context)


def _started_client(context: bpy.types.Context) -> WorkerClient | None:
    """The client whose process the next request starts; None without PyTorch, or while it is being installed."""
    if session().job is not None or runtime_problem(context):
        return None
    return worker_client(context)


def warm_generator(context: bpy.types.Context) -> None:
    """Start the generator's process and load the text encoder, once, so that the first line comes at once.

    The panel calls this when it is drawn and PyTorch is installed. The work is left to a timer: nothing may be started
    while Blender draws.
    """
    current = session()
    if current.warmed or bpy.app.background or current.job is not None:
        return
    if _chosen_folder(model_list(context), context) is not None:
        current.warmed = True
        current.start_timer(_warm_generator, 0.0)


def _warm_generator() -> None:
    """Timer, once: ask about the panel's prompt, or about any prompt if there is none."""
    context = bpy.context
    request_understanding(context, start=True)
    folder = _chosen_folder(model_list(context), context)
    if running_client() is None and folder is not None:
        _ask((str(folder), _ANY_PROMPT), _started_client(context))


def panel_lines(context: bpy.types.Context) -> tuple[list[Line], tuple[Match, ...]]:
    """The lines about the prompt, and the kinds that the panel offers; both may be empty.

    A prompt that has not been checked gets a line that says so, unless the model lists it. Panels call this at every
    redraw, so nothing is read or computed here.
    """
    settings, models = context.scene.intermask, model_list(context)
    key = _current_key(models, context)
    if key is None:
        return [], ()
    if (answer := session().understood.get(key)) is not None:
        return answer_lines(answer, settings.as_written, _clip_seconds(context)), offered_matches(answer)
    if key[1] in models.listed_prompts.get(models.chosen(settings.model_name), ()):
        return [], ()
    if any(question.key == key for question in session().questions):
        return [(tr("Checking whether the model knows this prompt"), "SORTTIME")], ()
    return [(tr("Generate checks whether the model knows this prompt"), "INFO")], ()


def prompt_of_all_acts(context: bpy.types.Context) -> str:
    """The scene's prompt with a time for each of its acts; empty if it names one act or is not understood yet."""
    key = _current_key(model_list(context), context)
    answer = None if key is None else session().understood.get(key)
    if answer is None or len(answer.parts) != 1 or context.scene.intermask.use_markers:
        return ""
    return answer.parts[0].timed_acts(_clip_seconds(context))


def answer_lines(answer: Understanding, as_written: bool, seconds: float = 4.0) -> list[Line]:
    """The lines for an answer; none for a prompt that is a training caption.

    Args:
        answer: of the generator.
        as_written: whether the prompt is used as written.
        seconds: length of the clip, for the times that are suggested for several acts.
    """
    error = [(tr_error(answer.words_error), "ERROR")] if answer.words_error else []
    parts = answer.parts
    if not parts:
        return [*_nearest_lines(answer), *error]
    if len(parts) == 1:
        return [
            *_line(parts[0], as_written),
            *_acts_lines(parts[0], as_written, seconds),
            *_people_lines(parts),
            *error,
        ]
    if all(part.is_caption for part in parts):
        return error
    numbered = list(enumerate(parts, 1))
    if len(parts) > MAX_PART_LINES:
        numbered = [(number, part) for number, part in numbered if not part.known][:MAX_PART_LINES]
    return [*(_numbered_line(number, part) for number, part in numbered), *_people_lines(parts), *error]


def offered_matches(answer: Understanding) -> tuple[Match, ...]:
    """The kinds offered as alternatives: none for a training caption, or for a prompt with several parts."""
    if len(answer.parts) != 1 or answer.parts[0].is_caption:
        return ()
    return answer.parts[0].matches[1:]


def _line(part: UnderstoodPart, as_written: bool) -> list[Line]:
    """The line of a prompt without times."""
    if not part.known:
        return [(tr("Not in this model. Closest: {caption}").format(caption=_shown(part)), "ERROR")]
    if part.is_caption:
        return []
    if as_written:
        return [(tr("Used as written. Closest: {caption}").format(caption=_shown(part)), "LOCKED")]
    return [(tr("Understood as: {caption}").format(caption=_shown(part)), "INFO")]


def _acts_lines(part: UnderstoodPart, as_written: bool, seconds: float) -> list[Line]:
    """The line of a prompt with several acts, of which the first is used."""
    if not part.acts or as_written:
        return []
    line = tr("Only the first act is used. For all of them: {prompt}").format(prompt=part.timed_acts(seconds))
    return [(line, "TIME")]


def _people_lines(parts: Sequence[UnderstoodPart]) -> list[Line]:
    """The line of a prompt that asks for more people than there will be."""
    more = any(part.names_more_than_two for part in parts)
    return [(tr("Two people are animated; the prompt names more"), "COMMUNITY")] if more else []


def _shown(part: UnderstoodPart) -> str:
    """The caption that is used, after the kind's name where the interface is not in English, as captions are."""
    caption, kind = part.description(tr(SECOND_ACTS)), part.matches[0].kind
    name = kind_name(kind)
    return caption if name == kind else f"{capitalised(name)} ({caption})"


def _numbered_line(number: int, part: UnderstoodPart) -> Line:
    if not part.known:
        text = tr("Part {number} is not in this model. Closest: {caption}")
        return text.format(number=number, caption=_shown(part)), "ERROR"
    return tr("Part {number}: {caption}").format(number=number, caption=_shown(part)), "INFO"


def _nearest_lines(answer: Understanding) -> list[Line]:
    """The lines for a model without a prompt classifier."""
    if not answer.nearest or answer.distance < CLOSE_DISTANCE:
        return []
    if answer.distance < UNKNOWN_DISTANCE:
        return [(tr("Closest match in this model: “{caption}”").format(caption=answer.nearest), "INFO")]
    return [(tr("Not in this model. Closest: {caption}").format(caption=answer.nearest), "ERROR")]


def _panel_prompt(context: bpy.types.Context) -> str:
    """The prompt that Generate would send: with markers, each marker's prompt with its times."""
    scene, settings = context.scene, context.scene.intermask
    return timed_prompt(scene, settings.prompt, MAX_SECONDS) if settings.use_markers else str(settings.prompt)


def _current_key(models: ModelList, context: bpy.types.Context) -> Key | None:
    """The folder of the chosen model, and the prompt; None if one of them is missing or the prompt is too long."""
    folder = _chosen_folder(models, context)
    prompt = _panel_prompt(context).strip()
    return (str(folder), prompt) if folder is not None and 0 < len(prompt) <= MAX_PROMPT_LENGTH else None


def _chosen_folder(models: ModelList, context: bpy.types.Context) -> Path | None:
    """The folder of the chosen model; None if there is none."""
    return models.folders.get(models.chosen(context.scene.intermask.model_name))


def _clip_seconds(context: bpy.types.Context) -> float:
    """Length of the clip that Generate makes without a leader."""
    scene = context.scene
    if scene.intermask.use_scene_range:
        return float((scene.frame_end - scene.frame_start + 1) / scene_fps(scene))
    return float(scene.intermask.seconds)


def _collect_answers() -> float | None:
    """Timer: seconds until the next check, None when no question is open."""
    current = session()
    if current.client is not None:
        current.client.poll()  # also if its process has died, so that its requests fail
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
        request_understanding(bpy.context)
    return WATCH_INTERVAL


def _forget_if_words_changed() -> bool:
    """Forget all answers if ``words.json`` has changed since; returns whether it has."""
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
