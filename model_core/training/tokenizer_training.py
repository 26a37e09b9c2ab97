"""Training the tokenizer on windows of single people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..motion.representation import JOINTS, POSITIONS
from ..networks.tokenizer import Tokenizer, TokenizerConfig
from .body_losses import BodyLosses, BodyLossWeights, body_losses
from .crops import Crops
from .loop import LoopSettings
from .losses import FeatureLosses, LossWeights, feature_losses
from .run import TrainingRun

_MEASURED = 64
"""Held-out windows that are evaluated."""


@dataclass(frozen=True)
class TokenizerTraining:
    """Settings of a tokenizer's training.

    Attributes:
        network: its shape.
        loop: length, rate and batch.
        weights: of the losses; a network that sees poses relative to the pelvis uses ``body_weights``.
        decoder_loop: a second training, of the decoder alone and for a tokenizer with body parts only, from the first
            level of tokens, which is all that the transformer predicts; None for none.
        window: frames of a training window.
        published_sixd: read rotations in the geodesic loss as the published code does.
        seed: of the weights and the crops.
    """

    network: TokenizerConfig = TokenizerConfig()
    loop: LoopSettings = LoopSettings()
    weights: LossWeights = LossWeights()
    body_weights: BodyLossWeights = BodyLossWeights()
    decoder_loop: LoopSettings | None = None
    window: int = 64
    published_sixd: bool = False
    seed: int = 0


def train_tokenizer(settings: TokenizerTraining, run: TrainingRun, start: Tokenizer | None = None) -> Tokenizer:
    """Train a tokenizer, or continue its training; return the averaged network.

    Args:
        settings: see ``TokenizerTraining``.
        run: data, folder and device.
        start: a tokenizer of the same shape to start from, unless there is a checkpoint.
    """
    torch.manual_seed(settings.seed)
    network = Tokenizer(settings.network)
    if start is not None:
        network.load_state_dict(start.state_dict())
    if network.frame is not None:
        network.frame.statistics.copy_(torch.from_numpy(run.statistics))
    loop = run.loop(network, settings.loop, "tokenizer")
    windows = Windows(settings, run)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        features = windows.train(loop.random(settings.seed, step), loop.batch)
        terms: FeatureLosses | BodyLosses
        if network.frame is None:
            rebuilt, commitment, perplexity = network(features)
            terms = feature_losses(rebuilt.float(), features, windows.mean, windows.std, settings.published_sixd)
            loss = terms.weighted(settings.weights) + settings.weights.commitment * commitment
        else:
            nodes, commitment, perplexity = network.reconstruct_nodes(features)
            rebuilt = network.frame.features(nodes)
            terms = body_losses(nodes, network.frame.nodes(features), rebuilt, features)
            loss = terms.weighted(settings.body_weights) + settings.body_weights.commitment * commitment
        error = windows.joint_error(rebuilt.detach().float(), features)
        figures = {"loss": float(loss.detach()), "joint_mm": error, "perplexity": float(perplexity)}
        figures |= {name: float(getattr(terms, name).detach()) for name in terms.__dataclass_fields__}
        return loss, figures

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Tokenizer)
        features = windows.held_out()
        return windows.held_out_errors(averaged.decode(averaged.encode(features)), features)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Tokenizer)
    if settings.decoder_loop is not None and trained.frame is not None:
        trained = _train_decoder(settings, settings.decoder_loop, trained, run, windows)
    return trained


def _train_decoder(
    settings: TokenizerTraining, loop_settings: LoopSettings, network: Tokenizer, run: TrainingRun, windows: Windows
) -> Tokenizer:
    """Train the decoder further, from first-level tokens that stay as they are."""
    network.requires_grad_(False)
    network.decoder.requires_grad_(True)
    loop = run.loop(network, loop_settings, "tokenizer/decoder")
    frame = network.frame
    assert frame is not None

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        features = windows.train(loop.random(settings.seed, 1, step), loop.batch)
        with torch.no_grad():
            tokens = network.encode(features)[:, :1]
        nodes = network.decode_nodes(tokens)
        rebuilt = frame.features(nodes)
        loss = body_losses(nodes, frame.nodes(features), rebuilt, features).weighted(settings.body_weights)
        return loss, {"loss": float(loss.detach()), "joint_mm": windows.joint_error(rebuilt.detach(), features)}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Tokenizer)
        features = windows.held_out()
        return windows.held_out_errors(averaged.decode(averaged.encode(features)[:, :1]), features)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Tokenizer)
    return trained


class Windows:
    """Normalised windows (B, T, 262) of single people, on the device."""

    def __init__(self, settings: TokenizerTraining, run: TrainingRun) -> None:
        self._crops, self._held_out = run.material.windows()
        self._frames, self._device = settings.window, run.device
        self.mean, self.std = run.normalisation()

    def train(self, random: np.random.Generator, count: int) -> Tensor:
        """Random ones to learn from."""
        return self._drawn(self._crops, random, count)

    def held_out(self) -> Tensor:
        """Held-out ones, always the same."""
        return self._drawn(self._held_out, np.random.default_rng(0), _MEASURED)

    def _drawn(self, crops: Crops, random: np.random.Generator, count: int) -> Tensor:
        features = torch.from_numpy(windows(crops, random, count, self._frames)).to(self._device)
        return (features - self.mean) / self.std

    def joint_error(self, rebuilt: Tensor, features: Tensor, aligned: bool = False) -> float:
        """Mean joint distance in mm between normalised features; ``aligned`` leaves out the error of the root."""
        return joint_error(rebuilt, features, self.mean, self.std, aligned)

    def held_out_errors(self, rebuilt: Tensor, features: Tensor) -> dict[str, float]:
        """Figures of an evaluation."""
        return {
            "held_out_mm": self.joint_error(rebuilt, features),
            "held_out_root_aligned_mm": self.joint_error(rebuilt, features, aligned=True),
        }


def windows(crops: Crops, random: np.random.Generator, count: int, frames: int) -> np.ndarray:
    """(count, frames, 262) windows of single people drawn from the crops."""
    drawn = [crops.draw(random, frames)[0] for _ in range(count)]
    return np.stack([features[random.integers(len(features))] for features in drawn])


def joint_error(rebuilt: Tensor, features: Tensor, mean: Tensor, std: Tensor, aligned: bool = False) -> float:
    """Mean joint distance in mm between normalised features; ``aligned`` leaves out the error of the root."""
    one, other = (
        (values[..., POSITIONS] * std[POSITIONS] + mean[POSITIONS]).unflatten(-1, (JOINTS, 3))
        for values in (rebuilt, features)
    )
    if aligned:
        one, other = one - one[..., :1, :], other - other[..., :1, :]
    return float((one - other).norm(dim=-1).mean()) * 1000
