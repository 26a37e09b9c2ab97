"""An encoder and a decoder whose rows are parts of the body from the start; not published.

The published networks find five rows by convolutions over the list of joints, with one kernel for all joints, and learn
slowly on few data. Here every row reads the joints of its part, over windows of frames, with weights of its own; the
decoder sees all rows at once. The token map has the same shape, and its rows have sharp meanings.
"""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS_READ = (
    (0, 3, 6, 9, 12, 13, 14, 15),
    (0, 1, 4, 7, 10),
    (0, 2, 5, 8, 11),
    (6, 9, 12, 13, 16, 18, 20),
    (6, 9, 12, 14, 17, 19, 21),
)
"""SMPL joints that each row reads: trunk, left leg, right leg, left arm, right arm.

Trunk and legs read the pelvis, which alone knows where the person stands and faces; the arms read the upper spine that
they hang from.
"""

_KERNEL, _STRIDE, _PADDING = 8, 4, 2
"""Of the step between frames and columns of the map: the windows of neighbouring columns overlap by half."""


class BodyPartEncoder(nn.Module):
    """Motion image (B, C, 22, T) to latent image (B, D, 5, T / 4).

    Args:
        channels: C, numbers a joint.
        width: channels of each row.
        depth: residual blocks; each looks twice as far along time as the one before.
        code_width: D.
    """

    def __init__(self, channels: int, width: int, depth: int, code_width: int) -> None:
        super().__init__()
        rows = len(ROWS_READ)
        self.entries = nn.ModuleList(
            nn.Conv1d(channels * len(joints), width, _KERNEL, _STRIDE, _PADDING) for joints in ROWS_READ
        )
        self.blocks = nn.Sequential(*(_Block(rows * width, rows, 2**level) for level in range(depth)))
        self.exit = nn.Conv1d(rows * width, rows * code_width, 1, groups=rows)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, 22, T) to (B, D, 5, T / 4)."""
        read = image[:, :, list(chain(*ROWS_READ))].split([len(joints) for joints in ROWS_READ], 2)
        x = torch.cat([entry(part.flatten(1, 2)) for entry, part in zip(self.entries, read, strict=True)], 1)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 5 D, S)
        return x.unflatten(1, (len(ROWS_READ), -1)).transpose(1, 2)  # (B, D, 5, S)


class BodyPartDecoder(nn.Module):
    """Latent image (B, D, 5, S) to motion image (B, C, 22, 4 S); arguments as of ``BodyPartEncoder``."""

    def __init__(self, channels: int, width: int, depth: int, code_width: int) -> None:
        super().__init__()
        whole = len(ROWS_READ) * width
        self.channels = channels
        self.entry = nn.Conv1d(len(ROWS_READ) * code_width, whole, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(whole, 1, 2**level) for level in reversed(range(depth))))
        self.exit = nn.ConvTranspose1d(whole, channels * 22, _KERNEL, _STRIDE, _PADDING)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, D, 5, S) to (B, C, 22, 4 S)."""
        x = self.entry(latent.transpose(1, 2).flatten(1, 2))  # (B, 5 W, S)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 22 C, 4 S)
        return x.unflatten(1, (self.channels, 22))


class _Block(nn.Module):
    """Normalisation, ReLU, dilated Conv 3, ReLU, Conv 1, added to the input; groups of channels are apart."""

    def __init__(self, width: int, groups: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width)
        self.dilated = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, groups=groups)
        self.pointwise = nn.Conv1d(width, width, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S) to the same."""
        return x + self.pointwise(functional.relu(self.dilated(functional.relu(self.norm(x)))))
