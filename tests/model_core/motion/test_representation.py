"""The 262 numbers, the canonical frame and the mirror image: equal to the recordings, and sound by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from motion_examples import posed_person
from safetensors.numpy import load_file

from model_core.errors import UserError
from model_core.motion import SMPL, Interaction, Motion
from model_core.motion.canonical import (
    canonical,
    canonical_pair,
    facing,
    mirrored,
    mirrored_features,
    mirrored_pair,
    mirrored_text,
    relative_placement,
)
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.interhuman import (
    features_from_interhuman,
    motion_from_interhuman,
    read_interhuman,
    read_interhuman_pair,
)
from model_core.motion.representation import (
    CONTACTS,
    FOOT_JOINTS,
    POSITIONS,
    VELOCITIES,
    features_from_motion,
    foot_contacts,
    motion_from_features,
)
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import about_y


@pytest.fixture(scope="module")
def recorded(golden: Path) -> dict[str, np.ndarray]:
    found = next(golden.rglob("pipeline_golden.safetensors"))
    return {name.removeprefix("data."): array for name, array in load_file(found).items() if name.startswith("data.")}


def pair(seed: int = 20) -> Interaction:
    return Interaction((posed_person(seed).motion(), posed_person(seed + 1).motion()), "one turns left")


def test_raw_rows_become_the_recorded_canonical_pair(recorded: dict[str, np.ndarray]) -> None:
    rows = features_from_interhuman(recorded["raw1"], recorded["raw2"])
    for person, ours in zip("12", rows, strict=True):
        np.testing.assert_allclose(ours, recorded[f"canonical{person}"], atol=1e-4)
        np.testing.assert_allclose(mirrored_features(ours), recorded[f"mirrored{person}"], atol=1e-4)


def test_mirrored_motions_become_the_recorded_mirror_image(recorded: dict[str, np.ndarray]) -> None:
    raw = Interaction((motion_from_interhuman(recorded["raw1"]), motion_from_interhuman(recorded["raw2"])))
    np.testing.assert_allclose(relative_placement(raw), recorded["canonical_relative"], atol=1e-4)
    reflected = mirrored_pair(raw)
    np.testing.assert_allclose(relative_placement(reflected), recorded["mirrored_relative"], atol=1e-4)
    placed, _ = canonical_pair(reflected)
    for person, motion in zip("12", placed.people, strict=True):
        # The recorded rotations are random numbers and no rotations: they are compared as numbers, above.
        ours, theirs = features_from_motion(motion), recorded[f"mirrored{person}"]
        for columns in (POSITIONS, VELOCITIES, CONTACTS):
            np.testing.assert_allclose(ours[:, columns], theirs[:, columns], atol=1e-4)


def test_rows_hold_each_thing_in_its_columns() -> None:
    motion = posed_person(21, frames=10).motion()
    assert motion.rotations is not None
    rows = features_from_motion(motion)
    assert rows.shape == (9, 262) and rows.dtype == np.float32
    np.testing.assert_allclose(rows[3, 3 * 7 : 3 * 7 + 3], motion.joints[3, 7], atol=1e-6)
    np.testing.assert_allclose(rows[3, 66 + 21 : 66 + 24], motion.joints[4, 7] - motion.joints[3, 7], atol=1e-6)
    knee = motion.rotations[3, SMPL.index("L_Knee") - 1]
    start = 132 + 6 * (SMPL.index("L_Knee") - 1)
    expected = [knee[0, 0], knee[0, 1], knee[1, 0], knee[1, 1], knee[2, 0], knee[2, 1]]
    np.testing.assert_allclose(rows[3, start : start + 6], expected, atol=1e-6)


def test_motions_come_back_from_rows() -> None:
    motion = posed_person(22).motion()
    again = motion_from_features(features_from_motion(motion))
    assert len(again) == len(motion) - 1 and again.root_orientation is None
    assert motion.rotations is not None and again.rotations is not None
    np.testing.assert_allclose(again.joints, motion.joints[:-1], atol=1e-6)
    np.testing.assert_allclose(again.rotations, motion.rotations[:-1], atol=1e-6)
    with pytest.raises(ValueError, match="rotations"):
        features_from_motion(Motion(motion.joints))


def test_feet_touch_the_floor_when_low_and_still() -> None:
    joints = np.ones((5, len(SMPL), 3))
    left_ankle, left_toe, right_ankle, right_toe = FOOT_JOINTS
    joints[:, left_ankle, 1] = 0.11
    joints[:, left_toe, 1] = 0.06
    joints[:, right_toe, 1] = 0.04
    joints[:, right_ankle, 1] = 0.11
    joints[3:, right_ankle, 0] += 0.04
    np.testing.assert_array_equal(foot_contacts(joints).T, [[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 1], [1, 1, 1, 1]])


def test_the_canonical_frame_does_not_depend_on_the_place() -> None:
    motion = posed_person(23).motion()
    placed, placement = canonical(motion)
    assert facing(placed.joints[0]) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(placed.joints[0, 0, [0, 2]], 0, atol=1e-12)
    assert placed.joints[..., 1].min() == pytest.approx(0, abs=1e-12)
    elsewhere = motion.moved(about_y(np.array(2.5)), np.array([3.0, -1.0, 7.0]))
    np.testing.assert_allclose(canonical(elsewhere)[0].joints, placed.joints, atol=1e-9)
    back = placement.inverse.apply(placed)
    np.testing.assert_allclose(back.joints, motion.joints, atol=1e-12)
    assert back.root_orientation is not None and motion.root_orientation is not None
    np.testing.assert_allclose(back.root_orientation, motion.root_orientation, atol=1e-12)


def test_a_person_faces_where_the_nose_points() -> None:
    for yaw in (-2.0, 0.0, 0.7, 3.0):
        assert facing(SMPL_REST_OFFSETS @ about_y(np.array(yaw)).T) == pytest.approx(yaw)


@pytest.mark.parametrize("ground", ["each", "common", "kept"])
def test_a_pair_keeps_its_distance_and_finds_back(ground: str) -> None:
    interaction = pair()
    placed, placement = canonical_pair(interaction, ground)  # type: ignore[arg-type]
    assert placed.text == interaction.text
    between = interaction.people[1].joints[:, 0] - interaction.people[0].joints[:, 0]
    after = placed.people[1].joints[:, 0] - placed.people[0].joints[:, 0]
    flat = [0, 2]
    np.testing.assert_allclose(
        np.linalg.norm(after[:, flat], axis=1), np.linalg.norm(between[:, flat], axis=1), atol=1e-9
    )
    lowest = [person.joints[..., 1].min() for person in placed.people]
    if ground == "each":
        np.testing.assert_allclose(lowest, 0, atol=1e-9)
    if ground == "common":
        assert min(lowest) == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(after[:, 1], between[:, 1], atol=1e-9)
    if ground == "kept":
        heights = [person.joints[..., 1] for person in (*placed.people, *interaction.people)]
        np.testing.assert_allclose(heights[:2], heights[2:], atol=1e-9)
    back = placement.inverse.apply_to_pair(placed)
    np.testing.assert_allclose(back.people[0].joints, interaction.people[0].joints, atol=1e-9)
    if ground != "each":
        np.testing.assert_allclose(back.people[1].joints, interaction.people[1].joints, atol=1e-9)


def test_the_mirror_image_is_a_motion_of_the_mirrored_body() -> None:
    motion = posed_person(24).motion()
    image = mirrored(motion)
    np.testing.assert_allclose(
        image.joints[:, SMPL.index("L_Wrist")], motion.joints[:, SMPL.index("R_Wrist")] * [-1, 1, 1]
    )
    # The T-pose is symmetric up to its rounding, so mirrored rotations must give mirrored positions.
    assert image.rotations is not None and image.root_orientation is not None
    local = np.concatenate((image.root_orientation[:, None], image.rotations), axis=1)
    again = forward_kinematics(local, image.translation, SMPL_REST_OFFSETS, SMPL)
    np.testing.assert_allclose(again, image.joints, atol=1e-9)
    np.testing.assert_allclose(mirrored_features(features_from_motion(motion)), features_from_motion(image), atol=1e-6)
    np.testing.assert_allclose(mirrored(image).joints, motion.joints)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("She lifts her left arm, he his RIGHT.", "She lifts her right arm, he his LEFT."),
        ("Left foot first; they are leftovers", "Right foot first; they are leftovers"),
        ("one turns clockwise", "one turns counterclockwise"),
        ("Counter-clockwise, then clockwise", "Clockwise, then counterclockwise"),
        ("he turns anticlockwise and moves rightwards", "he turns clockwise and moves leftwards"),
        ("they hug", "they hug"),
    ],
)
def test_captions_are_mirrored_too(text: str, image: str) -> None:
    assert mirrored_text(text) == image
    assert mirrored_text(mirrored_text(image)) == image


# --- raw InterHuman files ------------------------------------------------------------------------------------------


def raw_file(motion: Motion, folder: Path, name: str) -> Path:
    """A motion in InterHuman's layout, Z up, hands and face left at zero."""
    assert motion.rotations is not None
    values = np.zeros((len(motion), 492), dtype=np.float32)
    x, y, z = np.moveaxis(motion.joints, -1, 0)
    values[:, :66] = np.stack((x, -z, y), -1).reshape(len(motion), 66)
    values[:, 186 : 186 + 126] = motion.rotations[..., :2].reshape(len(motion), 126)
    path = folder / name
    np.save(path, values)
    return path


def test_raw_files_are_read_with_y_up(tmp_path: Path) -> None:
    interaction = pair(25)
    paths = [raw_file(motion, tmp_path, f"{k}.npy") for k, motion in enumerate(interaction.people)]
    read = read_interhuman_pair(*paths, "hello")
    assert read.text == "hello" and read.fps == 30
    for ours, theirs in zip(read.people, interaction.people, strict=True):
        assert ours.rotations is not None and theirs.rotations is not None and ours.root_orientation is None
        np.testing.assert_allclose(ours.joints, theirs.joints, atol=1e-6)
        np.testing.assert_allclose(ours.rotations, theirs.rotations, atol=1e-6)


def test_raw_files_that_are_not_right_are_refused(tmp_path: Path) -> None:
    good = raw_file(posed_person(26).motion(), tmp_path, "good.npy")
    short = raw_file(posed_person(26, frames=20).motion(), tmp_path, "short.npy")
    with pytest.raises(UserError, match=r"good\.npy has 60 frames and short\.npy 20"):
        read_interhuman_pair(good, short)
    cut = tmp_path / "cut.npy"
    cut.write_bytes(good.read_bytes()[:-100])
    narrow = tmp_path / "narrow.npy"
    np.save(narrow, np.zeros((5, 262)))
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object))
    text = tmp_path / "text.npy"
    text.write_text("no numbers")
    broken = tmp_path / "nan.npy"
    values = np.load(good)
    values[7, 12] = np.nan
    np.save(broken, values)
    expected = {
        cut: r"cut\.npy is not a whole",
        narrow: r"narrow\.npy has the shape \(5, 262\)",
        pickled: r"pickled\.npy holds Python objects",
        text: r"text\.npy is not a whole",
        broken: "frame 7",
        tmp_path / "none.npy": r"none\.npy",
    }
    for path, message in expected.items():
        with pytest.raises(UserError, match=message):
            read_interhuman(path)
