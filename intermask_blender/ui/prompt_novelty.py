"""What the model knows of the prompt in the panel: asked of the generator while it is warm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bpy

from ..generator.client import Request
from ..generator.generation import LONGEST_PROMPT
from ..generator.models import installed_models
from ..translations import tr
from .preferences import current_preferences
from .services import running_client
from .session import redraw_sidebars

LOOKS = 0.1
"""Seconds between two looks whether the generator has answered."""

LONGEST = 60.0
"""Seconds: no clip is longer, so all times that a prompt may hold fit."""

ALIKE, UNLIKE = 0.3, 0.55
"""Distances, 1 - cosine of all-MiniLM-L6-v2's vectors. Of the choreographed captions that were held out 99 in 100 lie
within 0.2 of one that was not; "two people ride bicycles" lies 0.5 from all of them, "a man cooks dinner" 0.85."""


@dataclass(frozen=True)
class Answer:
    """What the model knows of a prompt; a distance of None means that it does not say."""

    distance: float | None
    caption: str


@dataclass
class _Asked:
    key: tuple[str, str]
    request: Request


@cache
def _answers() -> dict[tuple[str, str], Answer]:
    """The session's answers, by model folder and prompt."""
    return {}


@cache
def _asked() -> list[_Asked]:
    return []


def ask(context: bpy.types.Context) -> None:
    """Ask the generator of the scene's prompt, if it is warm: it is not started for this. The answer comes later."""
    settings = context.scene.intermask
    key, client = _key(settings, context), running_client()
    waiting = any(item.key == key for item in _asked())
    if key is None or client is None or waiting or key in _answers() or bpy.app.background:
        return
    values = {"model": key[0], "prompt": key[1], "seconds": LONGEST}
    _asked().append(_Asked(key, client.submit("compare", values)))
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=LOOKS, persistent=True)


def familiar_line(context: bpy.types.Context) -> tuple[str, str]:
    """What the panel says of the prompt, and an icon's name; empty where there is nothing to say."""
    key = _key(context.scene.intermask, context)
    answer = _answers().get(key) if key is not None else None
    return ("", "NONE") if answer is None else said(answer)


def said(answer: Answer) -> tuple[str, str]:
    """An answer in words, and an icon's name; empty where the prompt is like what the model knows."""
    if answer.distance is None or answer.distance < ALIKE:
        return "", "NONE"
    if answer.distance < UNLIKE:
        return tr("The nearest that this model knows: “{caption}”").format(caption=answer.caption), "INFO"
    return tr("This model knows nothing like it. The nearest: “{caption}”").format(caption=answer.caption), "ERROR"


def forget_questions() -> None:
    """The add-on goes: wait for no answer any more."""
    _asked().clear()
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)


def _key(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> tuple[str, str] | None:
    """The chosen model's folder and the prompt, None where one of them is missing."""
    folder: Path | None = installed_models(current_preferences(context).model_folders).get(settings.model)
    prompt = settings.prompt.strip()
    return (str(folder), prompt) if folder is not None and 0 < len(prompt) <= LONGEST_PROMPT else None


def _look() -> float | None:
    """Timer: seconds until the next look, None when all questions are answered."""
    client = running_client()
    if client is not None:
        client.poll()
    for item in [item for item in _asked() if item.request.done]:
        _asked().remove(item)
        if item.request.reply is not None:
            values = item.request.reply.values
            _answers()[item.key] = Answer(values["distance"], values["caption"])
            redraw_sidebars(bpy.context)
    return LOOKS if _asked() else None
