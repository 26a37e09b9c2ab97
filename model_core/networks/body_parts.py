"""An encoder and a decoder whose token map has well-defined body parts; not part of the published model.

The published networks reduce the list of joints to five parts by convolutions with one kernel for all joints, and learn
slowly from little data. Here each part has its own weights, and its input is its own joints over windows of frames; the
decoder combines all parts. The token map has the same shape, but each part stands for certain joints.
"""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

PART_JOINTS = (
    (0, 3, 6, 9, 12, 13, 14, 15),
    (0, 1, 4, 7, 10),
    (0, 2, 5, 8, 11),
    (6, 9, 12, 13, 16, 18, 20),
    (6, 9, 12, 14, 17, 19, 21),
)
"""SMPL joints in the input of each part: trunk, left leg, right leg, left arm, right arm.

Trunk and legs include the pelvis, the only joint with position and facing; the arms include the upper spine to which
they are attached.
"""

_KERNEL, _STRIDE, _PADDING = 8, 4, 2
"""Parameters of the convolution from frames to columns of the map: windows of adjacent columns overlap by half."""


class BodyPartEncoder(nn.Module):
    """Maps a motion image (B, C, 22, T) to a latent image (B, D, 5, T / 4).

    Args:
        channels: C, numbers per joint.
        width: channels of each part.
        depth: residual blocks; each has twice the dilation of the previous one.
        code_width: D.
    """

    def __init__(self, channels: int, width: int, depth: int, code_width: int) -> None:
        super().__init__()
        parts = len(PART_JOINTS)
        self.entries = nn.ModuleList(
            nn.Conv1d(channels * len(joints), width, _KERNEL, _STRIDE, _PADDING) for joints in PART_JOINTS
        )
        self.blocks = nn.Sequential(*(_Block(parts * width, parts, 2**level) for level in range(depth)))
        self.exit = nn.Conv1d(parts * width, parts * code_width, 1, groups=parts)

    def forward(self, image: Tensor) -> Tensor:
        """Maps (B, C, 22, T) to (B, D, 5, T / 4)."""
        read = image[:, :, list(chain(*PART_JOINTS))].split([len(joints) for joints in PART_JOINTS], 2)
        x = torch.cat([entry(part.flatten(1, 2)) for entry, part in zip(self.entries, read, strict=True)], 1)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 5 D, S)
        return x.unflatten(1, (len(PART_JOINTS), -1)).transpose(1, 2)  # (B, D, 5, S)


class BodyPartDecoder(nn.Module):
    """Maps a latent image (B, D, 5, S) to a motion image (B, C, 22, 4 S); arguments as for ``BodyPartEncoder``."""

    def __init__(self, channels: int, width: int, depth: int, code_width: int) -> None:
        super().__init__()
        total_width = len(PART_JOINTS) * width
        self.channels = channels
        self.entry = nn.Conv1d(len(PART_JOINTS) * code_width, total_width, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(total_width, 1, 2**level) for level in reversed(range(depth))))
        self.exit = nn.ConvTranspose1d(total_width, channels * 22, _KERNEL, _STRIDE, _PADDING)

    def forward(self, latent: Tensor) -> Tensor:
        """Maps (B, D, 5, S) to (B, C, 22, 4 S)."""
        x = self.entry(latent.transpose(1, 2).flatten(1, 2))  # (B, 5 W, S)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 22 C, 4 S)
        return x.unflatten(1, (self.channels, 22))


class _Block(nn.Module):
    """A residual block within groups of channels: norm, ReLU, dilated convolution, ReLU, pointwise convolution."""

    def __init__(self, width: int, groups: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width)
        self.dilated = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, groups=groups)
        self.pointwise = nn.Conv1d(width, width, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, S) to the same shape."""
        return x + self.pointwise(functional.relu(self.dilated(functional.relu(self.norm(x)))))
