"""Scripts of fights, sports and signs on made-up people: one clip of each is sound and is seen as its own kind."""

from __future__ import annotations

import pytest
from made_up_library import made_up_library

from model_core.data.choreography.checks import failed_checks
from model_core.data.choreography.generate import choreographed
from model_core.data.choreography.kinds import signals, sports, striking
from model_core.data.choreography.library import Library
from model_core.metrics.detectors import detected_kinds


@pytest.fixture(scope="module")
def library() -> Library:
    return made_up_library()


KINDS = {**signals.SCRIPTS, **striking.SCRIPTS, **sports.SCRIPTS}
# The arms of the made-up runner hang, and joggers are told from racers by bent ones.
KINDS.pop("jog together")


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_passes_the_checks_and_is_seen_as_its_own_kind_alone(kind: str, library: Library) -> None:
    clip = choreographed(kind, 3, library)
    assert failed_checks(clip) == []
    assert detected_kinds(clip.joints) == [kind]
