"""Settings from files: everything wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from repository import REPOSITORY

from model_core.errors import UserError
from model_core.settings import build
from model_core.training.config import TrainingConfig, read_training_config

CONFIGS = sorted((REPOSITORY / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_configurations_that_come_with_the_project_are_read(path: Path) -> None:
    config = read_training_config(path)
    assert all(length % 4 == 0 for length in config.transformer.frames)
    assert max(config.transformer.frames) == config.longest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 3", "name"),
        ("name = 'a'\nbatch = 3", "unknown entry 'batch'"),
        ("name = 'a'\n[data]\ntakes = 'x'", "takes"),
        ("name = 'a'\n[tokenizer.network]\nwidth = 2.5", "width"),
        ("name = 'a'\n[tokenizer.network]\ndataset = 'other'", "interhuman"),
        ("name = 'a'\ntokenizer = 3", "tokenizer"),
        ("name = 'a'", "missing"),
        ("name = ", "TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_training_config(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.toml"):
        read_training_config(tmp_path / "nowhere.toml")


def test_whole_numbers_are_numbers() -> None:
    values = {"name": "a", "text_encoder": "b", "data": {}, "captions": {}, "tokenizer": {}, "transformer": {}}
    config = build(TrainingConfig, {**values, "sampling": {"guidance": 2}}, "here")
    assert config.sampling.guidance == 2.0
