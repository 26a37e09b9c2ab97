"""An act that is done once lasts longer: a part of it is repeated, and its beginning and its end stay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from generated_clips import generated
from taught_model import BOW, save_taught_model

from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.repeats import prolonged
from model_core.model_files.kinds import kinds_done_once
from model_core.model_files.model_folder import bundled_model
from model_core.motion import SMPL

WRISTS = [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]


def steps_of(joints: np.ndarray) -> np.ndarray:
    """(T - 1,) metres of the fastest joint between two frames."""
    return np.asarray(np.linalg.norm(np.diff(joints, axis=1), axis=-1).max((0, 2)))


@pytest.mark.parametrize(("name", "frames"), [("shake", 300), ("bow", 187)])
def test_a_longer_clip_begins_and_ends_as_the_short_one_and_does_not_jump(name: str, frames: int) -> None:
    people = generated(name)
    before = np.stack([person.joints for person in people])
    after = np.stack([person.joints for person in prolonged(people, frames)])
    assert after.shape[1] == frames
    np.testing.assert_array_equal(after[:, :30], before[:, :30])
    np.testing.assert_allclose(after[:, -1], before[:, -1], atol=0.05)
    assert steps_of(after).max() < 1.2 * steps_of(before).max()


def test_a_long_handshake_is_one_handshake() -> None:
    first, second = prolonged(generated("shake"), 300)
    hands = np.linalg.norm(first.joints[:, WRISTS[1]] - second.joints[:, WRISTS[1]], axis=-1)
    shaking = hands < 0.3
    assert np.count_nonzero(np.diff(shaking.astype(int)) == 1) == 1 and shaking.sum() > 180
    assert not shaking[-1]


@pytest.mark.slow
def test_a_kind_that_is_done_once_is_drawn_in_one_window(tmp_path: Path) -> None:
    folder = save_taught_model(tmp_path)
    kinds = [{"group": "Greet", "kinds": [{"name": BOW, "prompt": "two people bow to each other", "once": True}]}]

    def steps(prompt: str) -> int:
        seen: list[int] = []
        model = InterMask.load(folder, "cpu")
        options = GenerateOptions(seed=1, on_step=lambda _, count: seen.append(count))
        (take,) = model.generate(prompt, 160, options)
        assert len(take) == 160
        return seen[-1]

    assert steps("two people bow to each other") == 12
    (folder / "kinds.json").write_text(json.dumps(kinds), encoding="utf-8")
    assert steps("two people bow to each other") == 6
    assert steps("two people hug") == 12


def test_the_bundled_model_says_which_kinds_are_done_once(tmp_path: Path) -> None:
    once = kinds_done_once(bundled_model())
    assert {"shake hands", "hug", "bow to each other"} < once and "salsa" not in once
    assert kinds_done_once(tmp_path) == frozenset()
    (tmp_path / "kinds.json").write_text("[3]", encoding="utf-8")
    assert kinds_done_once(tmp_path) == frozenset()
