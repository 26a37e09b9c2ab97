"""The models that the panel offers: read from the folders again only where these changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bpy

from ..generator.models import installed_models, model_examples, model_title, models_stamp
from .draw_cache import LOOK_INTERVAL
from .kinds import KindGroup, model_kinds
from .preferences import current_preferences
from .session import session


@dataclass(frozen=True)
class ModelList:
    """The installed models.

    Attributes:
        folders: by name, the bundled ones first.
        titles: (name, title) of each.
        examples: example prompts of each, by name.
        kinds: groups of the kinds of interaction that each knows, by name.
    """

    folders: dict[str, Path]
    titles: tuple[tuple[str, str], ...]
    examples: dict[str, list[str]]
    kinds: dict[str, tuple[KindGroup, ...]]

    def chosen(self, name: str) -> str:
        """The name of the model in use: the chosen one, or the first if it is missing; empty if there is none.

        Reading the enum property instead asks Blender for all its items, twice.
        """
        return name if name in self.folders else next(iter(self.folders), "")

    @cached_property
    def listed_prompts(self) -> dict[str, frozenset[str]]:
        """The prompts that each model lists itself, by name."""
        return {
            name: frozenset(self.examples[name]).union(kind.prompt for group in groups for kind in group.kinds)
            for name, groups in self.kinds.items()
        }


def model_list(context: bpy.types.Context) -> ModelList:
    """The installed models; looks at the folders' times, and into the files where one has changed."""
    return session().draw_cache.in_redraw("models", lambda: _current_list(context), LOOK_INTERVAL)


def _current_list(context: bpy.types.Context) -> ModelList:
    parents = current_preferences(context).model_folders
    return session().draw_cache.get("models", (parents, models_stamp(parents)), lambda: _read(parents))


def _read(parents: tuple[Path, ...]) -> ModelList:
    folders = installed_models(parents)
    titles = tuple((name, model_title(folder)) for name, folder in folders.items())
    examples = {name: model_examples(folder) for name, folder in folders.items()}
    return ModelList(folders, titles, examples, {name: model_kinds(folder) for name, folder in folders.items()})
