"""Training the evaluator: captions and motion in one space, by contrast (InfoNCE)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..metrics.retrieval import BATCH, retrieval
from ..networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig, evaluator_features
from .captioned_crops import caption_vectors, draw_pairs, limit_captions, word_vectors
from .crops import PAIR_LENGTHS, Crops
from .loop import Loop, LoopSettings
from .normalised import set_normalisation
from .run import TrainingRun

_MEASURED = 512
"""Held-out pairs that are evaluated."""
_FEWEST_KINDS = 4
"""Kinds among which retrieval of the three nearest says something."""


@dataclass(frozen=True)
class EvaluatorTraining:
    """Settings of the evaluator's training.

    Attributes:
        network: its shape.
        loop: length, rate and batch.
        frames: lengths of crops; a batch has one length.
        paraphrases: captions of a clip that are used: encoding all of them would take as long as the training.
        noise: standard deviation of noise on normalised features, so that the network does not rely on jitter.
        seed: of the weights and the crops.
    """

    network: SmallEvaluatorConfig = SmallEvaluatorConfig()
    loop: LoopSettings = LoopSettings(
        steps=600, batch=48, rate=2e-3, decay=1e-2, average=0.99, evaluate_every=100, save_every=50, half=True
    )
    frames: tuple[int, ...] = PAIR_LENGTHS
    paraphrases: int = 3
    noise: float = 0.1
    seed: int = 0


def train_evaluator(settings: EvaluatorTraining, run: TrainingRun) -> SmallEvaluator:
    """Train an evaluator, or continue its training; return the averaged network.

    Args:
        settings: see ``EvaluatorTraining``; the text's width follows the text encoder.
        run: data, folder and device.
    """
    settings = replace(settings, network=replace(settings.network, text_width=run.encoder.width))
    train, held_out = (limit_captions(crops, settings.paraphrases) for crops in run.material.pairs())
    words = word_vectors(run.encoder, train, held_out)
    return fit_evaluator(settings, train, held_out, words, run.folder("evaluator"))


def fit_evaluator(
    settings: EvaluatorTraining, train: Crops, held_out: Crops, words: Mapping[str, Tensor], folder: Path
) -> SmallEvaluator:
    """The averaged network after training in ``folder``, on the device of the text vectors.

    Args:
        settings: see ``EvaluatorTraining``.
        train, held_out: crops of pairs whose clips name their kinds.
        words: the sentence encoder's vector (C,) of every caption.
        folder: for checkpoints and metrics.
    """
    device = next(iter(words.values())).device
    torch.manual_seed(settings.seed)
    network = SmallEvaluator(settings.network).to(device)
    first = draw_pairs(train, np.random.default_rng(settings.seed), 256, settings.frames[0], device)[0]
    set_normalisation(network, evaluator_features(first))
    loop = Loop(network, settings.loop, folder, "evaluator", device)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        frames = settings.frames[int(random.integers(len(settings.frames)))]
        features, clips = draw_pairs(train, random, settings.loop.batch, frames, device)
        motions, texts = network.motion(features, settings.noise), network.text(caption_vectors(clips, words, random))
        loss, hits = contrastive_loss(motions, texts, [clip.kind for clip in clips], network.sharpness)
        return loss, {"loss": float(loss.detach()), "top1": hits}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, SmallEvaluator)
        random = np.random.default_rng(0)
        features, clips = draw_pairs(held_out, random, _MEASURED, settings.frames[len(settings.frames) // 2], device)
        texts = averaged.text(caption_vectors(clips, words, random)).cpu().numpy()
        motions = averaged.motion(features).cpu().numpy()
        kinds = [clip.kind for clip in clips]
        found = retrieval(texts, motions, kinds, max(_FEWEST_KINDS, min(BATCH, len(set(kinds)))))
        figures = {"distance": found.distance}
        if found.precision is not None:
            figures |= {"held_out_top1": found.precision[0], "held_out_top3": found.precision[2]}
        return figures

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, SmallEvaluator)
    return trained


def contrastive_loss(motions: Tensor, texts: Tensor, kinds: list[str], sharpness: Tensor) -> tuple[Tensor, float]:
    """InfoNCE in both directions (Oord et al. 2018; Radford et al. 2021), and the fraction of captions that hit.

    Args:
        motions, texts: (B, D) unit vectors of pairs.
        kinds: (B) of the pairs; other pairs of the same kind count neither as right nor as wrong.
        sharpness: log of the inverse temperature.
    """
    number = {kind: index for index, kind in enumerate(sorted(set(kinds)))}
    which = torch.tensor([number[kind] for kind in kinds], device=motions.device)
    alike = (which[:, None] == which) & ~torch.eye(len(kinds), dtype=torch.bool, device=motions.device)
    scores = (texts @ motions.T * sharpness.clamp(max=4.0).exp()).masked_fill(alike, -torch.inf)
    own = torch.arange(len(kinds), device=motions.device)
    loss = 0.5 * (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own))
    return loss, float((scores.argmax(1) == own).float().mean())
