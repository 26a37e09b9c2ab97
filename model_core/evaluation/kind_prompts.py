"""The kinds of interaction that a model shows to users, with a prompt each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..metrics.detectors import DETECTORS
from ..model_files.kinds import FILE


def kind_prompts(model: Path, kinds: Sequence[str] = ()) -> dict[str, str]:
    """The prompt of each kind that has a detector.

    Args:
        model: a model folder.
        kinds: some alone; empty for all.

    Raises:
        UserError: the model lists no kinds, the list is damaged, or it lacks one of ``kinds``.
    """
    path = model / FILE
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
        prompts = {str(kind["name"]): str(kind["prompt"]) for group in groups for kind in group["kinds"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); measure a model that lists its kinds there.") from error
    prompts = {kind: prompt for kind, prompt in prompts.items() if kind in DETECTORS}
    unknown = [kind for kind in kinds if kind not in prompts]
    if unknown or not prompts:
        raise UserError(f"{path} has no kind '{unknown[0] if unknown else ''}'; it has: {', '.join(prompts)}.")
    return {kind: prompts[kind] for kind in kinds or prompts}
