"""Training the contact classifier: what palms touch, predicted from pairs that were perturbed and refined."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.contact_classifier import TOUCHED, ContactClassifier, ContactClassifierConfig
from ..networks.palms import to_body, to_palms
from ..networks.refiner import Refiner
from ..networks.tokenizer import Tokenizer
from .captioned_crops import limit_captions, word_vectors
from .loop import LoopSettings
from .normalised import set_normalisation
from .refiner_training import PairBatch, PairMaker, RefinerTraining
from .run import TrainingRun

_TOUCHING = 0.03
"""Distance in metres between two surfaces that touch."""


@dataclass(frozen=True)
class ContactClassifierTraining:
    """Settings of the contact classifier's training; its pairs are made like the refiner's.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        pairs: how pairs are perturbed.
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
    settings: ContactClassifierTraining, run: TrainingRun, tokenizer: Tokenizer, refiner: Refiner | None
) -> ContactClassifier:
    """Train a contact classifier, or continue its training; return the averaged network.

    Args:
        settings: see ``ContactClassifierTraining``.
        run: data, folder and device.
        tokenizer: trained, on the device.
        refiner: trained, on the device; the network sees pairs that it has refined. None to see them as decoded.
    """
    train, held_out = (limit_captions(crops, settings.pairs.paraphrases) for crops in run.material.pairs())
    maker = PairMaker(settings.pairs, run, tokenizer, word_vectors(run.encoder, train, held_out))
    torch.manual_seed(settings.seed)
    network = ContactClassifier(replace(settings.network, text_width=run.encoder.width)).to(run.device)
    frames = settings.pairs.frames
    first = maker.batch(train, np.random.default_rng(settings.seed), 128, frames[0])
    set_normalisation(network, network.features(first.perturbed))
    loop = run.loop(network, settings.loop, "contact_classifier")

    def refined(batch: PairBatch) -> Tensor:
        with torch.no_grad():
            return batch.perturbed if refiner is None else refiner(batch.perturbed, batch.text, batch.fixed)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = loop.random(settings.seed, step)
        batch = maker.batch(train, random, loop.batch, frames[int(random.integers(len(frames)))])
        logits = network(refined(batch), batch.text)
        right = contact_classes(batch.joints)
        loss = functional.cross_entropy(logits.flatten(0, -2), right.flatten())
        return loss, {"loss": float(loss.detach()), **precision_and_recall(logits, right)}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        batch = maker.held_out_batch(held_out)
        logits, right = averaged(refined(batch), batch.text), contact_classes(batch.joints)
        return {
            "loss": float(functional.cross_entropy(logits.flatten(0, -2), right.flatten())),
            **precision_and_recall(logits, right),
        }

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, ContactClassifier)
    return trained


def contact_classes(joints: Tensor) -> Tensor:
    """Joints (B, 2, T, 22, 3) to what each palm touches, (B, 2, T, 2): classes of ``ContactClassifier``."""
    nearest = to_palms(joints).norm(dim=-1).min(-1)
    body = torch.where(to_body(joints).norm(dim=-1) < _TOUCHING, TOUCHED - 1, 0)
    return torch.where(nearest.values < _TOUCHING, 1 + nearest.indices, body)


def precision_and_recall(logits: Tensor, right: Tensor) -> dict[str, float]:
    """``recall``: fraction of the contacts that are predicted; ``precision``: of the predictions that are right."""
    predicted = logits.argmax(-1)
    found = (predicted == right) & (right > 0)
    return {
        "recall": float(found.sum() / (right > 0).sum().clamp_min(1)),
        "precision": float(found.sum() / (predicted > 0).sum().clamp_min(1)),
    }
