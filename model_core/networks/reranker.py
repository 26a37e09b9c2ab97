"""The reranker, which scores how probably two people do what a text says. Not part of the published model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..kinematics.capsules import WRIST_TO_PALM_IN_FOREARMS
from ..motion.representation import JOINTS
from ..motion.skeleton import SMPL
from .conditioned_conv import ConditionedConvBlock
from .pair_view import PAIR_VIEW, pair_view

_WRISTS, _ELBOWS = ([SMPL.index(f"{side}_{name}") for side in "LR"] for name in ("Wrist", "Elbow"))
_TOUCHES = 2 * (JOINTS + 2)
"""Number of pairs of an own palm and a joint or palm of the partner."""
_REACH = 0.15
"""Distance in metres at which the proximity feature of a palm falls to 1/e."""


@dataclass(frozen=True)
class RerankerConfig:
    """Shape of the reranker.

    Attributes:
        width: channels of the convolutions.
        dilations: of the residual blocks, in order, in pairs of frames.
        text_width: of the sentence encoder's vectors.
        dropout: on pooled features, and half of it on the text vector, in training.
    """

    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    text_width: int = 384
    dropout: float = 0.3


class Reranker(nn.Module):
    """Predicts the logit that two people do what a text says, from their joints and a text vector.

    The result depends neither on where the people are in the world nor on their order.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, config: RerankerConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.register_buffer("mean", torch.zeros(PAIR_VIEW + _TOUCHES))
        self.register_buffer("spread", torch.ones(PAIR_VIEW + _TOUCHES))
        self.entry = nn.Conv1d(PAIR_VIEW + _TOUCHES, width, 4, 2, 1)
        self.text = nn.Sequential(
            nn.Dropout(config.dropout / 2), nn.Linear(config.text_width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(ConditionedConvBlock(width, dilation) for dilation in config.dilations)
        self.head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(5 * width, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, 1),
        )

    def forward(self, joints: Tensor, text: Tensor, noise: float = 0.0) -> Tensor:
        """Score pairs.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, 30 frames per second.
            text: (B, text_width) vectors of the sentence encoder.
            noise: standard deviation of noise on the normalised features, for training.

        Returns:
            (B,) logits.
        """
        features = (self.features(joints) - self.mean) / self.spread  # (B, 2, T, N)
        if noise:
            features = features + noise * torch.randn_like(features)
        x = self.entry(features.flatten(0, 1).transpose(1, 2))  # (2 B, C, T / 2)
        text = self.text(text)  # (B, C)
        for block in self.blocks:
            x = block(x, text.repeat_interleave(2, 0)[..., None])
        people = x.unflatten(0, (-1, 2))  # (B, 2, C, T / 2)
        pooled = torch.cat((people.mean(-1), people.amax(-1), -people.amin(-1)), -1).sum(1)  # (B, 3 C)
        simultaneous = people.prod(1).mean(-1)  # (B, C)
        return self.head(torch.cat((pooled, simultaneous, text), -1))[:, 0].float()

    def features(self, joints: Tensor) -> Tensor:
        """(B, 2, T, N) view of the pair and proximity of the own palms to the partner, for joints (B, 2, T, 22, 3)."""
        wrists = joints[..., _WRISTS, :]
        palms = wrists + WRIST_TO_PALM_IN_FOREARMS * (wrists - joints[..., _ELBOWS, :])
        partner = torch.cat((joints, palms), -2).flip(1)
        distances = (palms[..., :, None, :] - partner[..., None, :, :]).norm(dim=-1).flatten(-2)  # (B, 2, T, 48)
        return torch.cat((pair_view(joints), torch.exp(-distances / _REACH)), -1)
