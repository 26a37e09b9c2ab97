"""``evaluate control``: its constraints, its figures, and a run with a small model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motion_examples import posed_person
from small_model import save_small_model

from model_core.constraints import (
    ClipLimits,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    Targets,
    check,
    report_of_people,
)
from model_core.constraints.types import every_frame
from model_core.errors import UserError
from model_core.evaluation.control import evaluate_control, measured, pops
from model_core.evaluation.control_cases import ControlCase, SourceClip, cases_from, invented_cases
from model_core.motion import FPS
from model_core.motion.posed import PosedSkeleton

FRAMES = 120


def people_apart(metres: float) -> list[PosedSkeleton]:
    """Two people who move at random where they stand, the second one further along X."""
    first, second = posed_person(1, FRAMES), posed_person(2, FRAMES)
    return [first, replace(second, translation=second.translation + np.array([metres, 0.0, 0.0]))]


def test_a_clip_meets_all_constraints_that_are_taken_from_it() -> None:
    people = people_apart(0.3)
    cases = list(cases_from(SourceClip.of(people)))
    assert [case.group[0] for case in cases] == list("aabcccddeffgg")
    for case in cases:
        for item, error in zip(case.constraints, report_of_people(case.constraints, people), strict=True):
            if isinstance(item, ContactConstraint):  # people who move at random touch for a moment
                middle = (item.start + item.stop) // 2
                item = replace(item, start=middle, stop=middle + 1)
                (error,) = report_of_people(Constraints((item,)), people)
                assert error.mean is not None and error.mean < 0.08
                continue
            assert error.mean is not None and error.mean < 1e-3, case.group
            assert error.mean_angle is None or error.mean_angle < 0.1


def test_people_far_apart_have_no_contact() -> None:
    assert SourceClip.of(people_apart(5.0)).contact() is None


def test_invented_paths_can_be_walked_from_the_origin_ahead() -> None:
    for case in invented_cases(FRAMES):
        (path,) = check(case.constraints, ClipLimits(FRAMES))
        assert isinstance(path, PathConstraint) and path.headings is not None
        places = every_frame(path).places
        speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) * FPS
        assert speed.min() > 0.6 and speed.max() < 1.8, case.group
        step = np.diff(places, axis=0) / np.linalg.norm(np.diff(places, axis=0), axis=-1, keepdims=True)
        ahead = path.headings[:-1, ::-1]  # sine along x, cosine along z
        assert (step * ahead).sum(-1).min() > 0.99
        assert np.linalg.norm(places[0]) < 1e-6 and path.headings[0, 0] > 0.98


def test_a_jump_at_a_pose_is_a_pop() -> None:
    people = people_apart(2.0)
    source = SourceClip.of(people)
    case = ControlCase("c", Constraints((source.pose(0, (60,)),)))
    still = measured("hug", case, "both", people, source.joints, True, source.joints)
    assert still.pose is not None and still.pose < 1e-3
    moved = people[0].translation.copy()
    moved[60:] += np.array([0.0, 0.0, 0.5])
    jumped = measured(
        "hug", case, "both", [replace(people[0], translation=moved), people[1]], source.joints, True, source.joints
    )
    assert jumped.pops and jumped.pose is not None and abs(jumped.pose - 0.5) < 1e-3
    assert jumped.pops_beyond_source and not still.pops_beyond_source
    jump = np.stack([moved[:, None] - people[0].translation[:, None], np.zeros((FRAMES, 1, 3))]) + source.joints
    from_a_jump = pops(case.constraints, jump, source.joints, jump)
    assert from_a_jump is not None and from_a_jump.strict and from_a_jump.in_source and not from_a_jump.beyond_source
    pin = ControlCase("d", Constraints((PinConstraint(0, "Pelvis", 30, 90, moved[30:90]),)))
    missed = measured("hug", pin, "both", people, source.joints, True, source.joints)
    assert missed.pops is None and missed.pin is not None and abs(missed.pin - 0.5) < 1e-3


def test_poses_of_people_with_other_legs_stand_on_the_floor() -> None:
    people = [replace(person, offsets=1.1 * person.offsets) for person in people_apart(2.0)]
    source = SourceClip.of(people)
    pose = source.pose(0, (60,))
    targets = Targets.of(Constraints((pose,)), FRAMES, np.stack([person.offsets[:22] for person in people]))
    np.testing.assert_allclose(targets.joints[0, 60, :, 1], source.joints[0, 60, :, 1], atol=1e-6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_small_model(Path(tmp_path_factory.mktemp("models")) / "small", steps=2)
    kinds = [{"group": "Greet", "kinds": [{"name": "bow to each other", "prompt": "two people bow to each other"}]}]
    (folder / "kinds.json").write_text(json.dumps(kinds), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_model_is_measured_in_every_condition(model: Path, tmp_path: Path) -> None:
    report = evaluate_control(model, seeds=1, out=tmp_path)
    clips = len(report.of("both"))
    assert clips >= 6 and len(report.clips) == 3 * clips
    solved, untouched = (
        [clip.path for clip in report.of(condition) if clip.path is not None] for condition in ("both", "steered")
    )
    assert max(solved) < 0.01 and np.mean(solved) <= np.mean(untouched)
    written = json.loads((tmp_path / "control.json").read_text(encoding="utf-8"))
    assert [check["passed"] for check in written["checks"]] == [passed for _, _, passed in report.rows()]
    assert len(written["clips"]) == len(report.clips)
    table = report.table()
    assert all(group in table for group in ("a path of both", "c 8 poses", "g reaction path"))
    (kept,) = (tmp_path / "clips").iterdir()
    written_at = kept.stat().st_mtime_ns
    again = evaluate_control(model, seeds=1, out=tmp_path)
    assert kept.stat().st_mtime_ns == written_at and again.table() == table
    # Success is measured by what helps to choose, and the table says so; without its help other clips are measured.
    assert "not measured independently" in table
    alone = evaluate_control(model, seeds=1, out=tmp_path, detectors=False)
    assert "no say" in alone.table() and len(list(tmp_path.glob("clips*/*.npz"))) == 2
    kept.write_bytes(b"damaged")
    with pytest.raises(UserError, match="delete it"):
        evaluate_control(model, seeds=1, out=tmp_path)


def test_what_cannot_be_measured_is_refused(model: Path) -> None:
    with pytest.raises(UserError, match="no kind 'juggle'"):
        evaluate_control(model, kinds=["juggle"])
    with pytest.raises(UserError, match="--seeds"):
        evaluate_control(model, seeds=0)
