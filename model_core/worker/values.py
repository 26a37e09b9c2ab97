"""Values of messages, each checked: a missing or wrong one is a ``UserError`` that names it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..model_files.sampling_settings import SAMPLING_SETTINGS
from .limits import MAX_SEED, MAX_TAKES


def model_folder(values: Mapping[str, Any]) -> Path:
    """The model folder."""
    folder = values.get("model")
    if not isinstance(folder, str) or not folder.strip():
        raise UserError("No model was chosen; choose a model folder.")
    return Path(folder)


def device_name(values: Mapping[str, Any]) -> str:
    """The name of the compute device, ``auto`` by default."""
    device = values.get("device") or "auto"
    if not isinstance(device, str):
        raise UserError(f"The device is {device!r}; choose auto, cpu, cuda or mps.")
    return device


def words_file(values: Mapping[str, Any]) -> Path | None:
    """The path of the user's own phrases; None for none."""
    words = values.get("words")
    if words is None or words == "":
        return None
    if not isinstance(words, str):
        raise UserError(f"'words' is {words!r}; give the path of a words.json.")
    return Path(words)


def flag(values: Mapping[str, Any], name: str) -> bool:
    """True or false, false by default."""
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise UserError(f"'{name}' is {value!r}; give true or false.")
    return value


def prompt_text(values: Mapping[str, Any]) -> str:
    """What the two people do."""
    prompt = values.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise UserError("The prompt is empty; say in a sentence what the two people do.")
    return prompt.strip()


def batch_items(values: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Prompt and seed of each item of a batched request."""
    prompts, seeds = values.get("prompts"), values.get("seeds")
    if not isinstance(prompts, list) or not isinstance(seeds, list) or not 1 <= len(prompts) <= MAX_TAKES:
        raise UserError(f"A batch needs two lists, of 1 to {MAX_TAKES} prompts and of their seeds; give both.")
    if len(prompts) != len(seeds):
        raise UserError(f"There are {len(prompts)} prompts and {len(seeds)} seeds; give one seed for each prompt.")
    return tuple(
        (prompt_text({"prompt": prompt}), integer({"seed": seed}, "seed", 0, 0, MAX_SEED) or 0)
        for prompt, seed in zip(prompts, seeds, strict=True)
    )


def table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of settings, empty by default."""
    table = values.get(name) or {}
    if not isinstance(table, Mapping):
        raise UserError(f"'{name}' should be a table of settings, not {table!r}.")
    return table


def number(values: Mapping[str, Any], name: str) -> float | None:
    """A finite number; None where none is given."""
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise UserError(f"'{name}' is {value!r}; give a number.")
    return float(value)


def integer(values: Mapping[str, Any], name: str, default: int | None, lowest: int, highest: int) -> int | None:
    """A whole number from ``lowest`` to ``highest``."""
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UserError(f"'{name}' is {value!r}; give a whole number from {lowest} to {highest}.")
    return value


def sampling_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The sampling settings of a message, checked against their limits."""
    given = {}
    for name, setting in SAMPLING_SETTINGS.items():
        value = values.get(name)
        if value is None:
            continue
        integral = isinstance(setting.lowest, int)
        fits = isinstance(value, int if integral else int | float) and not isinstance(value, bool)
        if not fits or not setting.lowest <= value <= setting.highest:
            kind = "a whole number" if integral else "a number"
            raise UserError(f"'{name}' is {value!r}; give {kind} from {setting.lowest:g} to {setting.highest:g}.")
        given[name] = value
    return given


def choice(values: Mapping[str, Any], name: str, count: int) -> tuple[int, ...]:
    """Numbers from 0 to ``count`` - 1, sorted; all of them by default."""
    chosen = values.get(name)
    if chosen is None:
        return tuple(range(count))
    if not isinstance(chosen, list) or not chosen or any(type(n) is not int or not 0 <= n < count for n in chosen):
        raise UserError(f"'{name}' is {chosen!r}; give a list of numbers from 0 to {count - 1}.")
    return tuple(sorted(set(chosen)))
