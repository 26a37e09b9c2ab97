"""The models that a user can choose from: folders with a config.json."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core import ASSETS, UserError
from ..translations import tr

BUNDLED = ASSETS / "models"


def installed_models(more: Sequence[Path] = ()) -> dict[str, Path]:
    """Names and folders of all models, the bundled ones first; of two models with the same name, the first one.

    Args:
        more: other folders that are model folders or contain some.
    """
    found: dict[str, Path] = {}
    for parent in (BUNDLED, *more):
        candidates = [parent] if (parent / "config.json").is_file() else _folders(parent)
        for folder in candidates:
            if (folder / "config.json").is_file():
                found.setdefault(folder.name, folder)
    return found


def models_stamp(more: Sequence[Path] = ()) -> tuple[tuple[str, int], ...]:
    """A value that changes when ``installed_models`` or the models' config.json files may have changed.

    Args:
        more: as for ``installed_models``.
    """
    # Panels call this at every redraw; with Path objects it would take three times as long.
    stamps = []
    for parent in (BUNDLED, *more):
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    path = entry.path if entry.name == "config.json" else f"{entry.path}{os.sep}config.json"
                    try:
                        stamps.append((path, os.stat(path).st_mtime_ns))  # noqa: PTH116
                    except OSError:
                        continue
        except OSError:
            continue
    return tuple(stamps)


def find_model(name: str, more: Sequence[Path] = ()) -> Path:
    """The folder of a model, by name or path; an empty name means the first model.

    Raises:
        UserError: there is no such model.
    """
    models = installed_models(more)
    if not name:
        if not models:
            raise UserError(tr("No model is installed; put a model folder into {bundled}.").format(bundled=BUNDLED))
        return next(iter(models.values()))
    if name in models:
        return models[name]
    if (Path(name) / "config.json").is_file():
        return Path(name).resolve()
    known = ", ".join(models) or "none"
    raise UserError(
        tr("There is no model called {name}; installed are: {known}, or give a folder with a config.json.").format(
            name=name, known=known
        )
    )


def model_title(folder: Path) -> str:
    """The model's name in its config.json, else its folder's name."""
    name = _config(folder).get("name")
    return name if isinstance(name, str) and name else folder.name


def model_examples(folder: Path) -> list[str]:
    """Prompts of the kind that the model was trained on, as its config.json lists them."""
    examples = _config(folder).get("examples")
    return [text for text in examples if isinstance(text, str)] if isinstance(examples, list) else []


def recommended_sampling(folder: Path) -> dict[str, float]:
    """The sampling settings that come with the model and that are single numbers, by name."""
    sampling = _config(folder).get("sampling")
    numbers = sampling.items() if isinstance(sampling, dict) else ()
    return {name: value for name, value in numbers if isinstance(value, int | float) and not isinstance(value, bool)}


def has_body_parts(folder: Path) -> bool:
    """Whether the token map's parts are separate body parts; those of published models overlap."""
    tokenizer = _config(folder).get("tokenizer")
    return isinstance(tokenizer, dict) and bool(tokenizer.get("body"))


def _config(folder: Path) -> dict[str, Any]:
    """The content of the folder's config.json, empty if it is missing or damaged."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(entry for entry in parent.iterdir() if entry.is_dir())
    except OSError:
        return []
