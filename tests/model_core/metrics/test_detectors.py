"""Detectors of kinds: on made-up people, and on choreographed clips where the captured data is found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from gliding import gliding_people, line, save_gliding

from model_core.data.choreography.captions import TEMPLATES
from model_core.errors import UserError
from model_core.evaluation.detector_table import validate_detectors
from model_core.metrics.detectors import DETECTORS, detected, detected_kinds
from model_core.metrics.detectors.measures import count_reversals, count_runs, longest_run

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
def test_paths_distinguish_kinds_of_walking(
    kind: str, places: tuple[np.ndarray, np.ndarray], yaws: tuple[float, float]
) -> None:
    people = gliding_people(places, yaws)
    assert detected_kinds(people) == [kind]
    # Either may act, and where in the world it happens does not matter.
    assert detected(kind, people[::-1])
    assert detected_kinds(people[..., [2, 1, 0]] * [1, 1, -1] + [3, 0, -5]) == [kind]


def test_people_who_only_stand_do_nothing() -> None:
    assert detected_kinds(gliding_people((line(0, 0, 0), line(0, 1.2, 0)), (0, np.pi))) == []


def test_summaries_of_curves() -> None:
    holds = np.array([0, 1, 1, 1, 0, 1], dtype=bool)
    assert longest_run(holds) == pytest.approx(0.1) and count_runs(holds) == 2
    wave = np.sin(np.linspace(0, 6 * np.pi, 90))
    assert count_reversals(wave, 0.5) >= 4 and count_reversals(wave, 2.5) == 0


def test_a_kind_is_reported_with_other_detected_kinds(tmp_path: Path) -> None:
    walk = gliding_people((line(0, 0, 1.1), line(0.7, 0, 1.1)), (0, 0))
    run = gliding_people((line(0, 0, 2.8), line(1.2, 0.2, 2.6)), (0, 0))
    save_gliding(tmp_path / "walks.npz", "walk side by side", [walk, walk, run], [True, True, True])
    save_gliding(tmp_path / "races.npz", "race", [run, walk], [True, False])
    walks, races = validate_detectors(tmp_path)
    assert (walks.kind, walks.clips, walks.detected, walks.others) == ("walk side by side", 3, 2 / 3, {"race": 1 / 3})
    # The mislabelled race is not held out and does not count.
    assert (races.kind, races.clips, races.detected, races.others) == ("race", 1, 1.0, {})
    assert races.passed and not walks.passed
    with pytest.raises(UserError, match="no kind 'juggle'"):
        validate_detectors(tmp_path, ["juggle"])
    with pytest.raises(UserError, match="no held-out clip"):
        validate_detectors(tmp_path, ["hug"])


@pytest.mark.skipif(not CLIPS, reason="INTERMASK_CHOREOGRAPHY names no folder of choreographed clips")
def test_detectors_detect_held_out_clips_of_their_own_kind() -> None:
    rows = validate_detectors(Path(CLIPS))
    assert np.mean([row.detected for row in rows]) >= 0.97
    assert min(row.detected for row in rows) >= 0.7
    assert np.mean([sum(row.others.values()) for row in rows]) <= 0.03
