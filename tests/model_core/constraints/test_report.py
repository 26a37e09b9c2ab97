"""The report measures what a constraint asks: nothing where it is met, and the distance by which it is missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from constraint_examples import one_of_each
from motion_examples import posed_person

from model_core.constraints import (
    Constraint,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
)
from model_core.constraints.report import report, report_of_people
from model_core.motion import PosedSkeleton
from model_core.motion.canonical import facing
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.places import place_points
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import matrix_from_axis_angle, matrix_from_quaternion
from model_core.motion.skeleton import SMPL

FRAMES = 60
PEOPLE = (posed_person(3), replace(posed_person(4), offsets=1.07 * SMPL_REST_OFFSETS))
JOINTS = np.stack([person.joints() for person in PEOPLE])
LOCAL = np.stack([matrix_from_quaternion(person.rotations) for person in PEOPLE])
WORLD = global_rotations(LOCAL, SMPL)
WRIST = SMPL.index("L_Wrist")


def pose_at(person: int, frames: list[int], **settings: object) -> PoseConstraint:
    return PoseConstraint(person, tuple(frames), LOCAL[person][frames], PEOPLE[person].translation[frames], **settings)  # type: ignore[arg-type]


def met() -> dict[str, Constraint]:
    """Constraints that the two people meet exactly."""
    angles = facing(JOINTS[1])[[5, 30]]
    wrist, turns = JOINTS[0, 10:20, WRIST], WORLD[0, 10:20, WRIST]
    palm = place_points("right_hand", JOINTS[1], WORLD[1])[22:23]
    return {
        "path": PathConstraint(
            1, (5, 30), JOINTS[1][[5, 30], 0][:, [0, 2]], np.stack((np.cos(angles), np.sin(angles)), -1)
        ),
        "pose": pose_at(0, [12, 40]),
        "pose anywhere": pose_at(1, [12, 40], in_place=False),
        "pin": PinConstraint(0, "L_Wrist", 10, 20, wrist, turns),
        "contact": ContactConstraint(1, "right_hand", palm[0], 22, 23),
        "distance": ContactConstraint(1, "right_hand", "face", 0, 60, never_nearer=0.01),
    }


@pytest.mark.parametrize("case", met())
@pytest.mark.parametrize("rotations", [WORLD, None])
def test_what_is_met_has_no_error(case: str, rotations: np.ndarray | None) -> None:
    item = met()[case]
    (error,) = report(Constraints((item,)), JOINTS, rotations)
    if rotations is None and isinstance(item, ContactConstraint):
        assert error.mean is None
        return
    # Without orientations the bones of the second person are those of the average with another length.
    assert error.mean == pytest.approx(0.0, abs=1e-6) and error.worst == pytest.approx(0.0, abs=1e-6)
    assert error.worst_angle is None or error.worst_angle < 0.01
    assert (error.worst_angle is not None) == (case == "path" or (case in ("pose", "pin") and rotations is not None))


def test_what_is_missed_is_measured() -> None:
    moved = JOINTS.copy()
    moved[:, 40] += [0.03, 0.0, 0.04]  # by 5 cm
    items = met()
    path, pose, anywhere = report(
        Constraints((replace(items["path"], frames=(5, 40)), items["pose"], items["pose anywhere"])), moved, WORLD
    )
    expected = np.linalg.norm(items["path"].places[1] - moved[1, 40, 0, [0, 2]])
    assert path.worst == pytest.approx(expected) and path.worst_frame == 40 and path.mean == pytest.approx(expected / 2)
    assert pose.worst == pytest.approx(0.05) and pose.mean == pytest.approx(0.025) and pose.worst_frame == 40
    assert anywhere.worst == pytest.approx(0.0, abs=1e-6)  # it does not matter where


def test_what_is_far_off_is_not_met_and_its_line_says_so() -> None:
    """An error of centimetres is a figure; one of decimetres, or a contact that never happens, is said in words."""
    pin, moved = met()["pin"], JOINTS.copy()
    moved[0, 15] += [0.0, 0.48, 0.0]
    (error,) = report(Constraints((replace(pin, name="handle"),)), moved, WORLD)
    assert error.missed and error.to_json()["missed"] is True
    assert error.text().startswith("The pin 'handle' is not met: ") and "(at most 48.0 cm, in frame 15)" in error.text()
    for same in (report(Constraints((pin,)), JOINTS, WORLD), report(Constraints((replace(pin, weight=0.5),)), moved)):
        assert not same[0].missed and "missed" not in same[0].to_json() and "not met" not in same[0].text()
    turned = replace(pin, rotations=pin.rotations @ matrix_from_axis_angle(np.array([0.0, np.radians(40), 0.0])))
    assert report(Constraints((turned,)), JOINTS, WORLD)[0].missed
    apart = JOINTS + np.array([[[[0.0]]], [[[9.0]]]])
    (never,) = report(Constraints((TimingConstraint(10, "first contact"),)), apart, WORLD)
    assert never.missed and never.text().endswith("is not met: it never happens")


def test_blends_are_not_measured_and_wishes_are() -> None:
    pin = met()["pin"]
    moved = JOINTS.copy()
    moved[0, :10] += 1.0
    moved[0, 20:] += 1.0
    for weight in (1.0, 0.3):
        (error,) = report(Constraints((replace(pin, weight=weight),)), moved, WORLD)
        assert error.worst == pytest.approx(0.0, abs=1e-9)
    (error,) = report(Constraints((replace(pin, weight=0.0),)), moved, WORLD)
    assert error.worst is None


def test_a_distance_is_missed_by_what_it_falls_short() -> None:
    palm = place_points("right_hand", JOINTS[1], WORLD[1])[22]
    point = palm + np.array([0.1, 0.0, 0.0])
    near, away = (ContactConstraint(1, "right_hand", point, 22, 23, never_nearer=least) for least in (0.25, 0.1))
    first, second = report(Constraints((near, away)), JOINTS, WORLD)
    assert first.worst == pytest.approx(0.15) and second.worst == pytest.approx(0.0)


def test_the_first_contact_is_found() -> None:
    """A person whose palm comes to the other's chest in frame 20."""
    still = PosedSkeleton(SMPL_REST_OFFSETS, np.tile([1.0, 0, 0, 0], (40, 22, 1)), np.tile([0.0, 0.93, 0.0], (40, 1)))
    chest = place_points("chest", still.joints(), matrix_from_quaternion(still.rotations))[0]
    palm = place_points("left_hand", still.joints(), matrix_from_quaternion(still.rotations))[0]
    way = np.linspace(-1.0, 1.0, 40)[:, None] * [0.0, 0.0, 2.0] + [0.0, 0.0, 0.05]
    mover = replace(still, translation=still.translation + chest - palm - way)
    (error, part) = report_of_people(
        Constraints((TimingConstraint(14, "first contact"), TimingConstraint(14, 1))), (still, mover)
    )
    assert error.seconds is not None and abs(error.seconds - 5 / 30) <= 1 / 30 and part.seconds is None
    (never,) = report_of_people(
        Constraints((TimingConstraint(14, "first contact"),)),
        (still, replace(mover, translation=mover.translation + 9)),
    )
    assert never.seconds is None and never.missed and "never happens" in never.text()


def test_every_kind_has_a_line_and_a_record() -> None:
    for error, item in zip(report_of_people(one_of_each(), PEOPLE), one_of_each(), strict=True):
        assert error.text().startswith(error.label) and error.name == item.name and item.name in error.label
        record = error.to_json()
        assert record["label"] == error.label and all(value is not None for value in record.values())
