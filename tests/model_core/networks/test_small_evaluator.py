"""Our own evaluator: trained in seconds on people who glide, it finds what captions tell of and sees what is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gliding import gliding_people, line
from made_up_library import made_up_library

from model_core.data.choreography.captions import paraphrases
from model_core.data.choreography.generate import choreographed
from model_core.errors import UserError
from model_core.metrics.frechet import frechet_distance
from model_core.metrics.retrieval import frechet_by_kind, retrieval
from model_core.model_files.evaluator_folder import PairEmbedding, PairEmbeddingConfig, save_evaluator
from model_core.model_files.model_folder import find_text_encoder
from model_core.motion import SMPL, Motion
from model_core.motion.representation import features_from_motion
from model_core.networks.small_evaluator import SmallEvaluatorConfig
from model_core.text_encoders import load_text_encoder
from model_core.text_encoders.batches import pooled
from model_core.training.crops import Clip, Crops, turned_into_frame
from model_core.training.evaluator_training import EvaluatorTraining, contrastive_loss, fit_evaluator
from model_core.training.loop import LoopSettings

TEXT_ENCODER = "all-MiniLM-L6-v2"
CHOREOGRAPHED = (
    "shake hands", "high five", "hand over an object", "push and stagger", "hold hands walking",
    "walk towards and pass", "follow", "beckon and the other comes", "circle each other",
)  # fmt: skip
CAPTIONS = {
    "walk side by side": ("two people walk side by side", "they walk next to each other", "two friends walk abreast"),
    "follow": ("one person follows the other", "someone walks behind a partner", "one walks after the other"),
    "race": ("two people race", "they run against each other", "two people run a race"),
    "chase": ("one person chases the other", "someone runs after a partner", "one person runs after the other"),
    "walk towards and pass": (
        "two people walk past each other",
        "they meet and pass",
        "two people walk and pass each other",
    ),
}


def glide(kind: str, random: np.random.Generator) -> np.ndarray:
    """(2, 119, 262) rows of a pair of a kind, at their own pace and distance."""
    pace, apart = random.uniform(0.9, 1.3), random.uniform(0.6, 1.0)
    if kind in ("race", "chase"):
        pace *= 2.3
    if kind in ("walk side by side", "race"):
        places, yaws = (line(0, 0, pace), line(apart, 0.1, pace)), (0.0, 0.0)
    elif kind in ("follow", "chase"):
        places, yaws = (line(0, 0, pace), line(0.1, 2 * apart, pace)), (0.0, 0.0)
    else:
        places, yaws = (line(0, -2, pace), line(apart, 2, -pace)), (0.0, np.pi)
    joints = gliding_people(places, yaws) + 0.005 * random.standard_normal((2, 120, 22, 3))
    still = np.tile(np.eye(3, dtype=np.float32), (120, len(SMPL) - 1, 1, 1))
    return np.stack([features_from_motion(Motion(person.astype(np.float32), still)) for person in joints])


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> PairEmbedding:
    """Trained on 60 clips; the last caption of each kind is held out."""
    folder, random = tmp_path_factory.mktemp("evaluator"), np.random.default_rng(1)
    clips = [Clip(glide(kind, random), words[:2], kind=kind) for kind, words in CAPTIONS.items() for _ in range(12)]
    held = [Clip(glide(kind, random), words[2:], kind=kind) for kind, words in CAPTIONS.items() for _ in range(3)]
    captions = [caption for words in CAPTIONS.values() for caption in words]
    words = dict(zip(captions, pooled(load_text_encoder(find_text_encoder(TEXT_ENCODER)), captions), strict=True))
    network = SmallEvaluatorConfig(embedding=8, width=32, entry=32)
    loop = LoopSettings(steps=80, batch=24, rate=4e-3, average=0.9, warm_up=5, evaluate_every=80)
    settings = EvaluatorTraining(network, loop, frames=(56, 80, 96))
    trained = fit_evaluator(settings, Crops(clips), Crops(held), words, folder)
    save_evaluator(folder / "saved", trained, PairEmbeddingConfig(network, TEXT_ENCODER))
    return PairEmbedding.load(folder / "saved")


@pytest.fixture(scope="module")
def held_out() -> tuple[list[str], list[str], list[np.ndarray]]:
    """Kinds, captions and rows that the evaluator has not seen."""
    random = np.random.default_rng(2)
    kinds = [kind for kind in CAPTIONS for _ in range(12)]
    return kinds, [CAPTIONS[kind][2] for kind in kinds], [glide(kind, random) for kind in kinds]


@pytest.mark.slow
def test_captions_retrieve_their_motion_and_shuffled_ones_do_not(
    evaluator: PairEmbedding, held_out: tuple[list[str], list[str], list[np.ndarray]]
) -> None:
    kinds, captions, rows = held_out
    texts, motions = evaluator.texts(captions), evaluator.motions(rows)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert np.allclose(texts[-1], evaluator.texts(captions[-1:])[0], atol=1e-4)
    found = retrieval(texts, motions, kinds, batch=5)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = retrieval(texts[order], motions, kinds, batch=5)
    assert found.precision is not None and shuffled.precision is not None
    assert found.precision[0] > 0.7
    # One in five by chance.
    assert 0.05 < shuffled.precision[0] < 0.4
    assert shuffled.distance > found.distance + 0.3
    assert retrieval(texts, motions, kinds).precision is None  # 32 kinds are not there


def test_neither_place_nor_order_nor_heading_changes_an_embedding(
    evaluator: PairEmbedding, held_out: tuple[list[str], list[str], list[np.ndarray]]
) -> None:
    rows = held_out[2][13]
    turned = turned_into_frame(rows, 1, 60)
    same = evaluator.motions([rows, rows[::-1].copy(), turned])
    assert np.abs(same - same[0]).max() < 1e-4
    assert np.abs(evaluator.motions([held_out[2][30]])[0] - same[0]).max() > 0.1


def test_the_frechet_distance_grows_with_noise(
    evaluator: PairEmbedding, held_out: tuple[list[str], list[str], list[np.ndarray]]
) -> None:
    kinds, _, rows = held_out
    random = np.random.default_rng(3)
    real = evaluator.motions(rows)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-4)
    apart = []
    for noise in (0.0, 0.03, 0.12):
        trembling = [clip + noise * random.standard_normal(clip.shape).astype(np.float32) for clip in rows]
        found = frechet_by_kind(real, kinds, evaluator.motions(trembling), kinds)
        assert found is not None
        apart.append(found)
    # Without noise generated and real halves are alike.
    assert apart[0][1] < 2 * apart[0][0] < apart[1][1] < apart[2][1]
    assert frechet_by_kind(real[:10], kinds[:10], real[:10], kinds[:10]) is None


def test_other_pairs_of_a_kind_are_neither_positive_nor_negative() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    sharpness = torch.tensor(2.0)
    alone, _ = contrastive_loss(vectors[:2], vectors[:2], ["bow", "race"], sharpness)
    doubled = vectors[[0, 1, 0, 1]]
    together, hits = contrastive_loss(doubled, doubled, ["bow", "race", "bow", "race"], sharpness)
    # Each of the two sees one wrong answer alone, two of the same in the doubled batch, and its double in neither.
    score = (vectors[0] @ vectors[0] - vectors[0] @ vectors[1]) * sharpness.exp()
    assert alone == pytest.approx(float(torch.log1p(torch.exp(-score))), rel=1e-4)
    assert together == pytest.approx(float(torch.log1p(2 * torch.exp(-score))), rel=1e-4)
    assert hits == 1


@pytest.mark.slow
def test_the_bundled_evaluator_recognises_held_out_clips() -> None:
    library, random = made_up_library(), np.random.default_rng(0)
    kinds, captions, rows = [], [], []
    for kind in CHOREOGRAPHED:
        for seed in (1, 2):
            clip = choreographed(kind, seed, library)
            kinds.append(kind)
            captions.append(paraphrases(kind, clip.facts, random, 1, held_out=True)[0])
            rows.append(np.stack([features_from_motion(person) for person in clip.people]))
    evaluator = PairEmbedding.load()
    texts, motions = evaluator.texts(captions), evaluator.motions(rows)
    found = retrieval(texts, motions, kinds, batch=len(CHOREOGRAPHED))
    shuffled = retrieval(np.roll(texts, 2, axis=0), motions, kinds, batch=len(CHOREOGRAPHED))
    assert found.precision is not None and shuffled.precision is not None
    # One in nine and three in nine by chance.
    assert found.precision[0] > 0.5 and found.precision[2] > 0.7
    assert shuffled.precision[0] < 0.3 and shuffled.distance > found.distance + 0.2


def test_a_folder_without_an_evaluator_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train evaluator"):
        PairEmbedding.load(tmp_path)
    (tmp_path / "config.json").write_text('{"network": {}, "text_encoder": "all-MiniLM-L6-v2"}', encoding="utf-8")
    (tmp_path / "evaluator.safetensors").write_bytes(b"cut off")
    with pytest.raises(UserError, match="train evaluator"):
        PairEmbedding.load(tmp_path)
