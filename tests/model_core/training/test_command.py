"""The commands of ``train``: each writes what the next one reads, and says what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_training import CONFIG, training_in

from model_core.__main__ import TRAINABLE, main
from model_core.errors import UserError
from model_core.generation.pipeline import InterMask
from model_core.model_files.model_folder import load_model
from model_core.model_files.training_captions import load_captions
from model_core.training.command import TRAINERS, TrainOptions, train
from model_core.training.material import Sources


def with_old_names(state: Any) -> Any:
    """A state, or states in a dictionary, with the names of tensors of earlier versions."""
    if not isinstance(state, dict):
        return state
    return {
        name.replace(".joint.", ".together.") if isinstance(name, str) else name: with_old_names(value)
        for name, value in state.items()
    }


def test_the_command_line_knows_what_can_be_trained() -> None:
    assert set(TRAINABLE) == set(TRAINERS)


@pytest.mark.slow
def test_each_training_writes_what_the_next_one_reads(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    order = ("tokenizer", "transformer", "refiner", "contact-classifier", "reranker")
    added = {"refiner": "refiner", "contact-classifier": "contact_classifier", "reranker": "reranker"}
    networks: set[str] = set()
    for number, name in enumerate(order):
        for later in order[number + 1 :]:
            missing = rf"There is no trained {name.replace('-', ' ')} in .*run 'train {name}'"
            with pytest.raises(UserError, match=missing):
                TRAINERS[later](training)
        TRAINERS[name](training)
        following = order[number + 1] if number + 1 < len(order) else ""
        assert training.next_command(name.replace("-", "_")) == (f"Next: train {following}." if following else "")
        if name == "tokenizer":
            continue
        networks |= {added[name]} if name in added else set()
        config = json.loads((training.model_folder / "config.json").read_text())
        assert {key for key in added.values() if config[key] is not None} == networks
    model = load_model(training.model_folder)
    assert model.refiner is not None and model.contact_classifier is not None and model.reranker is not None
    known = load_captions(training.model_folder)
    assert known is not None and known.texts == ("they bow", "they hug")
    made = InterMask.load(training.model_folder, "cpu").generate("they hug", 48)[0]
    assert np.isfinite([person.joints for person in made.people]).all()

    # Trained once more, a network changes the model as a whole, and the others stay.
    before = {path.name: path.read_bytes() for path in training.model_folder.iterdir()}
    training.refiner()
    after = {path.name: path.read_bytes() for path in training.model_folder.iterdir()}
    assert after == before  # its last checkpoint is the end of the training

    # Files of a run that was started before tensors had their present names are read.
    for name in ("averaged.pt", "checkpoint.pt"):
        path = tmp_path / "run" / "transformer" / name
        state = torch.load(path, weights_only=True)
        assert "together" in str([*with_old_names(state).get("network", with_old_names(state))])
        torch.save(with_old_names(state), path)
    training.transformer()
    assert {path.name: path.read_bytes() for path in training.model_folder.iterdir()} == before


@pytest.mark.slow
def test_a_start_of_the_same_shape_may_have_another_dropout(tmp_path: Path) -> None:
    trained = training_in(tmp_path)
    trained.tokenizer()
    trained.transformer()
    (tmp_path / "next").mkdir()
    following = training_in(tmp_path / "next")
    following.start = load_model(trained.model_folder)
    tokenizer, transformer = following.config.tokenizer, following.config.transformer
    dropped = replace(transformer.network, dropout=0.4, text=replace(transformer.network.text, dropout=0.3))
    following.config = replace(
        following.config,
        tokenizer=replace(tokenizer, network=replace(tokenizer.network, dropout=0.4)),
        transformer=replace(transformer, network=dropped),
    )
    following.tokenizer()
    following.transformer()
    assert load_model(following.model_folder).config.transformer.dropout == 0.4
    wider = replace(dropped, width=32)
    following.config = replace(following.config, transformer=replace(transformer, network=wider))
    with pytest.raises(UserError, match=r"The transformer of .* has another shape"):
        following.transformer()


def test_the_statistics_of_the_tokenizer_are_those_of_the_model(tmp_path: Path) -> None:
    training = training_in(tmp_path)
    training.tokenizer()
    training.transformer()
    model = load_model(training.model_folder)
    assert model.tokenizer.frame is not None
    assert torch.equal(model.tokenizer.frame.statistics, torch.stack((model.mean, model.std)))
    assert np.array_equal(np.load(tmp_path / "run" / "statistics.npy")[0], model.mean.numpy())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("refiner", "--start", "MODEL"), "'train refiner' takes no --start; tokenizer and transformer do."),
        (("tokenizer", "--device", "abacus"), "There is no device 'abacus'"),
        (("tokenizer", "--device", "cpu-bf16"), "Training has no device 'cpu-bf16'"),
        (("tokenizer", "--start", "NOWHERE"), "There is no model in NOWHERE"),
        (("transformer",), "There is no trained tokenizer in"),
        (("reranker",), "There is no trained tokenizer in"),
        (("tokenizer",), "Cannot read"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(CONFIG)
    paths = [f"--{key}={tmp_path / name}" for key, name in (("config", "tiny.toml"), ("data", "data"), ("out", "run"))]
    assert main(["train", *arguments, *paths]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_configuration_without_a_network_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG.split("[reranker]")[0])
    with pytest.raises(UserError, match=r"tiny\.toml has no section \[reranker\]; add one, empty for the defaults"):
        train("reranker", TrainOptions(path, Sources(tmp_path), tmp_path / "run", device="cpu"))
