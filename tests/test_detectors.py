"""Detectors of kinds: on made-up people, and on choreographed clips where the captured data is found."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from gliding import gliding_people, line

from model_core.evaluation.detectors import DETECTORS, detected, kinds_seen
from model_core.evaluation.detectors.measures import longest, swings, times
from model_core.training.choreography.captions import TEMPLATES
from model_core.training.choreography.shards import load_choreographed

CLIPS = os.environ.get("INTERMASK_CHOREOGRAPHY", "")


def test_every_kind_with_captions_has_a_detector() -> None:
    assert set(TEMPLATES) <= set(DETECTORS)
    assert set(DETECTORS) - set(TEMPLATES) <= {"salsa"}


@pytest.mark.parametrize(
    ("kind", "places", "yaws"),
    [
        ("walk side by side", (line(0, 0, 1.1), line(0.7, 0, 1.1)), (0, 0)),
        ("follow", (line(0, 0, 1.1), line(0, 1.3, 1.1)), (0, 0)),
        ("chase", (line(0, 0, 2.8), line(0, 1.8, 2.6)), (0, 0)),
        ("race", (line(0, 0, 2.8), line(1.2, 0.2, 2.6)), (0, 0)),
        ("walk towards and pass", (line(0, -2, 1.1), line(0.8, 2, -1.1)), (0, np.pi)),
    ],
)
def test_ways_tell_kinds_of_going_apart(
    kind: str, places: tuple[np.ndarray, np.ndarray], yaws: tuple[float, float]
) -> None:
    people = gliding_people(places, yaws)
    assert kinds_seen(people) == [kind]
    # Either may act, and where in the world it happens does not matter.
    assert detected(kind, people[::-1])
    assert kinds_seen(people[..., [2, 1, 0]] * [1, 1, -1] + [3, 0, -5]) == [kind]


def test_people_who_only_stand_do_nothing() -> None:
    assert kinds_seen(gliding_people((line(0, 0, 0), line(0, 1.2, 0)), (0, np.pi))) == []


def test_what_sums_up_curves() -> None:
    holds = np.array([0, 1, 1, 1, 0, 1], dtype=bool)
    assert longest(holds) == pytest.approx(0.1) and times(holds) == 2
    wave = np.sin(np.linspace(0, 6 * np.pi, 90))
    assert swings(wave, 0.5) >= 4 and swings(wave, 2.5) == 0


@pytest.mark.skipif(not CLIPS, reason="INTERMASK_CHOREOGRAPHY names no folder of choreographed clips")
def test_detectors_see_held_out_clips_and_no_others() -> None:
    counts: Counter[str] = Counter()
    right = wrong = 0
    for clip in load_choreographed(CLIPS, held_out_only=True):
        counts[clip.kind] += 1
        if counts[clip.kind] <= 3:
            seen = kinds_seen(clip.joints)
            right, wrong = right + (clip.kind in seen), wrong + len(set(seen) - {clip.kind})
    clips = sum(min(count, 3) for count in counts.values())
    assert right >= 0.9 * clips
    assert wrong <= 0.1 * clips
