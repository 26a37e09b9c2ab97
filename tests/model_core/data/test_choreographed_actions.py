"""Scripts of fights, sports and signs on made-up people: one clip of each is sound and is seen as its own kind."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from made_up_library import made_up_library

from model_core.data.choreography.checks import failed_checks
from model_core.data.choreography.generate import choreographed
from model_core.data.choreography.kinds import SCRIPTS, signals, sports, striking
from model_core.data.choreography.library import Library
from model_core.data.choreography.scene import Scene
from model_core.metrics.detectors import detected_kinds
from model_core.metrics.detectors.measures import Person


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


def seconds_to_salute(seed: int, library: Library) -> float:
    """How long the saluting hand takes from below the chest to its highest place."""
    clip = choreographed("salute", seed, library)
    actor = Person(clip.joints[int(clip.facts["actor"])].astype(np.float64))
    height = actor.raised[:, int(actor.raised.max(0).argmax())]
    top = int(np.flatnonzero(height > height.max() - 0.05)[0])
    return float(top - np.flatnonzero(height[:top] < -0.4)[-1]) / 30


def test_slowly_and_quickly_are_seen_in_the_time_that_a_hand_takes(library: Library) -> None:
    seeds: dict[str, int] = {}
    for seed in range(40):
        scene = Scene("salute", seed, library, np.random.default_rng([seed, zlib.crc32(b"salute")]))
        SCRIPTS["salute"](scene)
        seeds.setdefault(scene.facts["manner"], seed)
    slow, quick = (seconds_to_salute(seeds[manner], library) for manner in ("slowly", "quickly"))
    assert slow > 1.5 * quick
