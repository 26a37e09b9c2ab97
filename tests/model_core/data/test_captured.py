"""A folder of captured motion: glitches are cut, flipped heads turned back, feet set on the floor, clips cached."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from leg_examples import swaying, with_long_legs
from motion_examples import posed_person

from model_core.data.captured import CapturedSettings, load_captured
from model_core.data.cleaning import clean_stretches, glitches, mean_rotation, with_plausible_ends
from model_core.errors import UserError
from model_core.metrics.physical import knee_angles
from model_core.motion import SMPL, Motion, PosedSkeleton
from model_core.motion.bvh_writer import write_bvh
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.rotations import (
    angle_between,
    matrix_from_axis_angle,
    quaternion_from_axis_angle,
    quaternion_multiply,
)

FRAMES = 200
SETTINGS = CapturedSettings()


def calm_person(seed: int) -> PosedSkeleton:
    return posed_person(seed, frames=FRAMES, amount=0.25)


def written_folder(folder: Path) -> Path:
    """A pair and a single; the first of the pair jumps in frame 90."""
    first, second, alone = calm_person(40), calm_person(41), calm_person(42)
    first.translation[90:93] += (0.5, 0, 0)
    second.translation[:, 1] += 0.3
    for name, person in (("a", first), ("b", second), ("alone", alone)):
        write_bvh(folder / f"{name}.bvh", person, 100.0)
    takes = [{"file": "a.bvh", "partner": "b.bvh", "caption": "they dance"}, {"file": "alone.bvh", "caption": "walk"}]
    (folder / "manifest.json").write_text(json.dumps(takes), encoding="utf-8")
    return folder


def test_takes_become_clean_clips_on_the_floor(tmp_path: Path) -> None:
    data = load_captured(written_folder(tmp_path))
    assert [(clip.take, len(clip.people), clip.text) for clip in data.clips] == [
        ("a", 2, "they dance"), ("a", 2, "they dance"), ("alone", 1, "walk"),
    ]  # fmt: skip
    before, after = data.pairs
    assert before.start == 0 and 85 <= len(before) <= 89
    assert 94 <= after.start <= 97 and after.start + len(after) == FRAMES
    assert after.interaction.text == "they dance" and len(data.singles[0]) == FRAMES
    feet = [SMPL.index(name) for name in ("L_Ankle", "R_Ankle", "L_Foot", "R_Foot")]
    for person in (*before.people, *data.singles[0].people):
        assert abs(np.percentile(person.joints[:, feet, 1].min(axis=1), 20)) < 0.1


def test_partners_are_brought_nearer_without_changing_their_bodies(tmp_path: Path) -> None:
    folder = written_folder(tmp_path)
    as_is = load_captured(folder, settings=replace(SETTINGS, partner_scale=1.0)).pairs[0].people
    nearer = load_captured(folder, settings=replace(SETTINGS, partner_scale=0.5)).pairs[0].people
    gap, half = (np.diff([person.joints[:, 0] for person in people], axis=0)[0] for people in (as_is, nearer))
    np.testing.assert_allclose(half[:, [0, 2]], 0.5 * gap[:, [0, 2]], atol=1e-5)
    np.testing.assert_allclose(half[:, 1], gap[:, 1], atol=1e-5)
    for one, other in zip(as_is, nearer, strict=True):
        shape = one.joints - one.joints[:, :1]
        np.testing.assert_allclose(other.joints - other.joints[:, :1], shape, atol=1e-5)


def test_an_actor_who_stands_straight_on_long_bones_gets_shorter_ones(tmp_path: Path) -> None:
    actor = with_long_legs(swaying(-0.12, -0.004), 1.015, 0.1).skeletons()[0]
    crouching = with_long_legs(swaying(-0.5, -0.3), 1.015).skeletons()[0]
    for name, person in (("stands", actor), ("sits", crouching)):
        write_bvh(tmp_path / f"{name}.bvh", person, 100.0)
    takes = [{"file": f"{name}.bvh", "caption": name} for name in ("stands", "sits")]
    (tmp_path / "manifest.json").write_text(json.dumps(takes), encoding="utf-8")
    stands, sits = (clip.people[0] for clip in load_captured(tmp_path).singles)
    assert np.percentile(knee_angles(actor.joints()[None]), 95) < 166
    assert np.percentile(knee_angles(stands.joints[None]), 95) > 170
    moved = stands.joints - actor.joints() - (stands.joints - actor.joints())[:, :1]
    legs = [SMPL.index(name) for name in ("L_Knee", "R_Knee", "L_Ankle", "R_Ankle", "L_Foot", "R_Foot")]
    assert np.linalg.norm(np.delete(moved, legs, axis=1), axis=-1).max() < 1e-4
    assert np.linalg.norm(moved[:, legs[2:]], axis=-1).max() < 0.005
    # Joints and rotations still are one skeleton's.
    assert stands.rotations is not None and stands.root_orientation is not None
    offsets = actor.offsets.copy()
    scale = np.linalg.norm(stands.joints[0, 4] - stands.joints[0, 1]) / np.linalg.norm(offsets[4])
    offsets[[4, 5, 7, 8]] *= scale
    turns = np.concatenate((stands.root_orientation[:, None], stands.rotations), axis=1).astype(np.float64)
    rebuilt = forward_kinematics(turns, stands.translation.astype(np.float64), offsets, SMPL)
    np.testing.assert_allclose(rebuilt, stands.joints, atol=1e-4)
    seen = sits.joints - sits.joints[:, :1]
    np.testing.assert_allclose(seen, crouching.joints() - crouching.joints()[:, :1], atol=1e-4)


def test_the_cache_holds_the_clips_and_knows_when_it_is_stale(tmp_path: Path) -> None:
    folder, cache = written_folder(tmp_path), tmp_path / "cache" / "clips.npz"
    fresh = load_captured(folder, cache)
    written = cache.stat().st_mtime_ns
    cached = load_captured(folder, cache)
    assert cache.stat().st_mtime_ns == written
    for ours, theirs in zip(cached.clips, fresh.clips, strict=True):
        assert (ours.take, ours.start, ours.text) == (theirs.take, theirs.start, theirs.text)
        for one, other in zip(ours.people, theirs.people, strict=True):
            np.testing.assert_array_equal(one.joints, other.joints)
            np.testing.assert_allclose(one.rotations, other.rotations, atol=1e-6)  # type: ignore[arg-type]
            np.testing.assert_allclose(one.root_orientation, other.root_orientation, atol=1e-6)  # type: ignore[arg-type]
    assert len(load_captured(folder, cache, replace(SETTINGS, least_frames=100)).pairs) == 1
    write_bvh(folder / "alone.bvh", posed_person(43, frames=80), 100.0)
    assert [len(clip) for clip in load_captured(folder, cache).singles] == [80]
    cache.write_bytes(cache.read_bytes()[:1000])
    assert [len(clip) for clip in load_captured(folder, cache).singles] == [80]


def test_calm_motion_has_no_glitches_and_each_kind_is_found() -> None:
    person = calm_person(44)
    assert not glitches(person.motion(), SETTINGS).any()
    assert clean_stretches((person.motion(),), SETTINGS) == [(0, FRAMES)]
    flipped = replace(person, rotations=person.rotations.copy())
    elbow = SMPL.index("L_Elbow")
    half_turn = quaternion_from_axis_angle(np.array([2.0, 0, 0]))
    flipped.rotations[100:105, elbow] = quaternion_multiply(flipped.rotations[100:105, elbow], half_turn)
    twisted = replace(person, rotations=person.rotations.copy())
    twisted.rotations[120:, SMPL.index("R_Ankle")] = quaternion_from_axis_angle(np.array([0, 2.0, 0]))
    for motion, wrong in ((flipped.motion(), range(100, 105)), (twisted.motion(), range(120, FRAMES))):
        found = glitches(motion, SETTINGS)
        inner = [wrong[0], wrong[-1]]
        assert found[inner].all()
        assert not found[: wrong[0] - 5].any() and not found[wrong[-1] + 5 :].any()


@pytest.mark.parametrize(("start", "stop"), [(0, FRAMES), (60, 140), (100, 106)], ids=["whole", "long", "short"])
def test_heads_put_on_backwards_are_turned_back(start: int, stop: int) -> None:
    motion = calm_person(45).motion()
    assert motion.rotations is not None
    head = SMPL.index("Head") - 1
    turned = motion.rotations.copy()
    turned[start:stop, head] = turned[start:stop, head] @ matrix_from_axis_angle(np.array([0.3, 2.6, 0.2]))
    repaired = with_plausible_ends(replace(motion, rotations=turned)).rotations
    assert repaired is not None
    others = [joint for joint in range(21) if joint != head]
    np.testing.assert_array_equal(repaired[:, others], motion.rotations[:, others])
    assert angle_between(repaired[:, head], motion.rotations[:, head]).max() < 0.8
    assert angle_between(repaired[1:, head], repaired[:-1, head]).max() < 0.15
    untouched = with_plausible_ends(motion).rotations
    np.testing.assert_array_equal(untouched, motion.rotations)


def test_the_mean_of_rotations_is_in_their_middle() -> None:
    around = matrix_from_axis_angle(np.array([[0.2, 0, 0], [-0.2, 0, 0], [0, 0.3, 0], [0, -0.3, 0]]))
    middle = matrix_from_axis_angle(np.array([0.5, -2.5, 1.0]))
    assert angle_between(mean_rotation(middle @ around), middle) < 1e-6


def test_faults_of_the_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json"):
        load_captured(tmp_path)
    manifest = tmp_path / "manifest.json"
    for content, message in (("[", "not valid JSON"), ("{}", "list of takes"), ('[{"file": "a.bvh"}]', r"a\.bvh")):
        manifest.write_text(content)
        for cache in (None, tmp_path / "cache.npz"):
            with pytest.raises(UserError, match=message):
                load_captured(tmp_path, cache)
    write_bvh(tmp_path / "a.bvh", posed_person(46, frames=20))
    with pytest.raises(UserError, match="clean stretch"):
        load_captured(tmp_path, tmp_path / "cache.npz")


def test_motions_without_rotations_pass_through() -> None:
    bare = Motion(calm_person(47).joints())
    assert with_plausible_ends(bare) is bare
    assert not glitches(bare, SETTINGS).any()
