"""The prompts that a user wrote, the last one first: kept in the add-on's own folder where there is one."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import bpy

from ..core import UserError, atomic_write
from .preferences import ADDON
from .session import session

LONGEST = 30
FILE = "prompts.json"


def _prompts() -> list[str]:
    """The session's list, which is read from disk once."""
    current = session()
    if current.prompts is None:
        current.prompts = _stored_prompts()
    return current.prompts


def _stored_prompts() -> list[str]:
    path = _file(create=False)
    if path is None:
        return []
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [text for text in stored if isinstance(text, str)][:LONGEST] if isinstance(stored, list) else []


def past_prompts() -> tuple[str, ...]:
    """What was generated before, the last first."""
    return tuple(_prompts())


def remember_prompt(prompt: str) -> None:
    """Put a prompt first. A history that cannot be saved is kept until Blender ends: that is no reason to stop."""
    prompts = _prompts()
    if prompt in prompts:
        prompts.remove(prompt)
    prompts.insert(0, prompt)
    del prompts[LONGEST:]
    path = _file(create=True)
    if path is not None:
        with suppress(OSError, UserError), atomic_write(path) as temporary:
            temporary.write_text(json.dumps(prompts, ensure_ascii=False, indent=1), encoding="utf-8")


def _file(create: bool) -> Path | None:
    try:
        return Path(bpy.utils.extension_path_user(ADDON, create=create)) / FILE
    except (ValueError, OSError):
        return None
