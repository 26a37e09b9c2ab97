"""Feet, floors and touching hands: made scenes whose truth is known, spoiled as decoded tokens spoil them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from couple_examples import TOES, couple_holding_hands, limb_to, person, standing

from model_core.kinematics import FITTED, RAW_FIT, SolveSettings, solve
from model_core.kinematics.capsules import CAPSULES, L_PALM, PALM_RADIUS, R_PALM, body_points, nearest_on_segments
from model_core.kinematics.contacts import stance_runs
from model_core.kinematics.limbs import ARMS, LEGS
from model_core.kinematics.pose import PoseBatch
from model_core.metrics.physical import (
    FOOT_JOINTS,
    contact_distance_changes,
    floating,
    foot_rotation_steps,
    jerk,
    joint_distances,
    skate,
)
from model_core.motion import FPS, Motion, PosedSkeleton
from model_core.motion.rotations import about_y, matrix_from_axis_angle, matrix_from_quaternion
from model_core.motion.skeleton import SMPL


def spoiled(truth: PosedSkeleton, seed: int, drift: float = 0.02, jitter: float = 0.012) -> Motion:
    """Joints with noise, feet that drift, rotations off by some degrees: what decoded tokens look like."""
    rng = np.random.default_rng(seed)
    joints = truth.joints()
    joints = joints + rng.normal(0, jitter, joints.shape)
    slow = np.sin(2 * np.pi * 0.8 * np.arange(len(joints))[:, None] / FPS + rng.uniform(0, 6, 3))
    joints[:, FOOT_JOINTS] += drift * slow[:, None]
    rotations = matrix_from_quaternion(truth.rotations[:, 1:])
    rotations = rotations @ matrix_from_axis_angle(rng.normal(0, 0.04, (*rotations.shape[:2], 3)))
    return Motion(joints, rotations)


@pytest.fixture(scope="module")
def couple() -> list[PosedSkeleton]:
    return couple_holding_hands()


def joints_of(people: list[PosedSkeleton]) -> np.ndarray:
    return np.stack([one.joints() for one in people])


def test_the_made_couple_is_sound(couple: list[PosedSkeleton]) -> None:
    joints = joints_of(couple)
    assert skate(joints) < 6
    assert abs(floating(joints)) < 15
    assert (joint_distances(joints).min(axis=(1, 2)) < 0.12).mean() > 0.9


def test_feet_stand_and_hands_hold(couple: list[PosedSkeleton]) -> None:
    motions = [spoiled(one, seed) for seed, one in enumerate(couple)]
    before, fitted, after = (joints_of(solve(motions, s)) for s in (RAW_FIT, FITTED, SolveSettings()))
    assert skate(after) < 3
    assert skate(after) < 0.4 * skate(before)
    assert abs(floating(after)) < 15
    assert jerk(after, FPS) < jerk(before, FPS)
    assert after[..., TOES, 1].min() > -0.005
    changes = contact_distance_changes(fitted, after)
    assert len(changes) > 200
    assert changes.max() < 10


def test_feet_and_knees_do_not_pop(couple: list[PosedSkeleton]) -> None:
    motions = [spoiled(one, seed) for seed, one in enumerate(couple)]
    for truth, solved in zip(couple, solve(motions), strict=True):
        assert foot_rotation_steps(solved).max() < foot_rotation_steps(truth).max() + 25
        knees = solved.rotations[:, (4, 5)]
        steps = 2 * np.arccos(np.clip((knees[1:] * knees[:-1]).sum(-1), -1, 1))
        assert np.rad2deg(steps).max() < 25


def test_sound_motion_is_hardly_touched(couple: list[PosedSkeleton]) -> None:
    truth = joints_of(couple)
    solved = joints_of(solve([one.motion() for one in couple], SolveSettings(ground=False)))
    upper = [joint for joint in range(22) if joint not in (4, 5, *FOOT_JOINTS)]
    moved = 1000 * np.linalg.norm(solved - truth, axis=-1)
    assert moved[..., upper].mean() < 8
    assert moved[..., FOOT_JOINTS].mean() < 4
    assert moved[..., FOOT_JOINTS].max() < 40


def test_both_stand_on_one_floor(couple: list[PosedSkeleton]) -> None:
    higher = replace(couple[1], translation=couple[1].translation + np.array([0, 0.06, 0]))
    sunk = [replace(one, translation=one.translation - [0, 0.1, 0]) for one in (couple[0], higher)]
    joints = joints_of(solve([one.motion() for one in sunk]))
    for one in joints:
        assert abs(floating(one[None])) < 15


def test_a_held_leader_stays_as_he_is(couple: list[PosedSkeleton]) -> None:
    leader = couple[0]
    solved = solve([leader.motion(), spoiled(couple[1], 5)], SolveSettings(held=0))
    np.testing.assert_allclose(solved[0].joints(), leader.joints(), atol=1e-6)
    assert skate(solved[1].joints()[None]) < 3


def test_a_foot_that_creeps_stands_as_often_whichever_way_it_creeps() -> None:
    # A stand is cut where the foot was moved too far; how far must not depend on the world's axes.
    creeping = np.zeros((60, 3))
    creeping[:, 0] = np.linspace(0, 0.13, 60)
    creeping[:, 2] = 0.11 * np.sin(np.arange(60) * np.pi / 59)
    always = np.ones(60, dtype=bool)
    expected = stance_runs(creeping, always, always, FPS)
    for degrees in range(10, 360, 10):
        turned = creeping @ about_y(np.array(np.deg2rad(degrees))).T
        np.testing.assert_array_equal(stance_runs(turned, always, always, FPS), expected)


@pytest.mark.parametrize(("pace", "sway"), [(0.5, 0.005), (0.8, 0.005), (0.8, 0.03), (1.2, 0.1)])
def test_who_glides_on_both_feet_takes_steps_and_is_not_in_the_air(pace: float, sway: float) -> None:
    # Both soles lie on the floor all the time, and both feet are on their way, now the one and now the other a little
    # quicker: whoever lifts what travels has this person hover.
    time = np.arange(150) / FPS
    glider = standing(np.stack((0 * time, pace * time), -1), 0 * time)
    for side, leg in enumerate(LEGS):
        along = pace * time + (1 - 2 * side) * sway * np.sin(2 * np.pi * time)
        ankle = np.stack((np.full(len(time), 0.1 - 0.2 * side), np.full(len(time), 0.075), along - 0.03), -1)
        glider = limb_to(glider, leg, ankle)
        rotations = glider.world()[1]
        rotations[:, :, (leg.end, TOES[side])] = np.eye(3)
        glider = glider.with_world_rotations(rotations)
    given = glider.world()[0]
    after = joints_of(solve([person(glider).motion()]))
    assert skate(given) > 1000 * pace / FPS - 1
    assert skate(after) < 1
    # The fastest steps so evenly that rounding decides which foot steps first: within 1 % of this pace and sway,
    # floating is 14.9 to 15.6 mm.
    assert floating(after) < (16 if pace > 1 else 15)
    assert (after[..., TOES, 1].min(-1) > 0.02).mean() < 1 / 3
    # He gets where he was going.
    assert np.abs(after[..., TOES, 2] - given[..., TOES, 2]).max() < 0.3


def test_one_person_is_cleaned_up_too(couple: list[PosedSkeleton]) -> None:
    assert skate(joints_of(solve([spoiled(couple[0], 3)]))) < 3


def test_who_is_carried_or_lifted_is_left_in_the_air_and_who_lacks_a_floor_gets_a_foot_to_it() -> None:
    frames = 180
    place = np.stack((np.zeros(frames), 0.4 * np.clip(np.arange(frames) - 66, 0, 48) / FPS), -1)

    def lowest_toe(tucked: float, lifted: float, beside: float, seconds: float = 1.6) -> float:
        """Metres over the floor of the lower foot of somebody in the air for so long, ``beside`` a partner."""
        down = 66 + round(seconds * FPS)
        up = np.clip(np.minimum(np.arange(frames) - 66, down - np.arange(frames)) / 6, 0, 1)
        person = standing(place, np.zeros(frames))
        for side, leg in enumerate(LEGS):
            ankle = np.stack((np.full(frames, 0.1 - 0.2 * side), 0.075 + tucked * up, place[:, 1] - 0.03), -1)
            person = limb_to(person, leg, ankle)
        person = replace(person, translation=person.translation + (lifted * up)[:, None] * np.array([0.0, 1.0, 0.0]))
        partner = standing(place + np.array([beside, 0.0]), np.zeros(frames))
        people = [*person.skeletons(), *partner.skeletons()]
        joints = solve([one.motion() for one in people], SolveSettings(ground=False))[0].joints()
        return float(np.median(joints[76 : down - 10, TOES, 1].min(-1)))

    assert lowest_toe(0.2, 0.0, 1.5) < 0.06
    assert lowest_toe(0.2, 0.0, 0.2) > 0.18
    assert lowest_toe(0.0, 0.5, 1.5) > 0.48
    # Nobody who is carried sinks and stands again a second later.
    assert lowest_toe(0.3, 0.0, 0.2, seconds=1.1) > 0.28
    assert lowest_toe(0.3, -0.1, 0.2, seconds=1.1) < 0.06


@pytest.mark.parametrize(("seconds", "falls"), [(0.5, True), (0.5, False), (0.7, True), (0.7, False)])
def test_both_feet_are_in_the_air_only_as_far_as_the_pelvis_flies(seconds: float, falls: bool) -> None:
    # Whoever draws up both feet jumps if gravity says so, and else stands on the lower one.
    frames, time = 90, np.arange(90) / FPS - 1.5
    flight = np.clip(1 - (2 * time / seconds) ** 2, 0, None)
    place = np.stack((np.zeros(frames), 0.5 * time), -1)
    person = standing(place, np.zeros(frames))
    for side, leg in enumerate(LEGS):
        height = 0.075 + (0.25 + 0.08 * side) * np.sqrt(flight)
        ankle = np.stack((np.full(frames, 0.1 - 0.2 * side), height, place[:, 1] - 0.03), -1)
        person = limb_to(person, leg, ankle)
    rise = 9.81 * seconds**2 / 8 if falls else 0.0
    lifted = replace(person, translation=person.translation + (rise * flight)[:, None] * np.array([0.0, 1.0, 0.0]))
    after = joints_of(solve([one.motion() for one in lifted.skeletons()], SolveSettings(ground=False)))
    lowest = after[0, 42:48, TOES, 1].min()
    assert lowest > rise + 0.15 if falls else lowest < 0.06


# --- hands that arrive ---------------------------------------------------------------------------------------------


def way_to(spot: np.ndarray, start: np.ndarray, frames: int, arrive: int, leave: int) -> np.ndarray:
    """(frames, 3) from ``start`` to ``spot`` by frame ``arrive``, resting until ``leave``, and back."""
    time = np.arange(frames)
    share = np.clip(np.minimum(time / arrive, (frames - 1 - time) / (frames - 1 - leave)), 0, 1)
    share = share * share * (3 - 2 * share)
    return start + share[:, None] * (spot - start)


def two_standing(frames: int, apart: float) -> list[PoseBatch]:
    still = np.zeros((frames, 2))
    return [standing(still, np.zeros(frames)), standing(still + np.array([0, apart]), np.full(frames, np.pi))]


def gap_to_partner(people: list[PosedSkeleton], palm: int) -> np.ndarray:
    """(T,) metres of air between a palm of the first person and the second's skin, hands left out."""
    points = [
        body_points(pose.world()[0], pose.world()[1], pose.offsets)[0]
        for pose in (
            PoseBatch(o.offsets[None], matrix_from_quaternion(o.rotations)[None], o.translation[None], FPS)
            for o in people
        )
    ]
    gaps = []
    for capsule in CAPSULES:
        if capsule.part == "hand":
            continue
        start, stop = points[1][:, capsule.start], points[1][:, capsule.stop]
        share = nearest_on_segments(points[0][:, palm], start, stop)[:, None]
        gaps.append(np.linalg.norm(start + share * (stop - start) - points[0][:, palm], axis=-1) - capsule.radius)
    return np.min(gaps, axis=0) - PALM_RADIUS


def patting(short: float, arrive: int = 30, leave: int = 60) -> list[PosedSkeleton]:
    """The first lays the right hand on the second's left shoulder, but stops short of it by some metres."""
    poses = two_standing(90, 0.62)
    shoulder = poses[1].world()[0][0, 0, SMPL.index("L_Shoulder")]
    poses[0] = limb_to(poses[0], ARMS[1], np.tile(shoulder, (90, 1)))
    direction = np.array([0.0, 0.0, -1.0])
    start = poses[1].world()[0][0, 0, SMPL.index("L_Shoulder")] + np.array([-0.1, -0.35, -0.45])
    spot = shoulder + direction * (0.07 + PALM_RADIUS + 0.08 + short)
    poses[0] = limb_to(poses[0], ARMS[1], way_to(spot, start, 90, arrive, leave))
    return [person(pose) for pose in poses]


@pytest.mark.parametrize("short", [0.02, 0.06, 0.1])
def test_a_pat_lands(short: float) -> None:
    people = patting(short)
    before = gap_to_partner(people, R_PALM)
    assert before.min() > short - 0.03
    after_people = solve([one.motion() for one in people], SolveSettings(ground=False))
    after = gap_to_partner(after_people, R_PALM)
    assert np.abs(after[35:55]).max() < 0.012
    # Far away the hand keeps its own path, and nothing jumps.
    moved = np.linalg.norm(joints_of(after_people) - joints_of(people), axis=-1)
    assert moved[0, before > 0.25].max() < 0.01
    wrist = joints_of(after_people)[0, :, 21]
    speed = np.linalg.norm(np.diff(wrist, axis=0), axis=-1) * FPS
    assert speed.max() < np.linalg.norm(np.diff(joints_of(people)[0, :, 21], axis=0), axis=-1).max() * FPS + 0.7


def test_a_hand_that_passes_by_is_left_alone() -> None:
    poses = two_standing(60, 0.55)
    shoulder = poses[1].world()[0][0, 0, SMPL.index("L_Shoulder")]
    time = np.linspace(-0.9, 0.9, 60)[:, None]
    path = shoulder + [0.0, 0.0, -0.24] + time * [0.7, 0.25, 0.0]
    poses[0] = limb_to(poses[0], ARMS[1], path)
    people = [person(pose) for pose in poses]
    assert gap_to_partner(people, R_PALM).min() < 0.12
    settings = SolveSettings(ground=False, feet=False)
    solved = solve([one.motion() for one in people], settings)
    np.testing.assert_allclose(joints_of(solved), joints_of(people), atol=1e-3)


def test_shaken_hands_meet_half_way() -> None:
    poses = two_standing(100, 0.95)
    middle = np.array([-0.05, 1.05, 0.475])
    for number, pose in enumerate(poses):
        sign = -1 if number == 0 else 1
        spot = middle + np.array([0, 0, sign * (0.08 + PALM_RADIUS + 0.04)])
        start = middle + np.array([0.2 * sign, -0.2, sign * 0.4])
        poses[number] = limb_to(pose, ARMS[1], way_to(spot, start, 100, 30, 70))
    people = [person(pose) for pose in poses]

    def palms_apart(pair: list[PosedSkeleton]) -> np.ndarray:
        ends = []
        for one in pair:
            pose = PoseBatch(one.offsets[None], matrix_from_quaternion(one.rotations)[None], one.translation[None], FPS)
            ends.append(body_points(*pose.world(), pose.offsets)[0, :, R_PALM])
        return np.linalg.norm(ends[0] - ends[1], axis=-1)

    assert palms_apart(people)[40:60].min() > 2 * PALM_RADIUS + 0.03
    solved = solve([one.motion() for one in people], SolveSettings(ground=False))
    assert np.abs(palms_apart(solved)[40:60] - 2 * PALM_RADIUS).max() < 0.012
    moved = [np.linalg.norm(a.joints()[50, 21] - b.joints()[50, 21]) for a, b in zip(people, solved, strict=True)]
    assert 0.5 < moved[0] / moved[1] < 2


def test_a_parried_fist_stays_on_the_forearm() -> None:
    poses = two_standing(80, 0.85)
    raised = np.array([0.05, 1.25, 0.5])
    poses[1] = limb_to(poses[1], ARMS[1], np.tile(raised, (80, 1)))
    joints = poses[1].world()[0][0, 0]
    along = joints[SMPL.index("R_Wrist")] - joints[SMPL.index("R_Elbow")]
    forearm = joints[SMPL.index("R_Wrist")] - 0.5 * along
    # The other hand is on guard, a little nearer than what would be brought to touch.
    poses[1] = limb_to(poses[1], ARMS[0], np.tile(forearm + np.array([-0.16, -0.05, 0.02]), (80, 1)))
    spot = forearm - np.array([0.0, 0.0, 0.04 + PALM_RADIUS + 0.08])
    poses[0] = limb_to(poses[0], ARMS[1], way_to(spot, spot - [0.1, 0.25, 0.2], 80, 30, 45))
    people = [person(pose) for pose in poses]
    assert gap_to_partner(people, R_PALM)[30:45].max() < 0.02
    solved = solve([one.motion() for one in people], SolveSettings(ground=False, feet=False))
    np.testing.assert_allclose(joints_of(solved), joints_of(people), atol=5e-3)


def test_hands_at_rest_beside_the_body_stay() -> None:
    poses = [
        standing(np.zeros((60, 2)), np.zeros(60)),
        standing(np.zeros((60, 2)) + np.array([0.75, 0.0]), np.zeros(60)),
    ]
    people = [person(pose) for pose in poses]
    assert gap_to_partner(people, L_PALM).min() < 0.3
    solved = solve([one.motion() for one in people], SolveSettings(ground=False, feet=False))
    np.testing.assert_allclose(joints_of(solved), joints_of(people), atol=1e-4)


def test_bodies_in_each_other_step_apart_where_asked() -> None:
    poses = two_standing(40, 0.12)
    people = [person(pose) for pose in poses]
    motions = [one.motion() for one in people]

    def pelvises_apart(settings: SolveSettings) -> float:
        solved = joints_of(solve(motions, settings))
        return float(np.linalg.norm((solved[0] - solved[1])[:, 0], axis=-1).mean())

    assert pelvises_apart(SolveSettings()) == pytest.approx(0.12, abs=0.002)
    assert 0.17 < pelvises_apart(SolveSettings(separate=True)) < 0.26
