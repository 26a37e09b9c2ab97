"""Tokens of known people: never worse than the nearest codes, better with the bundled model, each for himself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from couple_examples import person, stepping
from torch import Tensor

from model_core.errors import UserError
from model_core.generation.pipeline import InterMask
from model_core.model_files.model_folder import bundled_model, read_config
from model_core.motion import Motion
from model_core.motion.canonical import canonical_transform
from model_core.motion.representation import features_from_motion
from model_core.networks.code_optimisation import CodeOptimisationSettings, optimised_codes
from model_core.networks.tokenizer import Tokenizer, TokenizerConfig
from model_core.training.tokenizer_training import joint_error


@pytest.fixture(scope="module")
def bundled() -> InterMask:
    return InterMask.load(bundled_model(), "cpu")


def walker(seed: int) -> Motion:
    return person(stepping(seed, 97, (0.0, 0.0), 0.0)).motion()


def errors(pipeline: InterMask, normal: Tensor, tokens: Tensor) -> tuple[float, float]:
    model = pipeline.model
    made = model.tokenizer.decode(tokens[:, None])
    return (
        joint_error(made, normal, model.mean, model.std),
        joint_error(made, normal, model.mean, model.std, aligned=True),
    )


@pytest.mark.slow
def test_optimised_codes_of_a_walk_reconstruct_it_better_than_the_nearest_codes(bundled: InterMask) -> None:
    assert bundled.config.code_optimisation is not None
    for seed in range(3):
        walk = walker(seed)
        rows = torch.from_numpy(features_from_motion(canonical_transform(walk).apply(walk)))[None].float()
        normal = (rows - bundled.model.mean) / bundled.model.std
        nearest = bundled.model.tokenizer.encode(normal)[:, 0]
        before, after = errors(bundled, normal, nearest), errors(bundled, normal, bundled.codec.tokens(normal))
        assert after[0] < 0.8 * before[0] and after[1] < before[1]


def test_optimised_codes_are_never_worse_than_the_nearest_and_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    tokenizer = Tokenizer(TokenizerConfig(width=8, codes=16, code_width=8)).eval().requires_grad_(False)
    for name, values in tokenizer.state_dict().items():
        if name.endswith(".codes"):
            values.normal_(std=2)
    rows, settings = torch.randn(3, 16, 262), CodeOptimisationSettings(steps=6, rate=0.3, pose=0.0, pace=0.0)
    with torch.inference_mode():  # as the pipeline may call it
        found = optimised_codes(tokenizer, rows, settings)
    assert found.shape == (3, 1, 5, 4) and not found.is_inference()
    zeros, ones = torch.zeros(262), torch.ones(262)
    for index in range(3):
        one = rows[index : index + 1]
        wrong, nearest = (
            joint_error(tokenizer.decode(tokens), one, zeros, ones)
            for tokens in (found[index : index + 1], tokenizer.encode(one))
        )
        assert wrong <= nearest
        assert torch.equal(optimised_codes(tokenizer, one, settings), found[index : index + 1])
    unmoved = optimised_codes(tokenizer, rows, replace(settings, steps=0))
    assert torch.equal(unmoved, tokenizer.encode(rows))


def test_code_optimisation_for_features_without_joints_is_refused(tmp_path: Path) -> None:
    values = json.loads((bundled_model() / "config.json").read_text(encoding="utf-8"))
    values["tokenizer"]["dataset"] = "interx"
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match="remove 'code_optimisation'"):
        read_config(tmp_path)
    np.testing.assert_equal(read_config(bundled_model()).code_optimisation, CodeOptimisationSettings())
