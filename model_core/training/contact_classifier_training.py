"""Training the toucher: what palms touch in pairs of the data is to be told of these pairs disturbed and refined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.contact_classifier import TOUCHED, ContactClassifier, ContactClassifierConfig
from ..networks.palms import to_body, to_palms
from ..networks.refiner import Refiner
from ..networks.tokenizer import Tokenizer
from ..text_encoders import TextEncoder
from .captioned_crops import limit_captions, word_vectors
from .loop import Loop, LoopSettings
from .material import Material
from .normalised import normalise_by
from .refiner_training import PairMaker, RefinerTraining

_TOUCHING = 0.03
"""Metres between skins that touch."""


@dataclass(frozen=True)
class ContactClassifierTraining:
    """Settings of the toucher's training; its pairs come as the refiner's do.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        pairs: how pairs are made worse.
        seed: of the weights and the crops.
    """

    network: ContactClassifierConfig = ContactClassifierConfig()
    loop: LoopSettings = LoopSettings(
        steps=4000, batch=16, rate=1e-3, decay=1e-2, average=0.99, warm_up=50, save_every=200, evaluate_every=1000,
        half=True,
    )  # fmt: skip
    pairs: RefinerTraining = RefinerTraining()
    seed: int = 3


def train_contact_classifier(
    settings: ContactClassifierTraining,
    material: Material,
    tokenizer: Tokenizer,
    refiner: Refiner | None,
    statistics: np.ndarray,
    encoder: TextEncoder,
    folder: Path,
) -> ContactClassifier:
    """Train, or go on training, in ``folder``; give the averaged network.

    Args:
        settings: see ``ContactClassifierTraining``.
        material: where pairs come from.
        tokenizer: trained.
        refiner: trained; what it makes of pairs is what is seen.
        statistics: (2, 262) mean and deviation of the rows.
        encoder: of sentences.
        folder: for checkpoints and figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = (limit_captions(crops, settings.pairs.paraphrases) for crops in material.pairs())
    words = word_vectors(encoder, train, held_out)
    torch.manual_seed(settings.seed)
    network = ContactClassifier(replace(settings.network, text_width=encoder.width))
    maker = PairMaker(settings.pairs, tokenizer, torch.from_numpy(statistics), words)
    frames = settings.pairs.frames
    first = maker.made(train, np.random.default_rng(settings.seed), 128, frames[0])
    normalise_by(network, network.seen(first.disturbed))
    loop = Loop(network, settings.loop, folder, "contact_classifier")

    def come(disturbed: Tensor, text: Tensor, fixed: Tensor) -> Tensor:
        with torch.no_grad():
            return disturbed if refiner is None else refiner(disturbed, text, fixed)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        batch = maker.made(train, random, settings.loop.batch, frames[int(random.integers(len(frames)))])
        logits = network(come(batch.disturbed, batch.text, batch.fixed), batch.text)
        right = touched(batch.joints)
        loss = functional.cross_entropy(logits.flatten(0, -2), right.flatten())
        return loss, {"loss": float(loss.detach()), **told_right(logits, right)}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        batch = maker.always_the_same(held_out)
        logits, right = averaged(come(batch.disturbed, batch.text, batch.fixed), batch.text), touched(batch.joints)
        return {
            "loss": float(functional.cross_entropy(logits.flatten(0, -2), right.flatten())),
            **told_right(logits, right),
        }

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, ContactClassifier)
    return trained


def touched(joints: Tensor) -> Tensor:
    """(B, 2, T, 2) what left and right palms touch, as ``ContactClassifier`` numbers it, of joints (B, 2, T, 22, 3)."""
    nearest = to_palms(joints).norm(dim=-1).min(-1)
    body = torch.where(to_body(joints).norm(dim=-1) < _TOUCHING, TOUCHED - 1, 0)
    return torch.where(nearest.values < _TOUCHING, 1 + nearest.indices, body)


def told_right(logits: Tensor, right: Tensor) -> dict[str, float]:
    """Shares of what touches that is told so, and of what is told to touch that does, by what it is."""
    said = logits.argmax(-1)
    found = (said == right) & (right > 0)
    return {
        "found": float(found.sum() / (right > 0).sum().clamp_min(1)),
        "true": float(found.sum() / (said > 0).sum().clamp_min(1)),
    }
