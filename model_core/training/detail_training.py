"""Training the network that adds the second level of tokens to finished maps of the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import POSITIONS
from ..networks.detail import second_level
from ..networks.text_layers import TextLayersConfig
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer, TransformerConfig
from .loop import Loop, LoopSettings
from .tokenised import TokenisedCrops


@dataclass(frozen=True)
class DetailTraining:
    """Settings of the detail network's training.

    Attributes:
        network: its shape; codes and code_width follow the tokenizer. It reads no text.
        loop: length, rate and batch.
        wrong: share of the first level's tokens that are replaced by random codes, so that it forgives the
            transformer's mistakes.
        seed: of the weights and the crops.
    """

    network: TransformerConfig = TransformerConfig(dropout=0.0, text=TextLayersConfig(8, 1, 8, 1))
    loop: LoopSettings = LoopSettings()
    wrong: float = 0.03
    seed: int = 0


def train_detail(
    settings: DetailTraining,
    train: TokenisedCrops,
    held_out: TokenisedCrops,
    tokenizer: Tokenizer,
    statistics: np.ndarray,
    folder: Path,
) -> InteractionTransformer:
    """Train, or go on training, in ``folder``; give the averaged network.

    Args:
        train, held_out: tokenised crops of two levels.
        tokenizer: whose tokens they are.
        statistics: (2, 262) mean and spread of the normalisation.
        folder: for checkpoints and figures.
    """
    torch.manual_seed(settings.seed)
    network = InteractionTransformer(settings.network)
    network.begin_with(tokenizer.quantizer.vectors())
    loop = Loop(network, settings.loop, folder, "detail")
    spread = torch.from_numpy(statistics[1, POSITIONS])

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        maps, _ = train.drawn(np.random.default_rng((settings.seed, step)), settings.loop.batch)
        first, second = maps[:, :, 0], maps[:, :, 1]
        strayed = torch.rand(first.shape) < settings.wrong
        first = torch.where(strayed, torch.randint_like(first, settings.network.codes), first)
        logits = network(first, network.condition(torch.zeros(len(first), settings.network.text.width)))
        loss = functional.cross_entropy(logits.float().flatten(0, 3), second.flatten())
        return loss, {"loss": float(loss.detach()), "accuracy": float((logits.argmax(-1) == second).float().mean())}

    def evaluate(model: nn.Module) -> dict[str, float]:
        """How far joints are from those of both levels, in millimetres, with the first level alone and with a guess."""
        assert isinstance(model, InteractionTransformer)
        alone: list[Tensor] = []
        guessed: list[Tensor] = []
        for stored in held_out.maps.values():
            maps = stored.long()
            guess = torch.stack((maps[:, :, 0], second_level(model, maps[:, :, 0])), 2)
            wanted, first, second = (
                tokenizer.decode(tokens.flatten(0, 1))[..., POSITIONS] * spread
                for tokens in (maps, maps[:, :, :1], guess)
            )
            alone.append((first - wanted).unflatten(-1, (22, 3)).norm(dim=-1).flatten())
            guessed.append((second - wanted).unflatten(-1, (22, 3)).norm(dim=-1).flatten())
        return {
            "first_alone_mm": float(torch.cat(alone).mean()) * 1000,
            "guessed_mm": float(torch.cat(guessed).mean()) * 1000,
        }

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, InteractionTransformer)
    return trained
