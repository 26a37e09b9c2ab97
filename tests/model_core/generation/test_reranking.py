"""Reranking: of several candidates the one with the highest score is returned, for each take and prompt separately."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from small_model import save_small_model
from torch import Tensor

from model_core.errors import UserError
from model_core.evaluation.evaluator_rows import features_of
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.reranking import TextCondition, candidate_selector
from model_core.model_files.model_folder import load_model, save_model
from model_core.motion import Interaction
from model_core.motion.representation import POSITIONS, features_from_motion
from model_core.networks.reranker import Reranker, RerankerConfig
from model_core.networks.tokenizer import Tokenizer, TokenizerConfig
from model_core.training.corruption import Neighbours, mix_up
from model_core.training.crops import Clip, Crops
from model_core.training.labels import Labels, LabelSource, candidates_of, corrupted_clips
from model_core.training.loop import LoopSettings
from model_core.training.material import DataSettings, Material
from model_core.training.reranker_training import RerankerTraining, fit_reranker, ranking, train_reranker
from model_core.training.run import TrainingRun

PROMPTS = ("they hug", "they bow")
FRAMES = 48
SHAPE = RerankerConfig(width=16, dilations=(1, 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with a random reranker."""
    target = save_small_model(tmp_path_factory.mktemp("reranked") / "small")
    model = load_model(target)
    torch.manual_seed(3)
    save_model(target, replace(model, config=replace(model.config, reranker=SHAPE), reranker=Reranker(SHAPE)))
    return target


@pytest.fixture(scope="module")
def reranked(folder: Path) -> InterMask:
    return InterMask.load(folder, "cpu")


def liking(model: InterMask, made: Interaction) -> float:
    """The reranker's score of a result for its prompt."""
    assert model.model.reranker is not None
    joints = torch.from_numpy(np.stack([person.joints for person in made.people])[None]).float()
    return float(model.model.reranker(joints, model.text_condition(made.text).pooled))


def pairs(count: int, frames: int = 32) -> Tensor:
    """(N, 2, T, 22, 3) of random people who sway, one a metre from the other."""
    torch.manual_seed(1)
    bodies = torch.randn(count, 2, 1, 22, 3) * torch.tensor((0.2, 0.4, 0.2)) + torch.tensor((0.0, 1.0, 0.0))
    sway = 0.1 * torch.sin(torch.arange(frames) / 5.0)[:, None, None] * torch.tensor((1.0, 0.0, 0.5))
    return bodies + sway + torch.tensor([[[[0.0, 0.0, 0.0]]], [[[0.0, 0.0, 1.0]]]])


def test_the_reranker_depends_neither_on_place_nor_on_heading_nor_on_order() -> None:
    torch.manual_seed(0)
    reranker, joints, text = Reranker(SHAPE).eval(), pairs(3), torch.randn(3, 384)
    turn = torch.tensor([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])
    with torch.inference_mode():
        logits = reranker(joints, text)
        moved = reranker(joints @ turn.T + torch.tensor([3.0, 0.0, -2.0]), text)
        torch.testing.assert_close(moved, logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(reranker(joints.flip(1), text), logits, atol=1e-5, rtol=1e-5)
        assert (reranker(joints + torch.tensor([0.0, 0.5, 0.0]), text) - logits).abs().max() > 1e-3
        assert (reranker(joints, text.flip(0)) - logits).abs().max() > 1e-3


@pytest.mark.slow
def test_the_reranker_learns_the_labels_of_the_detectors(tmp_path: Path) -> None:
    """Near is right for one caption and wrong for the other; places alone would not tell."""
    random, joints = np.random.default_rng(0), pairs(240)
    apart = torch.from_numpy(random.uniform(0.4, 1.6, 240)).float()
    joints[:, 1, ..., 2] += (apart - 1.0)[:, None, None]
    kinds = tuple(("meet", "part")[index % 2] for index in range(240))
    right = (apart.numpy() < 1.0) == (np.array(kinds) == "meet")
    chunks = [
        Labels(joints[part].numpy().astype(np.float16), kinds[part], kinds[part], right[part])
        for part in (slice(start, start + 40) for start in range(0, 240, 40))
    ]
    words = dict(zip(("meet", "part"), torch.randn(2, 384), strict=True))
    loop = LoopSettings(steps=200, batch=32, rate=4e-3, average=0.9, warm_up=5, evaluate_every=200)
    settings = RerankerTraining(network=replace(SHAPE, dropout=0.0), loop=loop, mismatched=0.0, noise=0.0)
    reranker = fit_reranker(settings, (), chunks, words, tmp_path)
    figures = ranking(reranker, chunks[:1], words)
    assert figures["ranked"] > 0.8 and figures["four"] > figures["one"] + 0.2
    assert figures["any_of_four"] >= figures["four"]


def test_corrupted_tokens_are_codes_of_the_same_part_and_a_quarter_stays() -> None:
    torch.manual_seed(0)
    tokenizer = Tokenizer(TokenizerConfig(width=16, codes=64, code_width=8, part_codes=True))
    for codes in tokenizer.quantizer.codebooks:
        codes.codes.normal_()
    tokens, others = torch.randint(64, (2, 200, 2, 5, 24))
    mixed = mix_up(tokens, others, np.random.default_rng(0))
    same = (mixed == tokens).flatten(1)
    assert 0.15 < same.all(1).float().mean() < 0.35 and same.float().mean() > 0.5
    neighbours = Neighbours(tokenizer)
    assert torch.equal(neighbours.swap(tokens, 0.0), tokens)
    swapped = neighbours.swap(tokens, 0.5)
    assert 0.15 < (swapped != tokens).float().mean() < 0.35
    vectors = tokenizer.quantizer.vectors()
    for row in range(5):
        changed = swapped[:, :, row] != tokens[:, :, row]
        near = (vectors[row][swapped[:, :, row]] - vectors[row][tokens[:, :, row]])[changed].norm(dim=-1)
        assert near.mean() < 0.8 * torch.cdist(vectors[row], vectors[row]).mean()


def test_labels_are_made_once_and_kept(tmp_path: Path) -> None:
    made: list[int] = []

    def make(random: np.random.Generator, count: int, frames: int) -> Labels:
        made.append(frames)
        joints = random.random((count, 2, frames, 22, 3)).astype(np.float16)
        return Labels(joints, ("they hug",) * count, ("hug",) * count, random.random(count) < 0.5)

    source = LabelSource("candidates", make, "one model")
    first = source.gather(tmp_path, 9, 4, (8, 12), 1)
    assert made == [8, 12, 8] and [len(labels.right) for labels in first] == [4, 4, 4]
    (missing,) = tmp_path.glob("candidates_*_001.npz")
    missing.unlink()
    again = source.gather(tmp_path, 9, 4, (8, 12), 1)
    assert made == [8, 12, 8, 12]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.joints, other.joints) and np.array_equal(one.right, other.right)
        assert one.captions == other.captions and one.kinds == other.kinds


@pytest.mark.slow
def test_labels_of_another_model_are_not_used_and_not_deleted(folder: Path, tmp_path: Path) -> None:
    pair = np.stack([features_from_motion(posed_person(person, 60).motion()) for person in (0, 1)])
    crops = Crops([Clip(pair, ("they hug",), 1.0, (20, 40), "hug")], captioned=True)
    words = {"they hug": torch.ones(384)}

    pipeline = InterMask.load(folder, "cpu")

    def fingerprints(crops: Crops = crops, changed: str = "") -> tuple[str, str]:
        model = load_model(folder)
        if changed:
            model.transformer.get_parameter(changed).view(-1)[0] += 1
        return candidates_of(pipeline, crops, model).fingerprint, corrupted_clips(pipeline, crops, words).fingerprint

    as_it_is = fingerprints()
    assert fingerprints() == as_it_is
    for name, _ in load_model(folder).transformer.named_parameters():
        candidates, corrupted = fingerprints(changed=name)
        assert candidates != as_it_is[0] and corrupted == as_it_is[1], name  # the transformer makes candidates alone
    others = (
        fingerprints(replace(crops, clips=[replace(crops.clips[0], kind="bow to each other")], _chances={})),
        fingerprints(replace(crops, by_kind=True, _chances={})),
    )
    for other in others:
        assert other[0] != as_it_is[0] and other[1] != as_it_is[1]

    def make(random: np.random.Generator, count: int, frames: int) -> Labels:
        joints = random.random((count, 2, frames, 22, 3)).astype(np.float16)
        return Labels(joints, ("they hug",) * count, ("hug",) * count, random.random(count) < 0.5)

    for number, (fingerprint, lengths) in enumerate((("a", (8,)), ("b", (8,)), ("b", (12,)), ("b", (8,)))):
        LabelSource("candidates", make, fingerprint).gather(tmp_path, 4, 4, lengths, 0)
        assert len(list(tmp_path.iterdir())) == min(number + 1, 3)


@pytest.mark.slow
def test_a_reranker_is_trained_on_candidates_and_corrupted_clips(folder: Path, tmp_path: Path) -> None:
    kinds = {"hug": ("they hug", "two people hug"), "bow to each other": ("they bow",), "unheard of": ("they yodel",)}
    clips = [
        Clip(
            np.stack([features_from_motion(posed_person(seed + p, 60).motion()) for p in (0, 1)]),
            words,
            1.0,
            (20, 40),
            kind,
        )
        for seed, (kind, words) in enumerate(kinds.items())
    ]
    material = Material(([], clips), ([], clips), DataSettings())
    loop = LoopSettings(steps=4, batch=6, average=0.9, warm_up=1, save_every=4, evaluate_every=4)
    settings = RerankerTraining(network=SHAPE, loop=loop, frames=(48,), candidates=12, corrupted=8, chunk=6)
    pipeline = InterMask.load(folder, "cpu")
    run = TrainingRun(material, tmp_path, pipeline.config.text_encoder)
    reranker = train_reranker(settings, run, folder, "cpu")
    files = sorted((tmp_path / "reranker" / "labels").iterdir())
    names = [(path.stem.split("_")[0], path.stem.split("_")[2]) for path in files]
    assert names == [("candidates", "000"), ("candidates", "001"), ("corrupted", "000"), ("corrupted", "001")]
    for path in files:
        with np.load(path) as made:
            assert made["joints"].shape == (6, 2, 48, 22, 3) and np.isfinite(made["joints"]).all()
            for kind, caption in zip(made["kinds"].tolist(), made["captions"].tolist(), strict=True):
                assert caption in kinds[kind] and kind != "unheard of"  # there is no detector for it
    assert reranker.config.text_width == 384 and torch.isfinite(next(reranker.parameters())).all()


def test_the_reranker_prefers_what_it_chose_to_most_results(reranked: InterMask) -> None:
    one, several = (replace(reranked.config.sampling, candidates=count) for count in (1, 6))
    single = [
        liking(reranked, reranked.generate("they hug", FRAMES, GenerateOptions(one, seed))[0]) for seed in range(12)
    ]
    chosen = [
        liking(reranked, reranked.generate("they hug", FRAMES, GenerateOptions(several, seed))[0]) for seed in range(4)
    ]
    assert min(chosen) > np.median(single) and np.mean(chosen) > np.quantile(single, 0.75)


def test_takes_and_items_are_reranked_each_by_its_own_prompt(reranked: InterMask) -> None:
    settings = replace(
        reranked.config.sampling, candidates=3, refinement_passes=1, max_attempts=2, accept_threshold=0.5
    )
    rows = reranked.generate_batch(PROMPTS, FRAMES, (5, 6), GenerateOptions(settings))
    for prompt, seed, row in zip(PROMPTS, (5, 6), rows, strict=True):
        alone = reranked.generate(prompt, FRAMES, GenerateOptions(settings, seed))[0]
        assert all(np.allclose(a.joints, b.joints, atol=1e-4) for a, b in zip(alone.people, row.people, strict=True))
    takes = reranked.generate("they hug", FRAMES, GenerateOptions(settings, 1, takes=2))
    assert not np.allclose(takes[0].people[0].joints, takes[1].people[0].joints)


def test_a_discontinuous_candidate_is_chosen_only_if_all_are(reranked: InterMask) -> None:
    reranker = reranked.model.reranker
    assert reranker is not None
    pair = [features_of(reranked.generate("they hug", FRAMES, GenerateOptions(seed=seed))[0].people) for seed in (1, 2)]
    text_condition = reranked.text_condition("they hug")

    def logit(features: np.ndarray) -> float:
        joints = torch.from_numpy(features[..., POSITIONS]).view(1, 2, -1, 22, 3)
        return float(reranker(joints, text_condition.pooled))

    liked = [logit(features) for features in pair]
    for order in ((0, 1), (1, 0)):
        whole, best = np.stack([pair[index] for index in order]), order.index(int(np.argmax(liked)))
        discontinuous_pairs = whole.copy()
        discontinuous_pairs[:, 0, 20:24, POSITIONS.start] += 3.0
        candidates = torch.zeros(1, 2, 2, 5, FRAMES // 4)

        def chosen(
            rows: np.ndarray,
            text_condition: TextCondition = text_condition,
            candidates: Tensor = candidates,
            discontinuous_pairs: np.ndarray = discontinuous_pairs,
        ) -> int:
            assert reranker is not None
            with torch.inference_mode():
                number, likely = candidate_selector(reranker, text_condition, lambda *_: rows)(
                    candidates, torch.zeros(1, dtype=torch.long)
                )
                assert (likely < 0) == (rows is discontinuous_pairs)
                return int(number)

        assert chosen(whole) == best
        half = whole.copy()
        half[best] = discontinuous_pairs[best]
        assert chosen(half) == 1 - best
        scores = [logit(features) for features in discontinuous_pairs]
        assert abs(scores[0] - scores[1]) > 1e-4 and chosen(discontinuous_pairs) == int(np.argmax(scores))


def test_without_a_reranker_one_candidate_is_drawn(reranked: InterMask, tmp_path: Path) -> None:
    model = InterMask.load(save_small_model(tmp_path / "plain"), "cpu")
    several = replace(model.config.sampling, candidates=4)
    one, other = (
        model.generate("they hug", FRAMES, GenerateOptions(chosen, 2))[0] for chosen in (several, model.config.sampling)
    )
    assert model.model.reranker is None and np.array_equal(one.people[0].joints, other.people[0].joints)


def test_a_damaged_reranker_is_named(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "reranker.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"reranker\.safetensors"):
        InterMask.load(broken, "cpu")


def test_the_best_candidate_that_shows_its_act_is_chosen_and_no_other_is_accepted(reranked: InterMask) -> None:
    reranker = reranked.model.reranker
    assert reranker is not None
    rows = np.stack(
        [features_of(reranked.generate("they hug", FRAMES, GenerateOptions(seed=seed))[0].people) for seed in (1, 2, 3)]
    )
    text = reranked.text_condition("they hug")
    with torch.inference_mode():
        joints = torch.from_numpy(rows[..., POSITIONS]).view(3, 2, -1, 22, 3)
        scores = reranker(joints, text.pooled.expand(3, -1)).sigmoid()
    order, asked = scores.argsort(descending=True).tolist(), list[int]()

    def chosen(good: set[int]) -> tuple[int, float]:
        def shows(features: np.ndarray, take: int) -> bool:
            assert take == 0
            asked.append(next(index for index in range(3) if np.array_equal(features, rows[index])))
            return asked[-1] in good

        candidates = torch.zeros(1, 3, 2, 5, FRAMES // 4)
        selector = candidate_selector(reranker, text, lambda *_: rows, shows=shows)
        number, likely = selector(candidates, torch.zeros(1, dtype=torch.long))
        return int(number), float(likely)

    assert chosen({order[1], order[2]}) == (order[1], pytest.approx(float(scores[order[1]]), abs=1e-5))
    assert asked == order[:2]  # the best ones first, and no more than needed
    number, likely = chosen(set())
    assert number == order[0] and likely < 0
