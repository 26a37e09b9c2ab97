"""Drafts: a model with a judge gives the draft that the judge likes best, for each take and each prompt its own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_model import TEXT_ENCODER, save_small_model

from model_core.errors import UserError
from model_core.evaluation.evaluator_rows import rows_of
from model_core.judging import judged_by
from model_core.motion import Interaction
from model_core.motion.representation import POSITIONS
from model_core.networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig
from model_core.pair_embedding import JUDGE, PairEmbeddingConfig, save_evaluator
from model_core.pipeline import InterMask

PROMPTS = ("they hug", "they bow")
FRAMES = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with a random judge."""
    model = save_small_model(tmp_path_factory.mktemp("judged") / "small")
    shape = SmallEvaluatorConfig(8, 16, 16)
    torch.manual_seed(3)
    save_evaluator(model / JUDGE, SmallEvaluator(shape), PairEmbeddingConfig(shape, str(TEXT_ENCODER)))
    return model


@pytest.fixture(scope="module")
def judged(folder: Path) -> InterMask:
    return InterMask.load(folder, "cpu")


def liking(model: InterMask, made: Interaction) -> float:
    """How well the judge finds that a result fits its prompt."""
    assert model.judge is not None
    return float(model.judge.texts([made.text])[0] @ model.judge.motions([rows_of(made.people)])[0])


def test_the_judge_likes_what_it_chose_better_than_most_draws(judged: InterMask) -> None:
    one, several = (replace(judged.config.sampling, drafts=count) for count in (1, 6))
    single = [liking(judged, judged.generate("they hug", FRAMES, one, seed)[0]) for seed in range(12)]
    chosen = [liking(judged, judged.generate("they hug", FRAMES, several, seed)[0]) for seed in range(4)]
    assert min(chosen) > np.median(single) and np.mean(chosen) > np.quantile(single, 0.75)


def test_takes_and_rows_are_judged_each_by_its_own_prompt(judged: InterMask) -> None:
    settings = replace(judged.config.sampling, drafts=3, looks=1)
    rows = judged.generate_rows(PROMPTS, FRAMES, (5, 6), settings)
    for prompt, seed, row in zip(PROMPTS, (5, 6), rows, strict=True):
        alone = judged.generate(prompt, FRAMES, settings, seed)[0]
        assert all(np.allclose(a.joints, b.joints, atol=1e-4) for a, b in zip(alone.people, row.people, strict=True))
    takes = judged.generate("they hug", FRAMES, settings, 1, takes=2)
    assert not np.allclose(takes[0].people[0].joints, takes[1].people[0].joints)


def test_a_torn_draft_is_taken_only_where_all_are(judged: InterMask) -> None:
    assert judged.judge is not None
    whole = np.stack([rows_of(judged.generate("they hug", FRAMES, seed=seed)[0].people) for seed in (1, 2)])
    tears = whole.copy()
    tears[:, 0, 20:24, POSITIONS.start] += 3.0
    liked = judged.judge.motions(whole)
    for best in (0, 1):
        drafts, wanted = torch.zeros(1, 2, 2, 5, FRAMES // 4), torch.from_numpy(liked[[best]])

        def chosen(rows: np.ndarray, drafts: torch.Tensor = drafts, wanted: torch.Tensor = wanted) -> int:
            assert judged.judge is not None
            return int(judged_by(judged.judge, wanted, lambda *_: rows)(drafts, slice(None)))

        assert chosen(whole) == best
        half = whole.copy()
        half[best] = tears[best]
        assert chosen(half) == 1 - best


def test_without_a_judge_one_draft_is_made(judged: InterMask, folder: Path, tmp_path: Path) -> None:
    plain = shutil.copytree(folder, tmp_path / "plain", ignore=shutil.ignore_patterns(JUDGE))
    model = InterMask.load(plain, "cpu")
    several = replace(model.config.sampling, drafts=4)
    one, other = (model.generate("they hug", FRAMES, chosen, 2)[0] for chosen in (several, model.config.sampling))
    assert model.judge is None and np.array_equal(one.people[0].joints, other.people[0].joints)


def test_a_damaged_judge_is_named(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / JUDGE / "evaluator.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="judge"):
        InterMask.load(broken, "cpu")
