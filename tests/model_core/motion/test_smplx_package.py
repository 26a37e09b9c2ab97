"""The package smplx moves a made-up body as this project does, and takes exported files as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from smpl_files import smpl_arrays, write_npz

from model_core.__main__ import main
from model_core.motion import SMPL, SMPLX, PosedSkeleton
from model_core.motion.array_motions import motion_from_smpl
from model_core.motion.arrays import NpzArrays
from model_core.motion.hands import with_hands, with_hands_at_rest
from model_core.motion.interaction_file import load_npz, save_npz
from model_core.motion.rotations import continuous_signs, quaternion_from_axis_angle
from model_core.motion.smpl_model import load_smpl_model
from model_core.motion.smplx_export import Z_UP_FROM_Y_UP, joints_by_package, joints_on_body


def body_file(folder: Path) -> Path:
    """A made-up SMPL-X file with what the package reads besides: mean hands and landmarks of the face."""
    arrays = smpl_arrays(55, shapes=20)
    extra = {
        **{f"hands_{what}{side}": np.full(shape, 0.1) for what, shape in (("mean", 45), ("components", (45, 45)))
           for side in "lr"},
        "lmk_faces_idx": np.zeros(51, np.int64),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
    }  # fmt: skip
    return write_npz(folder / "SMPLX_NEUTRAL.npz", {**arrays, **extra})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The body by the package."""
    smplx = pytest.importorskip("smplx")
    # Named points of the face and feet, as numbers of vertices that the made-up body does not have.
    names = smplx.body_models.VERTEX_IDS["smplx"]
    monkeypatch.setitem(smplx.body_models.VERTEX_IDS, "smplx", dict.fromkeys(names, 0))
    path = body_file(tmp_path)
    return path, smplx.create(
        str(path), "smplx", use_pca=False, flat_hand_mean=True, num_betas=10, dtype=torch.float64, batch_size=1
    )


@pytest.mark.slow
def test_the_package_and_our_reader_give_one_body(package) -> None:  # type: ignore[no-untyped-def]
    path, theirs = package
    ours = load_smpl_model(path)
    betas = np.random.default_rng(0).normal(size=10)
    for coefficients in (np.zeros(10), betas):
        with torch.no_grad():
            found = theirs(betas=torch.from_numpy(coefficients)[None])
        vertices = ours.vertices + ours.shapes @ coefficients
        np.testing.assert_allclose(found.vertices[0], vertices, atol=1e-5)
    with torch.no_grad():
        rest = theirs(betas=torch.zeros(1, 10, dtype=torch.float64)).joints[0, :55]
    np.testing.assert_allclose(rest, ours.joints, atol=1e-5)
    np.testing.assert_allclose(theirs.lbs_weights, ours.weights, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("hands", [False, True])
def test_the_package_takes_an_exported_take_as_it_is(package, tmp_path: Path, hands: bool, capsys) -> None:  # type: ignore[no-untyped-def]
    path, theirs = package
    people = tuple(_person(seed, load_smpl_model(path).joints, hands) for seed in (0, 1))
    save_npz(tmp_path / "take.npz", (people[0], people[1]))
    command = ["export-smplx", str(tmp_path / "take.npz"), "--body", str(path), "--out", str(tmp_path / "out")]
    assert main([*command, "--gender", "female"]) == 0
    assert capsys.readouterr().out.count("at most 0.0 mm from the take's (by smplx).") == 2
    for number, person in enumerate(load_npz(tmp_path / "take.npz").people, 1):
        exported = np.load(tmp_path / "out" / f"take_{number}_smplx.npz")
        assert exported["poses"].shape == (len(person), 165) and exported["betas"].shape == (16,)
        assert str(exported["gender"]) == "female" and exported["mocap_frame_rate"] == 30
        parts = torch.from_numpy(exported["poses"]).split((3, 63, 3, 3, 3, 45, 45), 1)
        names = (
            "global_orient",
            "body_pose",
            "jaw_pose",
            "leye_pose",
            "reye_pose",
            "left_hand_pose",
            "right_hand_pose",
        )
        frames = len(person)
        with torch.no_grad():
            moved = theirs(
                **dict(zip(names, parts, strict=True)),
                transl=torch.from_numpy(exported["trans"]),
                betas=torch.from_numpy(exported["betas"][None, :10]).expand(frames, -1),
                expression=torch.zeros(frames, 10, dtype=torch.float64),
            )
        joints = person.joints()
        ours = joints_on_body(dict(exported), load_smpl_model(path))
        by_package = joints_by_package(dict(exported), load_smpl_model(path))
        np.testing.assert_allclose(ours, by_package, atol=1e-5)
        np.testing.assert_allclose(by_package, moved.joints[:, :55], atol=1e-5)
        there = moved.joints[:, : joints.shape[1]].numpy() @ Z_UP_FROM_Y_UP
        np.testing.assert_allclose(there, joints, atol=1e-3)
        # Our own reader takes it too: the same poses, as upright as they were.
        again = motion_from_smpl(NpzArrays(tmp_path / "out" / f"take_{number}_smplx.npz"))
        assert "Z up, metres, 30 fps" in again.assumed
        body = person.motion().rotations
        assert body is not None and again.motion.rotations is not None
        np.testing.assert_allclose(again.motion.rotations, body[:, :21], atol=1e-5)


def _person(seed: int, joints: np.ndarray, hands: bool) -> PosedSkeleton:
    """Someone with the made-up body's bones, with bent fingers or without."""
    person = posed_person(seed, 12)
    skeleton = SMPLX if hands else SMPL
    if hands:
        person = with_hands(person, with_hands_at_rest(person.motion()))
        fingers = np.random.default_rng(seed).normal(scale=0.4, size=(12, 33, 3))
        turns = continuous_signs(quaternion_from_axis_angle(fingers))
        person = PosedSkeleton(person.offsets, np.concatenate((person.rotations[:, :22], turns), 1), person.translation,
                               person.fps, SMPLX)  # fmt: skip
    offsets = np.zeros((len(skeleton), 3))
    offsets[1:] = joints[1 : len(skeleton)] - joints[list(skeleton.parents[1:])]
    return PosedSkeleton(offsets, person.rotations, person.translation, person.fps, skeleton)


def test_another_body_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person = posed_person(0, 5)
    save_npz(tmp_path / "take.npz", (person, person))
    command = ["export-smplx", str(tmp_path / "take.npz"), "--out", str(tmp_path / "out"), "--body"]
    assert main([*command, str(write_npz(tmp_path / "smpl.npz", smpl_arrays(24)))]) == 1
    assert "is a body of SMPL with 24 joints; choose a model file of SMPL-X" in capsys.readouterr().err
    arrays = smpl_arrays(55)
    arrays["v_template"] = arrays["v_template"] * 1.1
    assert main([*command, str(write_npz(tmp_path / "tall.npz", arrays))]) == 0
    assert capsys.readouterr().out.count("its bones have other lengths") == 2
