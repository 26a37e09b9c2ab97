"""The script that trains the starter: what ``--scale`` makes of the configuration, and finished steps are skipped."""

from __future__ import annotations

from pathlib import Path

import train_starter
from repository import REPOSITORY

from model_core.training.config import read_training_config


def test_a_scale_shortens_all_trainings_and_changes_no_network() -> None:
    config = read_training_config(REPOSITORY / "configs" / "starter.toml")
    small = train_starter.scaled(config, 0.001)
    assert small.tokenizer.loop.steps == 7 and small.tokenizer.decoder_loop.steps == 2
    assert small.transformer.loop.steps == 29 and small.transformer.crops == 64
    assert small.transformer.loop.warm_up <= 14 and small.transformer.loop.save_every <= 29
    assert small.reranker.chunk <= small.reranker.candidates == 8
    for name in ("tokenizer", "transformer", "refiner", "contact_classifier", "reranker", "evaluator"):
        assert getattr(small, name).network == getattr(config, name).network
    assert (small.sampling, small.data) == (config.sampling, config.data)
    assert train_starter.scaled(config, 1.0).transformer == config.transformer


def test_finished_steps_are_skipped_and_a_failed_one_is_run_again(tmp_path: Path) -> None:
    done: list[str] = []
    train_starter.Times(tmp_path / "times.json").run("first", lambda: done.append("first"))
    again = train_starter.Times(tmp_path / "times.json")
    for name in ("first", "second"):
        again.run(name, lambda name=name: done.append(name))
    assert done == ["first", "second"] and again.seconds.keys() == {"first", "second"}
