"""Every constraint that cannot be met is one sentence that names it, and what can be met in part is so when asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from constraint_examples import one_of_each, pose_of

from model_core.constraints import (
    Constraint,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    Targets,
    TimingConstraint,
    Wording,
    report,
)
from model_core.constraints.checks import ClipLimits, check
from model_core.constraints.types import frames_of
from model_core.errors import UserError
from model_core.motion import SMPL

CLIP = ClipLimits(60)
PATH = PathConstraint(0, (0, 30, 59), np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 2.0]]), name="way")
PIN = PinConstraint(0, "L_Wrist", 20, 40, np.array([[0.5, 1.2, 1.5]]), name="handle")
CONTACT = ContactConstraint(1, "right_hand", "left_shoulder", 10, 30, name="pat")
STANDING = PoseConstraint(
    1, (45,), np.broadcast_to(np.eye(3), (1, 22, 3, 3)).copy(), np.array([[0.0, 0.93, 0.0]]), name="still"
)


def held(*people: int) -> ClipLimits:
    frames = np.zeros((2, 60), dtype=bool)
    frames[list(people)] = True
    return ClipLimits(60, frames)


def kept(start: int, stop: int) -> ClipLimits:
    frames = np.zeros((2, 60), dtype=bool)
    frames[:, start:stop] = True
    return ClipLimits(60, frames)


def refused(*items: Constraint, clip: ClipLimits = CLIP) -> str:
    with pytest.raises(UserError) as error:
        check(Constraints(items), clip)
    sentence = str(error.value)
    assert sentence.endswith(".") and sentence[0].isupper()
    return sentence


def test_what_can_be_met_is_unchanged() -> None:
    items = (PATH, PIN, CONTACT, STANDING, TimingConstraint(30, "first contact"), TimingConstraint(20, 1))
    for partly in (False, True):
        assert check(Constraints(items), CLIP, partly).items == items
    assert len(check(Constraints(items), replace(CLIP, parts=2))) == 6


NAN = float("nan")
MIRROR = np.diag([-1.0, 1.0, 1.0])[None]
WORTHLESS = {
    "weight": (replace(PATH, weight=1.5), "1.5"),
    "weight is no number": (replace(PIN, weight=NAN), "nan"),
    "person": (replace(PIN, person=2), "person 2"),
    "no frames": (replace(PATH, frames=(), places=np.zeros((0, 2))), "no frames"),
    "twice": (replace(PATH, frames=(0, 30, 30)), "30"),
    "places are no numbers": (replace(PATH, places=PATH.places * [1, NAN]), "numbers at frame 0"),
    "points are no numbers": (replace(PIN, points=np.full((1, 3), np.inf)), "not numbers at frame 20"),
    "pose is no number": (replace(STANDING, roots=np.full((1, 3), NAN)), "not numbers at frame 45"),
    "shape": (replace(PIN, points=np.zeros((4, 3))), "(4, 3)"),
    "no direction": (replace(PATH, headings=np.zeros((3, 2))), "heading without a direction at frame 0"),
    "curve without length": (replace(PATH, places=np.zeros((3, 2)), dense=True), "curve without length"),
    "curve of one point": (replace(PATH, frames=(3,), places=np.zeros((1, 2)), dense=True), "curve without length"),
    "mirrored": (replace(PIN, rotations=MIRROR), "negative scale"),
    "mirrored pose": (replace(STANDING, rotations=STANDING.rotations * MIRROR), "negative scale"),
    "scaled": (replace(PIN, rotations=2 * np.eye(3)[None]), "scaled"),
    "no joints": (replace(STANDING, joints=()), "no joint"),
    "joint": (replace(PIN, joint="L_Knee"), "L_Knee"),
    "interval": (replace(PIN, stop=20), "20"),
    "blend": (replace(PIN, blend=-1), "-1"),
    "place": (replace(CONTACT, place="tail"), "tail"),
    "other place": (replace(CONTACT, on="tail"), "tail"),
    "point": (replace(CONTACT, on=np.array([0.0, NAN, 0.0])), "not numbers"),
    "distance": (replace(CONTACT, never_nearer=-0.1), "-0.1"),
    "event": (TimingConstraint(3, "kiss", name="lips"), "kiss"),  # type: ignore[arg-type]
    "negative part": (TimingConstraint(3, -1, name="lips"), "-1"),
}


@pytest.mark.parametrize("case", WORTHLESS)
def test_values_that_mean_nothing_are_never_accepted(case: str) -> None:
    item, words = WORTHLESS[case]
    sentence = refused(item)
    assert words in sentence and f"'{item.name}'" in sentence, sentence
    with pytest.raises(UserError):
        check(Constraints((item,)), CLIP, partly=True)


FAST = replace(PATH, places=np.array([[0.0, 0.0], [7.0, 0.0], [8.0, 0.0]]))
UNMEETABLE: dict[str, tuple[tuple[Constraint, ...], ClipLimits, list[str], list[int] | None]] = {
    "outside": ((replace(PIN, stop=80),), CLIP, ["'handle'", "20 to 79", "0 to 59"], list(range(20, 60))),
    "before": ((PathConstraint(0, (-5, 10), np.zeros((2, 2))),), CLIP, ["path of person 0", "-5"], [10]),
    "wholly outside": ((replace(CONTACT, start=60, stop=70),), CLIP, ["'pat'"], None),
    "timing outside": ((TimingConstraint(99, "first contact"),), CLIP, ["a timing", "frame 99"], None),
    "leader": ((PIN,), held(0), ["'handle'", "given", "person 1"], None),
    "kept": ((PIN,), kept(25, 32), ["'handle'", "frame 25", "kept"], list(range(32, 40))),
    "kept places": ((PATH,), kept(0, 20), ["'way'", "frame 0"], [30, 59]),
    "first part": ((TimingConstraint(5, 0),), ClipLimits(60, parts=2), ["part 0", "frame 0"], None),
    "no frame before": ((TimingConstraint(1, 2),), ClipLimits(60, parts=4), ["no frame", "2 to 58"], None),
    "no frame after": ((TimingConstraint(59, 2),), ClipLimits(60, parts=4), ["no frame", "2 to 58"], None),
    "part": ((TimingConstraint(30, 2),), ClipLimits(60, parts=2), ["part 2", "0 to 1"], None),
    "speed": ((FAST,), CLIP, ["'way'", "7.0 m/s", "0 and 30", "6 m/s"], [0, 59]),
    "speed of a curve": ((replace(FAST, dense=True),), CLIP, ["'way'", "m/s"], [0]),
    "high": ((replace(PIN, points=np.array([[0, 2.5, 0]])),), CLIP, ["'handle'", "2.50 m above", "wrist"], [20]),
    "high foot": ((replace(PIN, joint="L_Ankle", points=np.array([[0, 2.3, 0]])),), CLIP, ["ankle"], [20]),
    "low": ((replace(PIN, points=np.array([[0, -1.5, 0]])),), CLIP, ["1.50 m under", "higher"], [20]),
}


@pytest.mark.parametrize("case", UNMEETABLE)
def test_what_cannot_be_met_is_named_and_left_out_on_demand(case: str) -> None:
    items, clip, words, remaining = UNMEETABLE[case]
    sentence = refused(*items, clip=clip)
    assert all(word in sentence for word in words), sentence
    rest = check(Constraints(items), clip, partly=True)
    assert (not len(rest)) == (remaining is None)
    if remaining is not None:
        frames = frames_of(rest.items[-1])
        assert set(remaining) <= set(frames)
        assert all(frame in range(clip.frames) for frame in frames)
    assert check(rest, clip).items == rest.items  # nothing is left to refuse


def test_two_constraints_together_can_be_too_fast() -> None:
    there = PathConstraint(0, (40,), np.array([[9.0, 0.0]]), name="there")
    sentence = refused(PATH, there)
    assert "'way'" in sentence and "'there'" in sentence and "30 and 40" in sentence
    assert check(Constraints((PATH, there)), CLIP, partly=True).items == (PATH,)
    refused(PATH, replace(PIN, joint="Pelvis", points=np.array([[9.0, 0.9, 0.0]])))
    assert len(check(Constraints((PATH, replace(there, weight=0.5))), CLIP)) == 2  # only a wish


def test_a_pin_is_reached_from_where_the_person_must_be() -> None:
    place = PathConstraint(0, (30,), np.array([[0.5, 0.0]]), name="here")
    assert len(check(Constraints((place, replace(PIN, points=np.array([[0.5, 1.2, 0.6]])))), CLIP)) == 2
    far = replace(PIN, points=np.array([[0.5, 1.2, 2.6]]))
    sentence = refused(place, far)
    assert all(word in sentence for word in ("'handle'", "'here'", "frame 30", "2.6", "left wrist")), sentence
    (_, near) = check(Constraints((place, far)), CLIP, partly=True).items
    assert isinstance(near, PinConstraint)
    # Only where the place binds; there it is as far as the arm reaches, on the same side.
    np.testing.assert_array_equal(near.points[[0, 9, 11, 19]], np.broadcast_to(far.points, (4, 3)))
    assert 0.7 < near.points[10, 2] < 0.9 and near.points[10, 0] == pytest.approx(0.5)
    # A hand on a point reaches as much further as the palm is from the wrist.
    touch = ContactConstraint(0, "left_hand", np.array([0.5, 1.2, 2.6]), 20, 40, name="knob")
    assert "'knob'" in refused(place, touch)
    (_, rest) = check(Constraints((place, touch)), CLIP, partly=True).items
    assert isinstance(rest, ContactConstraint) and (rest.start, rest.stop) == (20, 30)  # it binds until then
    assert len(check(Constraints((place, replace(touch, person=1))), CLIP)) == 2


def test_a_point_that_is_passed_cannot_be_held() -> None:
    """At a walk of 1 m/s an arm's length is behind a walker within a second: held on, the hand was 15 to 21 cm off."""
    walk = PathConstraint(0, (0, 59), np.array([[0.0, 0.0], [0.0, 2.0]]), dense=True, name="way")
    knob = ContactConstraint(0, "right_hand", np.array([-0.3, 1.0, 0.67]), 20, 50, name="knob")
    sentence = refused(walk, knob)
    assert all(word in sentence for word in ("'knob'", "'way'", "reaches 0.88 m", "or end it in frame 4")), sentence
    (_, rest) = check(Constraints((walk, knob)), CLIP, partly=True).items
    assert isinstance(rest, ContactConstraint) and 40 < rest.stop < 48
    assert check(Constraints((walk, rest)), CLIP).items == (walk, rest)
    # What is met while passing is asked for as it was, and so is a pose that leans.
    assert len(check(Constraints((walk, replace(knob, stop=32))), CLIP)) == 2
    lunge = replace(STANDING, person=0)
    assert len(check(Constraints((lunge, replace(knob, on=np.array([0.0, 1.0, 1.0]), start=45))), CLIP)) == 2


def test_nobody_bends_to_the_floor_on_a_path() -> None:
    """From a given place a hand came to within 15 cm of a point 0.3 m high, and was 48 cm off one at the floor."""
    walk = PathConstraint(0, (0, 59), np.array([[0.0, 0.0], [0.0, 0.4]]), dense=True, name="way")
    low = ContactConstraint(0, "right_hand", np.array([-0.2, 0.1, 0.4]), 20, 30, name="coin")
    sentence = refused(walk, low)
    assert all(word in sentence for word in ("'coin'", "1.20 m below", "'way'", "frame 20", "pose that bends")), (
        sentence
    )
    assert check(Constraints((walk, low)), CLIP, partly=True).items == (walk,)
    pin = PinConstraint(0, "R_Wrist", 20, 30, np.array([[-0.2, 0.1, 0.4]]))
    assert "right wrist reaches 0.80 m" in refused(walk, pin)
    (_, met) = check(Constraints((walk, pin)), CLIP, partly=True).items
    assert isinstance(met, PinConstraint) and (met.points[:, 1] > 0.45).all()  # as low as the hand comes
    crouch = replace(STANDING, person=0, frames=tuple(range(20, 30)), roots=np.tile([0.0, 0.4, 0.3], (10, 1)))
    crouch = replace(crouch, rotations=np.broadcast_to(np.eye(3), (10, 22, 3, 3)).copy())
    assert len(check(Constraints((crouch, low)), CLIP)) == 2
    assert len(check(Constraints((walk, replace(low, on=np.array([-0.2, 0.6, 0.4])))), CLIP)) == 2
    assert len(check(Constraints((low,)), CLIP)) == 1  # the prompt may say that they kneel


def test_a_short_pin_can_be_jumped_to() -> None:
    high = replace(PIN, points=np.array([[0.5, 2.3, 1.5]]))
    refused(high)
    assert len(check(Constraints((replace(high, stop=30),)), CLIP)) == 1
    assert len(check(Constraints((high,)), replace(CLIP, floor=0.5))) == 1


HERE = PathConstraint(1, (45,), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]), name="here")
OTHER_PIN = replace(PIN, start=35, stop=50, points=np.array([[0.5, 1.0, 1.5]]), name="rail")
CONTRADICTIONS: dict[str, tuple[Constraint, Constraint, list[str]]] = {
    "two pins": (PIN, OTHER_PIN, ["left wrist of person 0", "0.20 m apart", "frame 35"]),
    "path and pose": (replace(HERE, places=np.array([[0.3, 0.0]])), STANDING, ["0.30 m apart", "frame 45"]),
    "heading and pose": (replace(HERE, headings=np.array([[0.0, 1.0]])), STANDING, ["face", "90 degrees"]),
    "pin and pose": (
        replace(PIN, person=1, start=40, stop=50, joint="Head"), STANDING, ["head of person 1", "frame 45"]
    ),
    "two poses": (
        pose_of(1, 0, (30,), in_place=False, name="bow"),
        pose_of(2, 0, (30,), in_place=False, name="sit"),
        ["degrees", "frame 30"],
    ),
    "two contacts": (CONTACT, replace(CONTACT, on="belly", name="belly"), ["10 to 29"]),
    "contact and distance": (CONTACT, replace(CONTACT, never_nearer=0.5, name="away"), ["10 to 29"]),
    "contact and pin": (
        PIN, ContactConstraint(0, "left_hand", np.array([0.5, 1.2, 1.0]), 30, 50, name="knob"), ["30 to 39"],
    ),
    "first contact": (
        TimingConstraint(10, "first contact", name="meet"), TimingConstraint(20, "first contact", name="hit"),
        ["10 and 20"],
    ),
    "no frame between parts": (TimingConstraint(40, 1, name="bow"), TimingConstraint(41, 3, name="go"), ["40 and 41"]),
    "order of parts": (TimingConstraint(40, 1, name="bow"), TimingConstraint(40, 2, name="go"), ["40 and 40"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_told_with_both_names(case: str) -> None:
    first, second, words = CONTRADICTIONS[case]
    sentence = refused(first, second)
    assert all(word in sentence for word in (*words, f"'{first.name}'", f"'{second.name}'")), sentence
    # The one with the greater weight counts.
    assert len(check(Constraints((first, replace(second, weight=0.5))), CLIP)) == 2
    rest = check(Constraints((first, second)), CLIP, partly=True)
    assert rest.items[0] is first
    assert check(rest, CLIP).items == rest.items


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PIN, replace(OTHER_PIN, start=40)),  # one after the other
        (PIN, replace(OTHER_PIN, person=1)),
        (PIN, replace(OTHER_PIN, joint="R_Wrist")),
        (HERE, STANDING),
        (CONTACT, replace(CONTACT, place="left_hand", on="right_shoulder")),
        (CONTACT, replace(CONTACT, on="face", never_nearer=0.2)),
        (PIN, ContactConstraint(0, "left_hand", np.array([0.5, 1.2, 1.58]), 30, 50)),
        (TimingConstraint(10, 1), TimingConstraint(20, 2)),
    ],
)
def test_what_agrees_is_no_contradiction(first: Constraint, second: Constraint) -> None:
    assert len(check(Constraints((first, second)), CLIP)) == 2


def test_what_is_unnamed_is_named_by_its_place_in_the_list() -> None:
    assert refused(PATH, replace(PIN, name="", person=7)).startswith("Constraint 2 (a pin of person 7)")
    # Also after an earlier one was left out.
    items = (replace(PIN, start=70, stop=80), replace(PATH, name=""), replace(PATH, frames=(0, 1, 59), name=""))
    rest = check(Constraints(items), CLIP, partly=True)
    assert all(isinstance(item, PathConstraint) for item in rest)


def test_one_of_every_kind_is_checked_without_a_programming_error() -> None:
    for item in one_of_each():
        for clip in (CLIP, kept(0, 30), held(0), ClipLimits(30, parts=1)):
            rest = check(Constraints((item,)), clip, partly=True)
            assert check(rest, clip).items == rest.items


def test_a_pin_has_its_limb_and_the_pose_the_rest() -> None:
    """A pinned hand is no contradiction to a pose: a hand that is held elsewhere follows its pin."""
    pin = replace(PIN, person=1, start=40, stop=50, points=np.array([[0.3, 1.2, 0.3]]))
    checked = check(Constraints((STANDING, pin)), CLIP)
    targets = Targets.of(checked, 60)
    arm = [SMPL.index(name) for name in ("L_Shoulder", "L_Elbow", "L_Wrist")]
    bound = targets.joint_weight[1, 45] > 0
    assert bound[arm].tolist() == [False, False, True] and np.delete(bound, arm).all()
    np.testing.assert_allclose(targets.joints[1, 45, arm[-1]], pin.points[0])
    assert check(Constraints((STANDING, pin)), CLIP, partly=True).items[0].released is not None
    # Where the pin is at the hand of the pose, the whole pose stays.
    wrist = Targets.of(Constraints((STANDING,)), 60).joints[1, 45, arm[-1]]
    same = check(Constraints((STANDING, replace(pin, points=wrist[None]))), CLIP)
    assert (Targets.of(same, 60).joint_weight[1, 45] > 0).all()
    # A wish does not move the hand of a pose that is required.
    wish = check(Constraints((STANDING, replace(pin, weight=0.5))), CLIP)
    np.testing.assert_allclose(Targets.of(wish, 60).joints[1, 45, arm[-1]], wrist)
    # The report measures what the pose still asks for.
    joints = np.tile(Targets.of(checked, 60).joints[:, 45][:, None], (1, 60, 1, 1))
    joints[1, :, arm[:2]] += 0.5
    assert report(checked, joints)[0].worst < 1e-6


def test_messages_count_as_the_caller_does() -> None:
    wording = Wording(lambda item, number: item.name, str, ("Jane", "John"), lambda frame: 10 + frame)
    with pytest.raises(UserError, match=r"^handle and grip want the left wrist of Jane at .* in frame 45; "):
        check(Constraints((PIN, replace(OTHER_PIN, name="grip"))), CLIP, wording=wording)
    with pytest.raises(UserError, match=r"^way asks Jane for 7.0 m/s between the frames 10 and 40; "):
        check(Constraints((FAST,)), CLIP, wording=wording)
    with pytest.raises(UserError, match=r"^handle is 2.50 m above the floor in frame 30, "):
        check(Constraints((replace(PIN, points=np.array([[0, 2.5, 0]])),)), CLIP, wording=wording)
    with pytest.raises(UserError, match=r"^handle is at frames 30 to 89, but the clip has the frames 10 to 69; "):
        check(Constraints((replace(PIN, stop=80),)), CLIP, wording=wording)
    with pytest.raises(UserError, match=r"^pat is for John, whose motion is given and stays; choose Jane\."):
        check(Constraints((CONTACT,)), held(1), wording=wording)
