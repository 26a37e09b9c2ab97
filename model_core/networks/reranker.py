"""How likely it is that two people do what a text says: chooses among drafts. Not published."""

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
"""Pairs of a palm and one of the partner's joints and palms."""
_REACH = 0.15
"""Metres in which the nearness of a palm falls to a third."""


@dataclass(frozen=True)
class RerankerConfig:
    """Shape of the judge.

    Attributes:
        width: channels of the convolutions.
        dilations: of the residual blocks, one after the other, in pairs of frames.
        text_width: of the sentence encoder's vectors.
        dropout: of pooled features, half of it of the text vector, in training.
    """

    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    text_width: int = 384
    dropout: float = 0.3


class Reranker(nn.Module):
    """Joints of two people and a text vector to the logit that they do what the text says.

    Neither the place in the world nor who comes first changes anything.
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
        """Judge pairs.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, 30 frames a second.
            text: (B, text_width) vectors of the sentence encoder.
            noise: spread of what is added to normalised features, for training.

        Returns:
            (B,) logits.
        """
        seen = (self.seen(joints) - self.mean) / self.spread  # (B, 2, T, N)
        if noise:
            seen = seen + noise * torch.randn_like(seen)
        x = self.entry(seen.flatten(0, 1).transpose(1, 2))  # (2 B, C, T / 2)
        text = self.text(text)  # (B, C)
        for block in self.blocks:
            x = block(x, text.repeat_interleave(2, 0)[..., None])
        people = x.unflatten(0, (-1, 2))  # (B, 2, C, T / 2)
        pooled = torch.cat((people.mean(-1), people.amax(-1), -people.amin(-1)), -1).sum(1)  # (B, 3 C)
        at_once = people.prod(1).mean(-1)  # (B, C) what both do at the same time
        return self.head(torch.cat((pooled, at_once, text), -1))[:, 0].float()

    def seen(self, joints: Tensor) -> Tensor:
        """(B, 2, T, N) what each person sees, and how near the own palms are to the partner; of (B, 2, T, 22, 3)."""
        wrists = joints[..., _WRISTS, :]
        palms = wrists + WRIST_TO_PALM_IN_FOREARMS * (wrists - joints[..., _ELBOWS, :])
        partner = torch.cat((joints, palms), -2).flip(1)
        apart = (palms[..., :, None, :] - partner[..., None, :, :]).norm(dim=-1).flatten(-2)  # (B, 2, T, 48)
        return torch.cat((pair_view(joints), torch.exp(-apart / _REACH)), -1)
