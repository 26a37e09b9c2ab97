"""Interaction files: what is saved comes back, and damaged files are refused with their name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.errors import UserError
from model_core.motion.interaction_file import load_npz, save_npz
from model_core.motion.rotations import angle_between, matrix_from_axis_angle, matrix_from_quaternion

PEOPLE = (posed_person(30, frames=25, amount=1.5, fps=24.0), posed_person(31, frames=25, fps=24.0))


@pytest.mark.parametrize("seed", [None, 0, 2**40])
def test_what_is_saved_comes_back(tmp_path: Path, seed: int | None) -> None:
    path = tmp_path / "new" / "pair.npz"
    save_npz(path, PEOPLE, "zwei tanzen, 探戈", "salsa", seed)
    assert [file.name for file in path.parent.iterdir()] == ["pair.npz"]
    saved = load_npz(path)
    assert (saved.text, saved.model, saved.seed) == ("zwei tanzen, 探戈", "salsa", seed)
    for ours, theirs in zip(saved.people, PEOPLE, strict=True):
        assert ours.fps == 24 and ours.skeleton == theirs.skeleton
        np.testing.assert_allclose(ours.joints(), theirs.joints(), atol=1e-5)
        turned = angle_between(matrix_from_quaternion(ours.rotations), matrix_from_quaternion(theirs.rotations))
        assert turned.max() < 1e-5
        assert ((ours.rotations[1:] * ours.rotations[:-1]).sum(-1) > 0).all()
    assert saved.interaction.text == saved.text and len(saved.interaction) == 25


def test_others_can_read_the_arrays_alone(tmp_path: Path) -> None:
    save_npz(tmp_path / "pair.npz", PEOPLE, "hello", "salsa", 3)
    with np.load(tmp_path / "pair.npz", allow_pickle=False) as stored:
        shapes = {name: stored[name].shape for name in stored.files}
        assert shapes == {
            "joints": (2, 25, 22, 3), "poses": (2, 25, 22, 3), "translation": (2, 25, 3), "offsets": (2, 22, 3),
            "fps": (), "skeleton": (), "text": (), "model": (), "seed": (),
        }  # fmt: skip
        np.testing.assert_allclose(stored["joints"][1], PEOPLE[1].joints(), atol=1e-5)
        np.testing.assert_allclose(stored["joints"][:, :, 0], stored["translation"], atol=1e-6)
        matrices = matrix_from_axis_angle(stored["poses"][0].astype(np.float64))
        assert angle_between(matrices, matrix_from_quaternion(PEOPLE[0].rotations)).max() < 1e-5


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    save_npz(good, PEOPLE)
    arrays = dict(np.load(good))

    def variant(name: str, **changed: np.ndarray) -> Path:
        np.savez(tmp_path / name, **(arrays | changed))
        return tmp_path / name

    cut = tmp_path / "cut.npz"
    cut.write_bytes(good.read_bytes()[:-200])
    single = tmp_path / "single.npy"
    np.save(single, np.zeros(3))
    without = tmp_path / "without.npz"
    np.savez(without, **{name: array for name, array in arrays.items() if name != "poses"})
    bad_poses = arrays["poses"].copy()
    bad_poses[0, 3, 4] = np.nan
    expected = {
        tmp_path / "none.npz": r"none\.npz",
        cut: r"cut\.npz is not a whole",
        single: r"single\.npy",
        without: r"without\.npz lacks poses",
        variant("nan.npz", poses=bad_poses): r"nan\.npz holds poses",
        variant("dog.npz", skeleton=np.array("dog")): "'dog'",
        variant("short.npz", translation=arrays["translation"][:, :9]): r"short\.npz holds poses",
        variant("still.npz", fps=np.array(0.0)): r"still\.npz",
        variant("object.npz", text=np.array([None], dtype=object)): r"object\.npz \(text\) holds Python objects",
    }
    for path, message in expected.items():
        with pytest.raises(UserError, match=message) as caught:
            load_npz(path)
        assert "\n" not in str(caught.value)


def test_people_of_different_length_are_not_a_pair(tmp_path: Path) -> None:
    shorter = replace(PEOPLE[1], rotations=PEOPLE[1].rotations[:9], translation=PEOPLE[1].translation[:9])
    with pytest.raises(ValueError, match="differ in length"):
        save_npz(tmp_path / "pair.npz", (PEOPLE[0], shorter))
    assert not (tmp_path / "pair.npz").exists()
