"""What each palm of two people should touch, by what they do and by what the text says.

Not published. How near hands are does not tell whether they touch: two who walk hand in hand, as tokens have them, are
no nearer than two who walk side by side. The text does tell, and the movement when.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .pair_view import PAIR_VIEW, pair_view
from .palms import NEARNESS, nearness
from .told_convolution import ToldConvolution

TOUCHED = 4
"""What a palm may touch: nothing, the partner's left palm, the right one, any other skin of the partner."""
_SEEN = PAIR_VIEW + NEARNESS


@dataclass(frozen=True)
class ToucherConfig:
    """Shape of the network.

    Attributes:
        width: channels of the convolutions.
        dilations: of the residual blocks, one after the other, in pairs of frames.
        text_width: of the sentence encoder's vectors.
        dropout: of the text vector, in training.
    """

    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 1)
    text_width: int = 384
    dropout: float = 0.1


class Toucher(nn.Module):
    """Joints of two people and a text vector to what each palm touches in each frame."""

    mean: Tensor
    spread: Tensor

    def __init__(self, config: ToucherConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.register_buffer("mean", torch.zeros(_SEEN))
        self.register_buffer("spread", torch.ones(_SEEN))
        self.entry = nn.Conv1d(_SEEN, width, 4, 2, 1)
        self.text = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(config.text_width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(ToldConvolution(width, dilation) for dilation in config.dilations)
        self.exit = nn.ConvTranspose1d(width, 2 * TOUCHED, 4, 2, 1)

    def forward(self, joints: Tensor, text: Tensor) -> Tensor:
        """Tell what palms touch.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.

        Returns:
            (B, 2, T, 2, TOUCHED) logits of left and right palm.
        """
        seen = (self.seen(joints) - self.mean) / self.spread  # (B, 2, T, N)
        x = self.entry(seen.flatten(0, 1).transpose(1, 2))  # (2 B, C, T / 2)
        told = self.text(text).repeat_interleave(2, 0)[..., None]  # (2 B, C, 1)
        for block in self.blocks:
            x = block(x, told)
        logits = self.exit(functional.gelu(x)).float().transpose(1, 2)  # (2 B, T, 2 TOUCHED)
        return logits.unflatten(0, (-1, 2)).unflatten(-1, (2, TOUCHED))

    def seen(self, joints: Tensor) -> Tensor:
        """What each person sees from the own place, facing +Z: (B, 2, T, N) of joints (B, 2, T, 22, 3)."""
        return torch.cat((pair_view(joints), nearness(joints)), -1)
