"""Choreography of care and company on made-up people: own clips are detected as nothing else, and manners are seen."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_library import made_up_library

from model_core.data.choreography.checks import failed_checks
from model_core.data.choreography.generate import choreographed
from model_core.data.choreography.library import Library
from model_core.metrics.detectors import detected_kinds
from model_core.metrics.detectors.measures import Person


@pytest.fixture(scope="module")
def library() -> Library:
    return made_up_library()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["help up", "comfort who cries", "sit down beside", "stand up and leave", "frisk"])
def test_a_clip_passes_its_checks_and_is_detected_as_its_kind_alone(kind: str, library: Library) -> None:
    clip = choreographed(kind, 3, library)
    assert failed_checks(clip) == []
    assert detected_kinds(clip.joints) == [kind]


def test_who_sits_down_is_as_high_as_who_sat_and_the_feet_stay(library: Library) -> None:
    clip = choreographed("sit down beside", 4, library)
    actor = int(clip.facts["actor"])
    mover, sitter = Person(clip.joints[actor]), Person(clip.joints[1 - actor])
    assert mover.pelvis_height[0] > 1.0
    np.testing.assert_allclose(mover.pelvis_height[-1], sitter.pelvis_height[-1], atol=0.1)
    assert mover.toes[-15:].max() < 0.05 and sitter.toes.max() < 0.05


@pytest.mark.slow
def test_slow_pats_are_slower_than_quick_ones(library: Library) -> None:
    pauses: dict[str, float] = {}
    for seed in range(6):
        clip = choreographed("pat a sitting one", seed, library)
        first, second = (contact.start for contact in clip.schedule[:2])
        pauses.setdefault(clip.facts["manner"], second - first)
    assert pauses["slowly"] >= 1.5 * pauses["quickly"]
