"""Generated clips that meet paths, poses, pins and contacts, and stay sound."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from generated_clips import generated

from model_core.constraints import (
    Constraint,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    Targets,
)
from model_core.constraints.report import ConstraintError, report_of_people
from model_core.kinematics import SolveSettings, solve
from model_core.kinematics.capsules import body_points, penetrations
from model_core.kinematics.targets.footsteps import _swung
from model_core.kinematics.targets.spread import spread, spread_pair
from model_core.kinematics.targets.stepping import BodyPath, PlacedStance
from model_core.metrics.physical import contact_distance_changes, jerk, joint_distances, skate
from model_core.motion import FPS, PosedSkeleton
from model_core.motion.canonical import CanonicalTransform, facing
from model_core.motion.forward_kinematics import forward_kinematics, global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    about_y,
    angle_between,
    axis_angle_from_quaternion,
    matrix_from_axis_angle,
    matrix_from_quaternion,
)
from model_core.motion.skeleton import SMPL

FRAMES = 120
WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))


@cache
def solved(name: str) -> list[PosedSkeleton]:
    return solve(generated(name))


def joints_of(people: Sequence[PosedSkeleton]) -> np.ndarray:
    return np.stack([person.joints() for person in people])


def met(
    name: str, *items: Constraint, held: int | None = None
) -> tuple[list[PosedSkeleton], np.ndarray, list[ConstraintError]]:
    """A clip that meets constraints, its joints, and how well it meets each of them."""
    constraints = Constraints(items)
    people = solve(generated(name), SolveSettings(held=held), targets=constraints)
    return people, joints_of(people), report_of_people(constraints, people)


def path(name: str, person: int, aside: np.ndarray, headings: bool = True) -> PathConstraint:
    """The own path of a person, moved by (T, 2) metres."""
    joints = joints_of(solved(name))[person]
    angles = facing(joints)
    own = np.stack((np.cos(angles), np.sin(angles)), -1) if headings else None
    return PathConstraint(person, tuple(range(FRAMES)), joints[:, 0, [0, 2]] + aside, own, dense=True)


def pose_from(name: str, person: int, frame: int, other: tuple[str, int, int], in_place: bool = True) -> PoseConstraint:
    """A pose of some clip, person and frame, for a person of a clip in ``frame``, where and how they stand there."""
    own, source = solved(name)[person], solved(other[0])[other[1]]
    turn = facing(own.joints()[frame]) - facing(source.joints()[other[2]])
    rotations = matrix_from_quaternion(source.rotations[[other[2]]])
    rotations[:, 0] = about_y(np.array(turn)) @ rotations[:, 0]
    root = np.array([[own.translation[frame, 0], 0.0, own.translation[frame, 2]]])
    # A pose counts from its lowest joint, on a body of average size.
    root[0, 1] = source.joints()[other[2], :, 1].min()
    root[0, 1] -= forward_kinematics(rotations, np.zeros((1, 3)), SMPL_REST_OFFSETS, SMPL)[..., 1].min()
    return PoseConstraint(person, (frame,), rotations, root, in_place=in_place)


def speeds(joints: np.ndarray) -> np.ndarray:
    """(P, T, J) m/s."""
    return np.linalg.norm(np.gradient(joints, axis=1), axis=-1) * FPS


def deepest(people: Sequence[PosedSkeleton]) -> float:
    """Metres by which bodies interpenetrate at most."""
    local = np.stack([matrix_from_quaternion(person.rotations) for person in people])
    offsets = np.stack([person.offsets for person in people])
    return float(penetrations(body_points(joints_of(people), global_rotations(local, SMPL), offsets))[0].max())


def ramp() -> np.ndarray:
    """(T, 1) from 0 to 1, slow at both ends."""
    share = np.linspace(0, 1, FRAMES)[:, None]
    return share * share * (3 - 2 * share)


S_CURVE = 0.6 * np.sin(np.linspace(0, 2 * np.pi, FRAMES))[:, None] * np.array([1.0, 0.0])
"""(T, 2) metres aside."""
ASIDE = np.array([0.5, 0.0])


# --- nothing new ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_targets_everything_is_as_before() -> None:
    for targets in (None, Targets.none(FRAMES)):
        for person, other in zip(solve(generated("shake"), targets=targets), solved("shake"), strict=True):
            np.testing.assert_array_equal(person.rotations, other.rotations)
            np.testing.assert_array_equal(person.translation, other.translation)


@pytest.mark.parametrize("name", ["walk", "shake", "hug", "bow"])
def test_targets_from_the_clip_itself_change_nothing(name: str) -> None:
    joints = joints_of(solved(name))
    items = [
        *(path(name, person, np.zeros(2)) for person in (0, 1)),
        pose_from(name, 0, 60, (name, 0, 60)),
        pose_from(name, 1, 30, (name, 1, 30), in_place=False),
        PinConstraint(1, "L_Wrist", 40, 70, joints[1, 40:70, WRISTS[0]], blend=0),
        PinConstraint(0, "Head", 80, 90, joints[0, 80:90, SMPL.index("Head")], blend=0),
    ]
    assert np.abs(met(name, *items)[1] - joints).max() < 1e-6


# --- paths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["walk", "shake", "hug", "bow"])
@pytest.mark.parametrize("headings", [True, False])
def test_a_path_aside_is_met_and_no_foot_slides(name: str, headings: bool) -> None:
    before = joints_of(solved(name))
    _, after, errors = met(name, path(name, 0, ramp() * ASIDE, headings))
    assert errors[0].worst is not None and errors[0].worst < 0.001
    if headings:
        assert errors[0].worst_angle is not None and errors[0].worst_angle < 0.5
    for person in (0, 1):
        assert skate(after[[person]]) < skate(before[[person]]) + 0.1
    assert jerk(after, FPS) < 1.25 * jerk(before, FPS)
    assert after[..., 1].min() > before[..., 1].min() - 0.005


def test_a_walk_follows_a_curve_and_turns_with_it() -> None:
    before = joints_of(solved("walk"))
    _, after, errors = met("walk", path("walk", 0, S_CURVE, headings=False))
    assert errors[0].worst is not None and errors[0].worst < 0.001
    assert skate(after[[0]]) < skate(before[[0]]) + 0.1 and skate(after[[1]]) < skate(before[[1]]) + 0.2
    assert jerk(after, FPS) < 1.5 * jerk(before, FPS)
    # Sideways walking would leave the walker's heading as it was: 40 degrees off the way.
    way = np.gradient(after[0, :, 0], axis=0)[20:100]
    off = np.arctan2(way[:, 0], way[:, 2]) - facing(after[0])[20:100]
    assert np.degrees(np.abs((off + np.pi) % (2 * np.pi) - np.pi).mean()) < 15
    # They walk arm in arm.
    apart = [np.linalg.norm(joints[0, :, 0] - joints[1, :, 0], axis=-1) for joints in (before, after)]
    assert np.abs(apart[1] - apart[0]).mean() < 0.05


def test_who_touches_moves_along_and_keeps_touching() -> None:
    before = joints_of(solved("shake"))
    _, after, _ = met("shake", path("shake", 0, S_CURVE, headings=False))
    assert contact_distance_changes(before, after, joint_distances(before) < 0.18).max() < 12
    _, after, _ = met("bow", path("bow", 0, S_CURVE, headings=False))
    np.testing.assert_array_equal(after[1], joints_of(solved("bow"))[1])


def test_who_is_pushed_is_not_walked_through() -> None:
    path_of_pusher = path("push", 0, S_CURVE, headings=False)
    before, after = solved("push"), met("push", path_of_pusher)[0]
    assert deepest(after) < deepest(before) + 0.02


def test_one_waypoint_moves_a_clip_as_a_whole() -> None:
    before = joints_of(solved("shake"))
    place = before[0, -1, 0, [0, 2]] + ASIDE
    _, after, errors = met("shake", PathConstraint(0, (FRAMES - 1,), place[None]))
    assert errors[0].worst is not None and errors[0].worst < 1e-6
    np.testing.assert_allclose(after, before + np.array([0.5, 0, 0]), atol=1e-3)


@pytest.mark.parametrize("degrees", [90, 360])
def test_who_stands_turns_in_steps(degrees: float) -> None:
    before = joints_of(solved("bow"))
    angles = facing(before[1]) + np.radians(degrees) * ramp()[:, 0]
    headings = np.stack((np.cos(angles), np.sin(angles)), -1)
    own = before[1, :, 0][:, [0, 2]]
    _, after, errors = met("bow", PathConstraint(1, tuple(range(FRAMES)), own, headings, dense=True))
    assert errors[0].worst_angle is not None and errors[0].worst_angle < 0.5
    assert skate(after[[1]]) < 0.1 and jerk(after, FPS) < 1.6 * jerk(before, FPS)


def test_a_wish_is_met_by_its_share() -> None:
    before = joints_of(solved("bow"))
    place = before[0, 60, 0, [0, 2]] + ASIDE
    _, after, _ = met("bow", PathConstraint(0, (60,), place[None], weight=0.5))
    assert 0.2 < after[0, 60, 0, 0] - before[0, 60, 0, 0] < 0.3


@pytest.mark.slow
def test_the_result_turns_with_the_world() -> None:
    transform = CanonicalTransform(2.0, np.array([3.0, 0.0, -1.0]))
    items = (
        path("shake", 0, S_CURVE),
        pose_from("shake", 1, 100, ("bow", 1, 60)),
        PinConstraint(1, "L_Wrist", 20, 50, joints_of(solved("shake"))[1, [35], WRISTS[0]] + [0.1, 0.3, 0.0]),
        ContactConstraint(0, "left_hand", "right_shoulder", 60, 80),
    )
    targets = Targets.of(Constraints(items), FRAMES)
    here = joints_of(solve(generated("shake"), targets=targets))
    moved = [transform.apply(person) for person in generated("shake")]
    there = joints_of(solve(moved, targets=targets.moved(transform)))
    np.testing.assert_allclose(here @ transform.rotation.T + transform.offset, there, atol=2e-3)


# --- poses ---------------------------------------------------------------------------------------------------------

POSES = [
    ("bow", 0, 60, ("bow", 0, 20)),
    ("bow", 0, 60, ("shake", 0, 60)),
    ("shake", 0, 60, ("shake", 0, 5)),
    ("walk", 0, 60, ("walk", 0, 80)),
    ("hug", 0, 70, ("hug", 0, 5)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "person", "frame", "other"), POSES)
@pytest.mark.parametrize("in_place", [True, False])
def test_a_pose_is_met_without_a_pop(
    name: str, person: int, frame: int, other: tuple[str, int, int], in_place: bool
) -> None:
    before = joints_of(solved(name))
    _, after, errors = met(name, pose_from(name, person, frame, other, in_place))
    assert errors[0].mean is not None and errors[0].mean < 0.005
    around = slice(frame - 20, frame + 21)
    elsewhere = np.delete(speeds(after)[person], np.arange(FRAMES)[around], axis=0)
    allowed = max(np.percentile(elsewhere, 99), np.percentile(speeds(before)[person], 99))
    assert speeds(after)[person, around].max() < 1.1 * max(allowed, speeds(before)[person, around].max())
    assert jerk(after, FPS) < 1.1 * jerk(before, FPS)
    if name in ("bow", "hug"):
        assert skate(after) < skate(before) + 0.1


@pytest.mark.parametrize(("person", "frame", "other"), [(1, 45, 80), (1, 45, 50), (0, 36, 80)])
def test_a_foot_that_swings_through_a_pose_clears_the_floor(person: int, frame: int, other: int) -> None:
    _, after, _ = met("walk", pose_from("walk", person, frame, ("walk", person, other)))
    toes = after[person, frame - 15 : frame + 16][:, [SMPL.index("L_Foot"), SMPL.index("R_Foot")], 1]
    assert toes.min() > -0.003


@pytest.mark.slow
def test_poses_in_every_fifth_frame_do_not_disturb_each_other() -> None:
    joints = joints_of(solved("shake"))
    frames = tuple(range(20, 100, 5))
    source = solved("bow")[0]
    poses = [pose_from("shake", 1, frame, ("bow", 0, frame)) for frame in frames]
    _, after, errors = met("shake", *poses)
    assert all(error.mean is not None and error.mean < 0.005 for error in errors)
    assert len(source) == FRAMES and np.isfinite(after).all() and np.abs(after[0] - joints[0]).max() < 0.3


# --- pins ----------------------------------------------------------------------------------------------------------


def pinned(name: str, person: int, joint: str, by: tuple[float, float, float], **more: np.ndarray) -> PinConstraint:
    """A joint for one second at a point that is ``by`` metres (left, up, forward) from where it is in frame 60."""
    joints = solved(name)[person].joints()[60]
    point = joints[SMPL.index(joint)] + about_y(np.array(facing(joints))) @ np.array(by)
    return PinConstraint(person, joint, 45, 75, point[None], **more)


PINS = [
    ("bow", 0, "R_Wrist", (-0.1, 0.15, 0.15)),
    ("bow", 0, "R_Wrist", (-0.2, 0.6, 0.2)),
    ("bow", 0, "R_Wrist", (-0.3, 0.2, 0.9)),
    ("walk", 0, "R_Wrist", (-0.1, 0.2, 0.1)),
    ("shake", 1, "L_Wrist", (0.15, 0.3, 0.2)),
    ("bow", 1, "Head", (0.1, -0.15, 0.1)),
    ("bow", 1, "Pelvis", (0.1, -0.2, 0.1)),
    ("bow", 1, "R_Ankle", (-0.1, 0.25, 0.3)),
    ("bow", 1, "L_Foot", (0.1, 0.0, 0.2)),
]


@pytest.mark.parametrize(("name", "person", "joint", "by"), PINS)
def test_a_pin_holds_and_the_wrist_stays_in_its_range(
    name: str, person: int, joint: str, by: tuple[float, float, float]
) -> None:
    before = joints_of(solved(name))
    people, after, errors = met(name, pinned(name, person, joint, by))
    assert errors[0].worst is not None and errors[0].worst < 0.001
    bends = np.linalg.norm(axis_angle_from_quaternion(people[person].rotations[:, WRISTS]), axis=-1)
    assert np.degrees(bends).max() < 85
    steps = angle_between(*(matrix_from_quaternion(people[person].rotations)[part] for part in (np.s_[1:], np.s_[:-1])))
    assert np.degrees(steps).max() < 30
    assert speeds(after)[person].max() < max(2.5, 1.05 * speeds(before)[person].max())
    assert skate(after) < skate(before) + 0.15 and jerk(after, FPS) < 1.1 * jerk(before, FPS)


def test_a_pinned_hand_is_oriented_as_asked() -> None:
    turn = about_y(np.array(2.0))[None]
    _, _, errors = met("shake", pinned("shake", 1, "L_Wrist", (0.15, 0.3, 0.2), rotations=turn))
    assert errors[0].worst is not None and errors[0].worst < 0.001
    assert errors[0].worst_angle is not None and errors[0].worst_angle < 1


def test_a_hand_is_not_turned_beyond_the_range_of_its_wrist() -> None:
    now = matrix_from_quaternion(solved("bow")[0].rotations)[60]
    world = global_rotations(now[None], SMPL)[0, WRISTS[1]]
    for axis in np.eye(3):
        turn = (world @ matrix_from_axis_angle(2.6 * axis))[None]
        people, _, errors = met("bow", pinned("bow", 0, "R_Wrist", (-0.1, 0.3, 0.2), rotations=turn))
        assert errors[0].worst is not None and errors[0].worst < 0.001
        bends = np.linalg.norm(axis_angle_from_quaternion(people[0].rotations[:, WRISTS]), axis=-1)
        assert np.degrees(bends).max() < 85


# --- contacts ------------------------------------------------------------------------------------------------------

CONTACTS = [
    ("bow", ContactConstraint(0, "right_hand", "right_hand", 50, 80)),
    ("shake", ContactConstraint(0, "left_hand", "face", 60, 90)),
    ("shake", ContactConstraint(1, "left_hand", "left_shoulder", 60, 90)),
    ("bow", ContactConstraint(1, "left_hand", np.array([0.2, 1.1, 0.9]), 40, 70)),
    ("hug", ContactConstraint(0, "chest", "chest", 40, 80, never_nearer=0.5)),
]


@pytest.mark.parametrize(("name", "contact"), CONTACTS)
def test_a_contact_holds(name: str, contact: ContactConstraint) -> None:
    before = joints_of(solved(name))
    _, after, errors = met(name, contact)
    assert errors[0].worst is not None and errors[0].worst < 0.005
    assert skate(after) < skate(before) + 0.15 and jerk(after, FPS) < 1.3 * jerk(before, FPS)


def test_a_held_person_never_moves() -> None:
    before = solve(generated("shake"), SolveSettings(held=0))
    items = (ContactConstraint(1, "left_hand", "left_shoulder", 60, 90), path("shake", 0, S_CURVE))
    people, _, errors = met("shake", *items, held=0)
    np.testing.assert_array_equal(people[0].rotations, before[0].rotations)
    np.testing.assert_array_equal(people[0].translation, before[0].translation)
    assert errors[0].worst is not None and errors[0].worst < 0.005


@pytest.mark.parametrize("first", [True, False])
def test_kept_frames_stay_and_what_follows_leads_on_from_them(first: bool) -> None:
    kept = np.zeros((2, FRAMES), dtype=bool)
    kept[:, : 50 if first else FRAMES], kept[0, 50:] = True, False
    before = solved("shake")
    items = (
        PathConstraint(0, (100,), before[0].translation[100:101, [0, 2]] + ASIDE),
        pose_from("shake", 0, 60, ("bow", 0, 60)),
        PinConstraint(0, "L_Wrist", 75, 95, before[0].joints()[[85], WRISTS[0]] + [0.0, 0.3, 0.0]),
    )
    people = solve(generated("shake"), targets=Constraints(items), kept=kept)
    for person, other, stays in zip(people, before, kept, strict=True):
        np.testing.assert_array_equal(person.rotations[stays], other.rotations[stays])
        np.testing.assert_array_equal(person.translation[stays], other.translation[stays])
    errors, after = report_of_people(Constraints(items), people), joints_of(people)
    assert all(error.worst is not None and error.worst < 0.001 for error in errors)
    assert jerk(after, FPS) < 1.4 * jerk(joints_of(before), FPS)
    assert speeds(after)[0, 45:60].max() < 2.5


# --- kinds of motion -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 16])
def test_short_clips(frames: int) -> None:
    people = [person.frames(0, frames) for person in generated("shake")]
    items = (
        PathConstraint(0, (0,), np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]])),
        PinConstraint(1, "L_Wrist", 0, frames, people[1].joints[:1, WRISTS[0]] + 0.1),
    )
    result = solve(people, targets=Targets.of(Constraints(items), frames))
    assert all(
        error.worst is not None and error.worst < 0.001 for error in report_of_people(Constraints(items), result)
    )


def test_one_person_alone() -> None:
    person = generated("walk")[0]
    places = person.joints[[0, 60, 119], 0][:, [0, 2]] + [[0, 0], [0.5, 0], [1, 0]]
    targets = Targets.of(Constraints((PathConstraint(0, (0, 60, 119), places),)), FRAMES)
    joints = solve([person], targets=targets)[0].joints()
    np.testing.assert_allclose(joints[[0, 60, 119], 0][:, [0, 2]], places, atol=1e-6)
    assert skate(joints[None]) < 0.5


def test_targets_of_another_length_are_refused() -> None:
    targets = Targets.of(Constraints((PathConstraint(0, (3,), np.zeros((1, 2))),)), 60)
    with pytest.raises(ValueError, match="60 frames"):
        solve(generated("bow"), targets=targets)


# --- spread corrections --------------------------------------------------------------------------------------------


def test_a_correction_is_spread_as_its_kernel_says() -> None:
    values, fixed = np.zeros((121, 1)), np.zeros(121, dtype=bool)
    values[60], fixed[60] = 1, True
    away = np.abs(np.arange(121) - 60) / 8
    kernel = (1 + away + away**2 / 3) * np.exp(-away)
    np.testing.assert_allclose(spread(values, fixed, length=8.0)[:, 0], kernel, atol=0.006)
    np.testing.assert_allclose(spread(values, fixed, length=8.0, returns=False), 1, atol=1e-6)


def test_given_values_are_met_and_bound_people_move_together() -> None:
    rng = np.random.default_rng(3)
    fixed = rng.random((2, 200)) < 0.2
    values = rng.normal(size=(2, 200, 2))
    both = spread(values, fixed, length=np.array([5.0, 12.0]))
    np.testing.assert_allclose(both[fixed], values[fixed], atol=1e-9)
    values[0] = np.sin(np.arange(200) / 20)[:, None]
    fixed[0], fixed[1] = True, False
    bond, apart = np.where(np.arange(200) > 150, 200.0, 0.0), np.full((200, 2), (0.3, -0.2))
    result = spread_pair(values, fixed, np.zeros((2, 200)), bond, apart, 10.0)
    np.testing.assert_allclose(result[0], values[0], atol=1e-9)
    np.testing.assert_allclose((result[0] - result[1])[bond > 0], apart[bond > 0], atol=0.03)


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_a_foot_moves_from_a_stance_to_one_that_touches_it(shared: int) -> None:
    frames = 40
    foot = np.zeros((frames, 2, 3))
    path = BodyPath(np.zeros((frames, 2)), np.linspace(0, 0.2, frames), np.ones((frames, 3)))
    stances = [PlacedStance(5, 20, slice(5, 20)), PlacedStance(20 - shared, 35, slice(20 - shared, 35))]
    moved, turn = _swung(foot, foot, stances, path, 0.0, np.zeros(frames, dtype=bool), FPS)
    assert np.isfinite(moved).all() and np.isfinite(turn).all()
    assert np.linalg.norm(np.diff(moved, axis=0), axis=-1).max() < 0.2 and turn.max() < 0.2
