"""Novelty of the panel's prompt: how far it is from the training captions. Asked of the generator while it runs."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..generator.client import Request
from ..generator.generation import LONGEST_PROMPT
from ..scene.markers import timed_prompt
from ..translations import tr
from .model_list import ModelList, model_list
from .services import running_client
from .session import redraw_sidebars, session

POLL_INTERVAL = 0.1
"""Seconds between two checks whether the generator has answered."""

LONGEST = 60.0
"""Seconds: no clip is longer, so all times that a prompt may hold fit."""

ALIKE, UNLIKE = 0.3, 0.55
"""Distances, 1 - cosine of all-MiniLM-L6-v2's vectors. Of the choreographed captions that were held out 99 in 100 lie
within 0.2 of one that was not; "two people ride bicycles" lies 0.5 from all of them, "a man cooks dinner" 0.85."""


@dataclass(frozen=True)
class Answer:
    """The training caption that is closest to a prompt.

    Attributes:
        distance: 1 - cosine similarity; None where the model holds no captions.
        caption: the closest one.
    """

    distance: float | None
    caption: str


@dataclass
class Question:
    """A question that the generator has not answered.

    Attributes:
        key: the model's folder and the prompt.
        request: sent to the generator.
    """

    key: tuple[str, str]
    request: Request


def ask(context: bpy.types.Context) -> None:
    """Ask the generator about the scene's prompt if it runs; it is not started for this. The answer comes later.

    A timed prompt is judged by its least familiar part.
    """
    settings = context.scene.intermask
    key, client = _key(settings, context), running_client()
    current = session()
    waiting = any(question.key == key for question in current.questions)
    if key is None or client is None or waiting or key in current.novelty or bpy.app.background:
        return
    values = {"model": key[0], "prompt": key[1], "seconds": LONGEST}
    current.questions.append(Question(key, client.submit("understand", values)))
    current.start_timer(_collect_answers, POLL_INTERVAL)


def novelty_line(context: bpy.types.Context) -> tuple[str, str]:
    """What the panel says of the prompt, and an icon's name; empty where there is nothing to say.

    Before the generator has run, a prompt that the model does not list itself has not been checked: the line says so.
    """
    settings, models = context.scene.intermask, model_list(context)
    key = _key_among(models, settings, context)
    if key is None:
        return "", "NONE"
    if (answer := session().novelty.get(key)) is not None:
        return said(answer)
    if key[1] in models.listed_prompts.get(models.chosen(settings.model_name), ()):
        return "", "NONE"
    return tr("Generate checks whether the model knows this prompt"), "INFO"


def said(answer: Answer) -> tuple[str, str]:
    """An answer in words, and an icon's name; empty where the prompt is like what the model knows."""
    if answer.distance is None or answer.distance < ALIKE:
        return "", "NONE"
    if answer.distance < UNLIKE:
        return tr("Closest match in this model: “{caption}”").format(caption=answer.caption), "INFO"
    return tr("Not in this model. Closest match: “{caption}”").format(caption=answer.caption), "ERROR"


def _panel_prompt(context: bpy.types.Context) -> str:
    """What Generate would ask for: with markers, each one's prompt with its times."""
    scene, settings = context.scene, context.scene.intermask
    return timed_prompt(scene, settings.prompt, LONGEST) if settings.use_markers else str(settings.prompt)


def _key(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> tuple[str, str] | None:
    """The chosen model's folder and the prompt, None where one of them is missing."""
    return _key_among(model_list(context), settings, context)


def _key_among(
    models: ModelList, settings: bpy.types.PropertyGroup, context: bpy.types.Context
) -> tuple[str, str] | None:
    """As ``_key``, among these models."""
    folder = models.folders.get(models.chosen(settings.model_name))
    prompt = _panel_prompt(context).strip()
    return (str(folder), prompt) if folder is not None and 0 < len(prompt) <= LONGEST_PROMPT else None


def _collect_answers() -> float | None:
    """Timer: seconds until the next check, None when no question is open."""
    current = session()
    if current.client is not None:
        current.client.poll()  # also when its process has died: then its requests fail
    for question in [question for question in current.questions if question.request.done]:
        current.questions.remove(question)
        if question.request.reply is not None:
            nearest = question.request.reply.values["nearest"] or {"distance": None, "caption": ""}
            current.novelty[question.key] = Answer(nearest["distance"], nearest["caption"])
            redraw_sidebars(bpy.context)
    return POLL_INTERVAL if current.questions else None
