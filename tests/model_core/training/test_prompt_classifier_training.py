"""The prompt classifier's training starts from new weights, or from those of a model that has the same kinds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file
from taught_model import save_taught_model

from model_core.errors import UserError
from model_core.training.loop import LoopSettings
from model_core.training.prompt_classifier_training import PromptClassifierTraining, learn_words

FILE = "prompt_classifier.safetensors"
FEW_STEPS = PromptClassifierTraining(LoopSettings(steps=2, batch=16, rate=1e-5, warm_up=1, average=0.0))


def test_training_continues_from_a_classifier_of_the_same_kinds(tmp_path: Path) -> None:
    model = save_taught_model(tmp_path)
    before = load_file(model / FILE)
    learn_words(model, tmp_path / "words", tmp_path / "again", FEW_STEPS, start=model)
    after = load_file(model / FILE)
    assert after.keys() == before.keys()
    assert max(float((after[name].float() - before[name].float()).abs().max()) for name in before) < 1e-3
    assert any(not after[name].equal(before[name]) for name in before)

    other = Path(shutil.copytree(model, tmp_path / "other"))
    (other / FILE).unlink()
    with pytest.raises(UserError, match=r"other has no prompt classifier of the same kinds to start from"):
        learn_words(model, tmp_path / "words", tmp_path / "out", FEW_STEPS, start=other)
