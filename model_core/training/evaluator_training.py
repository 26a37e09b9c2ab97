"""Training the evaluator: captions are drawn to their motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..metrics.retrieval import BATCH, retrieval
from ..model_files.evaluator_folder import PairEmbeddingConfig, save_evaluator
from ..model_files.model_folder import find_text_encoder
from ..networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig, seen_by_each
from ..text_encoders import load_text_encoder
from .captioned_crops import caption_vectors, drawn, limit_captions, word_vectors
from .crops import Crops
from .loop import Loop, LoopSettings
from .material import Material
from .normalised import normalise_by


@dataclass(frozen=True)
class EvaluatorTraining:
    """Settings of the evaluator's training.

    Attributes:
        network: its shape.
        loop: length, rate and batch.
        frames: lengths of crops; a batch is of one length.
        paraphrases: captions of a clip that are learnt from: to encode them all would take as long as the training.
        noise: spread of what is added to normalised features, so that small trembling is not all that is looked at.
        seed: of the weights and the crops.
    """

    network: SmallEvaluatorConfig = SmallEvaluatorConfig()
    loop: LoopSettings = LoopSettings(
        steps=600, batch=48, rate=2e-3, decay=1e-2, average=0.99, evaluate_every=100, save_every=50, half=True
    )
    frames: tuple[int, ...] = (88, 104, 120, 144, 168)
    paraphrases: int = 3
    noise: float = 0.1
    seed: int = 0


def train_evaluator(
    material: Material,
    text_encoder: str,
    folder: Path,
    result: Path,
    about: str = "",
    settings: EvaluatorTraining | None = None,
) -> SmallEvaluator:
    """Train, or go on training, in ``folder``; write the network's own folder to ``result``.

    Args:
        material: where pairs come from.
        text_encoder: name of the sentence encoder.
        folder: for checkpoints and figures.
        result: for the network and what is to be known of it.
        about: data and credit, kept in the folder.
        settings: of the training.
    """
    settings = settings or EvaluatorTraining()
    folder.mkdir(parents=True, exist_ok=True)
    encoder = load_text_encoder(find_text_encoder(text_encoder))
    settings = replace(settings, network=replace(settings.network, text_width=encoder.width))
    train, held_out = (limit_captions(crops, settings.paraphrases) for crops in material.pairs())
    network = contrasted(settings, train, held_out, word_vectors(encoder, train, held_out), folder)
    save_evaluator(result, network, PairEmbeddingConfig(settings.network, text_encoder, about))
    return network


def contrasted(
    settings: EvaluatorTraining, train: Crops, held_out: Crops, words: Mapping[str, Tensor], folder: Path
) -> SmallEvaluator:
    """The averaged network after training, or going on with it, in ``folder``.

    Args:
        settings: see ``EvaluatorTraining``.
        train, held_out: crops of pairs whose clips name their kinds.
        words: the sentence encoder's vector (C,) of every caption.
        folder: for checkpoints and figures.
    """
    torch.manual_seed(settings.seed)
    network = SmallEvaluator(settings.network)
    normalise_by(network, seen_by_each(drawn(train, np.random.default_rng(settings.seed), 256, settings.frames[0])[0]))
    loop = Loop(network, settings.loop, folder, "evaluator")

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        frames = settings.frames[int(random.integers(len(settings.frames)))]
        rows, clips = drawn(train, random, settings.loop.batch, frames)
        motions, texts = network.motion(rows, settings.noise), network.text(caption_vectors(clips, words, random))
        loss, hits = contrast(motions, texts, [clip.kind for clip in clips], network.sharpness)
        return loss, {"loss": float(loss.detach()), "top1": hits}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, SmallEvaluator)
        random = np.random.default_rng(0)
        rows, clips = drawn(held_out, random, 512, settings.frames[2])
        texts, motions = averaged.text(caption_vectors(clips, words, random)).numpy(), averaged.motion(rows).numpy()
        kinds = [clip.kind for clip in clips]
        found = retrieval(texts, motions, kinds, min(BATCH, len(set(kinds))))
        assert found.precision is not None
        return {"held_out_top1": found.precision[0], "held_out_top3": found.precision[2], "distance": found.distance}

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, SmallEvaluator)
    return trained


def contrast(motions: Tensor, texts: Tensor, kinds: list[str], sharpness: Tensor) -> tuple[Tensor, float]:
    """InfoNCE in both directions (Oord et al. 2018; Radford et al. 2021), and the share of captions that hit.

    Args:
        motions, texts: (B, D) unit vectors of pairs.
        kinds: (B) of the pairs; other pairs of a kind are neither right nor wrong.
        sharpness: log of the inverse temperature.
    """
    number = {kind: index for index, kind in enumerate(sorted(set(kinds)))}
    which = torch.tensor([number[kind] for kind in kinds])
    alike = (which[:, None] == which) & ~torch.eye(len(kinds), dtype=torch.bool)
    scores = (texts @ motions.T * sharpness.clamp(max=4.0).exp()).masked_fill(alike, -torch.inf)
    own = torch.arange(len(kinds))
    loss = 0.5 * (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own))
    return loss, float((scores.argmax(1) == own).float().mean())
