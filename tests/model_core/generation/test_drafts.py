"""The first draft of a clip, which is seen about a second after the click: two people, and not one inside the other."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from model_core.generation.drafts import Draft
from model_core.generation.options import GenerateOptions
from model_core.generation.pipeline import InterMask
from model_core.model_files.model_folder import bundled_model


class _SeenError(Exception):
    """Ends a generation with its first draft."""


@pytest.mark.slow
def test_the_first_draft_of_the_bundled_model_has_two_people_at_their_distance() -> None:
    model = InterMask.load(bundled_model(), device="cpu")
    for prompt, nearest, farthest in (("two people shake hands", 0.5, 1.6), ("two people hug each other", 0.2, 1.6)):
        seen: list[Draft] = []

        def show(draft: Draft, seen: list[Draft] = seen) -> None:
            seen.append(draft)
            raise _SeenError

        with suppress(_SeenError):
            model.generate(prompt, 60, GenerateOptions(on_draft=show))
        hips = seen[0].joints[:, :, 0]
        assert nearest < np.linalg.norm(hips[0] - hips[1], axis=-1).mean() < farthest
