"""Training the tokenizer on windows of single people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..motion.representation import POSITIONS
from ..networks.tokenizer import Tokenizer, TokenizerConfig
from .body_losses import BodyLosses, BodyLossWeights, body_losses
from .crops import Crops
from .loop import Loop, LoopSettings
from .losses import FeatureLosses, LossWeights, feature_losses


@dataclass(frozen=True)
class TokenizerTraining:
    """Settings of a tokenizer's training.

    Attributes:
        network: its shape.
        loop: length, rate and batch.
        weights: of the losses; of a network that reads poses from the pelvis it is ``body_weights``.
        decoder_loop: of a second training that has the decoder of a body alone learn on, from the first level of
            tokens, which is all that the transformer fills in; None for none.
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


def train_tokenizer(
    settings: TokenizerTraining,
    train: Crops,
    held_out: Crops,
    statistics: np.ndarray,
    folder: Path,
    start: Tokenizer | None = None,
) -> Tokenizer:
    """Train, or go on training, in ``folder``; give the averaged tokenizer.

    Args:
        train, held_out: where windows come from.
        statistics: (2, 262) mean and spread of the normalisation.
        folder: for checkpoints and figures.
        start: a tokenizer of the same shape to begin with; a checkpoint in ``folder`` goes before it.
    """
    torch.manual_seed(settings.seed)
    network = Tokenizer(settings.network)
    if start is not None:
        network.load_state_dict(start.state_dict())
    if network.frame is not None:
        network.frame.statistics.copy_(torch.from_numpy(statistics))
    loop = Loop(network, settings.loop, folder, "tokenizer")
    mean, std = torch.from_numpy(statistics)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        rows = (torch.from_numpy(windows(train, random, settings.loop.batch, settings.window)) - mean) / std
        terms: FeatureLosses | BodyLosses
        if network.frame is None:
            rebuilt, commitment, perplexity = network(rows)
            terms = feature_losses(rebuilt.float(), rows, mean, std, settings.published_sixd)
            loss = terms.weighted(settings.weights) + settings.weights.commitment * commitment
        else:
            nodes, commitment, perplexity = network.rebuilt_nodes(rows)
            rebuilt = network.frame.rows(nodes)
            terms = body_losses(nodes, network.frame.nodes(rows), rebuilt, rows)
            loss = terms.weighted(settings.body_weights) + settings.body_weights.commitment * commitment
        error = joint_error(rebuilt.detach().float(), rows, mean, std)
        figures = {"loss": float(loss.detach()), "joint_mm": error, "perplexity": float(perplexity)}
        figures |= {name: float(getattr(terms, name).detach()) for name in terms.__dataclass_fields__}
        return loss, figures

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Tokenizer)
        random = np.random.default_rng(0)
        rows = (torch.from_numpy(windows(held_out, random, 64, settings.window)) - mean) / std
        rebuilt = averaged.decode(averaged.encode(rows))
        return {
            "held_out_mm": joint_error(rebuilt, rows, mean, std),
            "held_out_root_aligned_mm": joint_error(rebuilt, rows, mean, std, aligned=True),
        }

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Tokenizer)
    if settings.decoder_loop is not None and trained.frame is not None:
        return _train_decoder(settings, settings.decoder_loop, trained, train, held_out, statistics, folder / "decoder")
    return trained


def _train_decoder(
    settings: TokenizerTraining,
    loop_settings: LoopSettings,
    network: Tokenizer,
    train: Crops,
    held_out: Crops,
    statistics: np.ndarray,
    folder: Path,
) -> Tokenizer:
    """Let the decoder learn from tokens of the first level that stay as they are."""
    folder.mkdir(exist_ok=True)
    network.requires_grad_(False)
    network.decoder.requires_grad_(True)
    loop = Loop(network, loop_settings, folder, "decoder")
    mean, std = torch.from_numpy(statistics)
    frame = network.frame
    assert frame is not None

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, 1, step))
        rows = (torch.from_numpy(windows(train, random, loop_settings.batch, settings.window)) - mean) / std
        with torch.no_grad():
            tokens = network.encode(rows)[:, :1]
        nodes = network.decoded_nodes(tokens)
        rebuilt = frame.rows(nodes)
        loss = body_losses(nodes, frame.nodes(rows), rebuilt, rows).weighted(settings.body_weights)
        return loss, {"loss": float(loss.detach()), "joint_mm": joint_error(rebuilt.detach(), rows, mean, std)}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Tokenizer)
        rows = (torch.from_numpy(windows(held_out, np.random.default_rng(0), 64, settings.window)) - mean) / std
        rebuilt = averaged.decode(averaged.encode(rows)[:, :1])
        return {
            "held_out_mm": joint_error(rebuilt, rows, mean, std),
            "held_out_root_aligned_mm": joint_error(rebuilt, rows, mean, std, aligned=True),
        }

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Tokenizer)
    return trained


def windows(crops: Crops, random: np.random.Generator, count: int, frames: int) -> np.ndarray:
    """(count, frames, 262) windows of single people drawn from the crops."""
    drawn = [crops.draw(random, frames)[0] for _ in range(count)]
    return np.stack([rows[random.integers(len(rows))] for rows in drawn])


def joint_error(rebuilt: Tensor, rows: Tensor, mean: Tensor, std: Tensor, aligned: bool = False) -> float:
    """Mean distance of joints in millimetres between normalised rows; ``aligned`` takes the root's error away."""
    one, other = (
        (r[..., POSITIONS] * std[POSITIONS] + mean[POSITIONS]).unflatten(-1, (22, 3)) for r in (rebuilt, rows)
    )
    if aligned:
        one, other = one - one[..., :1, :], other - other[..., :1, :]
    return float((one - other).norm(dim=-1).mean()) * 1000
