"""A model knows the kinds that its folder lists, and a training those of its settings, whatever scripts exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gliding import gliding_people, line, save_gliding

from model_core.data.choreography.captions.kind_of_caption import kind_of_caption
from model_core.data.choreography.kinds import SCRIPTS
from model_core.data.choreography.shards import load_choreographed
from model_core.errors import UserError
from model_core.evaluation.starter import evaluate_starter
from model_core.model_files.kinds import listed_kinds
from model_core.training.config import read_training_config

REPOSITORY = Path(__file__).parents[3]
STARTER = REPOSITORY / "assets" / "models" / "starter"


def two_kinds(folder: Path) -> Path:
    """A folder with a clip each of a kind that the model knows, and of one that it does not."""
    walk = gliding_people((line(0, 0, 1.1), line(0.7, 0, 1.1)), (0, 0))
    save_gliding(folder / "walks.npz", "walk side by side", [walk], [True])
    save_gliding(folder / "others.npz", "juggle", [walk], [True])
    return folder


def test_the_starter_is_trained_on_the_kinds_that_it_lists() -> None:
    settings = read_training_config(REPOSITORY / "configs" / "starter.toml").data
    assert {*settings.kinds, "salsa"} == listed_kinds(STARTER)
    assert set(settings.kinds) <= set(SCRIPTS) and set(settings.class_weights) <= set(settings.kinds)


def test_clips_of_other_kinds_are_left_out(tmp_path: Path) -> None:
    data = two_kinds(tmp_path)
    assert [clip.kind for clip in load_choreographed(data)] == ["juggle", "walk side by side"]
    assert [clip.kind for clip in load_choreographed(data, kinds=listed_kinds(STARTER))] == ["walk side by side"]
    with pytest.raises(UserError, match="other kinds"):
        load_choreographed(data, kinds=["hug"])


def test_a_model_is_not_measured_on_kinds_that_it_does_not_list(tmp_path: Path) -> None:
    (tmp_path / "kinds.json").write_text(json.dumps([{"group": "Walks", "kinds": [{"name": "follow"}]}]))
    with pytest.raises(UserError, match="knows no kind 'hug'; its kinds are: follow"):
        evaluate_starter(tmp_path, two_kinds(tmp_path), kinds=["hug"])
    with pytest.raises(UserError, match="other kinds"):
        evaluate_starter(tmp_path, two_kinds(tmp_path))
    (tmp_path / "kinds.json").write_text("[3]")
    assert listed_kinds(tmp_path) is None


def test_captions_of_a_model_are_of_its_kinds() -> None:
    assert kind_of_caption("two people hug", {"hug", "follow"}) == "hug"
    assert kind_of_caption("two people hug", {"follow"}) is None
