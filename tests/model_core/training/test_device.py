"""Training computes on one device: no tensor of the host meets the network's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from other_device import HostTensor, far_from_host
from small_model import save_small_model

from model_core.errors import UserError
from model_core.model_files.model_folder import Model, load_model
from model_core.motion.representation import features_from_motion
from model_core.networks.contact_classifier import ContactClassifierConfig
from model_core.networks.refiner import RefinerConfig
from model_core.networks.reranker import RerankerConfig
from model_core.networks.small_evaluator import SmallEvaluatorConfig
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.tokenizer import TokenizerConfig
from model_core.networks.transformer import TransformerConfig
from model_core.text_encoders import TextFeatures
from model_core.text_encoders.batches import pooled
from model_core.training.command import training_device
from model_core.training.contact_classifier_training import ContactClassifierTraining, train_contact_classifier
from model_core.training.crops import Clip
from model_core.training.evaluator_training import EvaluatorTraining, train_evaluator
from model_core.training.labels import Labels
from model_core.training.loop import Loop, LoopSettings
from model_core.training.material import DataSettings, Material
from model_core.training.refiner_training import RefinerTraining, train_refiner
from model_core.training.reranker_training import RerankerTraining, fit_reranker
from model_core.training.run import TrainingRun
from model_core.training.tokenised import CropTokeniser
from model_core.training.tokenizer_training import TokenizerTraining, train_tokenizer
from model_core.training.transformer_training import TransformerData, TransformerTraining, train_transformer

LOOP = LoopSettings(steps=2, batch=4, warm_up=1, save_every=2, evaluate_every=2)
DEVICE = torch.device("cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_small_model(tmp_path_factory.mktemp("models") / "small"))


@pytest.fixture
def run(model: Model, tmp_path: Path) -> TrainingRun:
    """A run on two pairs, with its text encoder and statistics loaded as on the device."""
    pairs = [np.stack([features_from_motion(posed_person(seed + p, 60).motion()) for p in (0, 1)]) for seed in (0, 2)]
    clips = [
        Clip(pair, (f"they {kind}",), 1.0, (20, 40), kind) for pair, kind in zip(pairs, ("hug", "bow"), strict=True)
    ]
    run = TrainingRun(Material(([], clips), ([], clips), DataSettings()), tmp_path, model.config.text_encoder, DEVICE)
    run.use_statistics(torch.stack((model.mean, model.std)).numpy())
    assert run.encoder and run.statistics.any()
    return run


def test_what_stands_for_a_second_device_behaves_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.ones(3)
    with far_from_host(monkeypatch):
        for made in (torch.from_numpy(np.ones(3, np.float32)), torch.rand(3), torch.arange(3)):
            assert isinstance(made, HostTensor) and isinstance(made + 1, HostTensor)
            with pytest.raises(AssertionError, match="mixes tensors of the host"):
                made * weight
            assert type(made.to(DEVICE) * weight) is torch.Tensor
        assert type(torch.rand(3, device=DEVICE) * weight) is torch.Tensor
        assert type(torch.tensor(2.0) * weight) is torch.Tensor  # a number may meet everything


def test_a_loop_moves_its_network(run: TrainingRun, tmp_path: Path) -> None:
    loop = Loop(torch.nn.Linear(2, 2), LOOP, tmp_path / "loop", "network", "meta")
    of_run = replace(run, device=torch.device("meta")).loop(torch.nn.Linear(2, 2), LOOP, "network")
    networks = loop.network, loop.averaged, of_run.network
    assert {weight.device.type for network in networks for weight in network.parameters()} == {"meta"}


@pytest.mark.parametrize("body", [True, False])
def test_the_tokenizer_is_trained_on_its_device(body: bool, run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    network = TokenizerConfig(width=8, codes=16, code_width=8, body=body, part_codes=body, levels=2 if body else 1)
    settings = TokenizerTraining(network, LOOP, window=32, decoder_loop=LOOP)
    with far_from_host(monkeypatch):
        train_tokenizer(settings, run)


def test_the_transformer_is_trained_on_its_device(
    run: TrainingRun, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions = [("they hug",), ("they bow",), ("they fight",)]
    texts = TextFeatures(torch.randn(3, 4, 16), torch.ones(3, 4, dtype=torch.bool), torch.randn(3, 16))
    network = TransformerConfig(32, 16, 32, 1, 2, 64, 0.1, TextLayersConfig(16, 2, 32, 1))
    with far_from_host(monkeypatch):
        tokeniser = CropTokeniser(model.tokenizer, run.statistics, (48,), captions, 0)
        tokens = tokeniser.tokens(run.material.pairs()[0], 8, run.out / "tokens.safetensors")
        data = TransformerData(tokens, tokens, texts, [[0], [1], [2]])
        train_transformer(TransformerTraining(network, LOOP, frames=(48,)), run, data)


@pytest.mark.slow
def test_what_follows_the_decoder_is_trained_on_its_device(
    run: TrainingRun, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    refining = RefinerTraining(RefinerConfig(width=8, dilations=(1,)), LOOP, frames=(48,), held=0.5)
    touching = ContactClassifierTraining(ContactClassifierConfig(width=8, dilations=(1,)), LOOP, refining)
    evaluating = EvaluatorTraining(SmallEvaluatorConfig(embedding=8, width=8, entry=8), LOOP, frames=(48,))
    with far_from_host(monkeypatch):
        refiner = train_refiner(refining, run, model.tokenizer)
        train_contact_classifier(touching, run, model.tokenizer, refiner)
        train_evaluator(evaluating, run)


def test_the_reranker_is_trained_on_its_device(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    random, prompts = np.random.default_rng(0), ("they hug", "they bow")
    labels = [
        Labels(random.random((8, 2, 48, 22, 3)).astype(np.float16), prompts * 4, prompts * 4, random.random(8) < 0.5)
        for _ in range(3)
    ]
    words = dict(zip(prompts, torch.randn(2, 16), strict=True))
    settings = RerankerTraining(RerankerConfig(width=8, dilations=(1,), text_width=16), LOOP, frames=(48,))
    with far_from_host(monkeypatch):
        fit_reranker(settings, labels, labels, words, run.out)


def test_captions_are_on_the_encoders_device() -> None:
    class Elsewhere:
        width = 4

        def encode(self, texts: list[str]) -> TextFeatures:
            numbers = torch.empty(len(texts), 4, device="meta")
            return TextFeatures(numbers[:, None], numbers[:, :1].bool(), numbers)

    assert pooled(Elsewhere(), ["a", "b"]).device.type == "meta"  # type: ignore[arg-type]


def test_a_device_that_training_does_not_know_is_told_in_a_sentence() -> None:
    assert training_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="Training has no device 'cpu-int8'; choose auto, cpu, cuda or mps"):
        training_device("cpu-int8")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="This machine has no device 'cuda'"):
            training_device("cuda")
