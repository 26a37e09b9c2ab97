"""Play, mishaps and two dances on made-up people; and how hands meet and part in a handshake."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_library import made_up_library

from model_core.data.choreography.captions import caption
from model_core.data.choreography.captions.playing import PLAYING
from model_core.data.choreography.checks import failed_checks
from model_core.data.choreography.generate import choreographed
from model_core.data.choreography.library import Library
from model_core.data.choreography.scene import ChoreographedClip
from model_core.metrics.detectors import detected_kinds
from model_core.metrics.detectors.measures import Pair, Person


@pytest.fixture(scope="module")
def library() -> Library:
    return made_up_library()


@pytest.fixture(scope="module")
def handshakes(library: Library) -> list[ChoreographedClip]:
    return [choreographed("shake hands", seed, library) for seed in range(12)]


@pytest.mark.parametrize("kind", PLAYING)
def test_a_clip_passes_the_checks_and_is_detected_as_its_kind_alone(kind: str, library: Library) -> None:
    clip = choreographed(kind, 4, library)
    # The made-up runner does not bend: the hands of who leaps stay some centimetres above the back.
    assert failed_checks(clip) == (["contact"] if kind == "leapfrog" else [])
    assert detected_kinds(clip.joints) == [kind]


@pytest.mark.parametrize("kind", PLAYING)
def test_there_are_forty_captions_of_a_kind(kind: str, library: Library) -> None:
    facts, random = choreographed(kind, 3, library).facts, np.random.default_rng(0)
    assert len({caption(kind, facts, random) for _ in range(3000)}) >= 40


def pair_of(clip: ChoreographedClip) -> Pair:
    actor = int(clip.facts["actor"])
    return Pair(Person(clip.joints[actor].astype(np.float64)), Person(clip.joints[1 - actor].astype(np.float64)))


def test_hands_are_shaken_two_or_three_times_by_fifty_millimetres(handshakes: list[ChoreographedClip]) -> None:
    for clip in handshakes:
        contact, pair = clip.schedule[0], pair_of(clip)
        hand = 0 if contact.part == "left_hand" else 1
        person = pair.actor if contact.person == int(clip.facts["actor"]) else pair.partner
        height = person.palms[contact.start : contact.stop, hand, 1]
        turns = np.flatnonzero(np.diff(np.sign(np.diff(height)))) + 1
        # Two whole strokes a pump, the first and the last of which start and end in the middle.
        assert 3 <= (np.abs(np.diff(height[turns])) > 0.05).sum() <= 7


def test_hands_meet_before_the_bodies_are_nearest_and_part_while_both_walk(
    handshakes: list[ChoreographedClip],
) -> None:
    for clip in handshakes:
        contact, pair = clip.schedule[0], pair_of(clip)
        assert (int(pair.gap.argmin()) - contact.start) / 30 >= 0.3
        assert pair.gap[contact.start] - pair.gap.min() > 0.08
        # Nobody stands before the hands meet.
        assert max(person.speed[contact.start] for person in pair.both) > 0.1
        assert max(person.stepping[contact.stop - 6 : contact.stop + 10].max() for person in pair.both) > 0.3


def test_slow_handshakes_take_longer_to_the_contact_than_quick_ones(handshakes: list[ChoreographedClip]) -> None:
    times: dict[str, list[int]] = {}
    for clip in handshakes:
        times.setdefault(clip.facts["manner"], []).append(clip.schedule[0].start)
    assert np.median(times["slowly"]) >= 1.5 * np.median(times["quickly"])
