"""An encoder and a decoder in which each part of the token map is a part of the body; not published.

The published networks reduce the list of joints to five parts by convolutions with one kernel for all joints, and learn
slowly from little data. Here each part has its own weights and reads its own joints over windows of frames; the decoder
reads all parts together. The token map has the same shape, and its parts have a sharp meaning.
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
"""SMPL joints that each part reads: trunk, left leg, right leg, left arm, right arm.

Trunk and legs read the pelvis, the only joint that carries position and facing; the arms read the upper spine that they
are attached to.
"""

_KERNEL, _STRIDE, _PADDING = 8, 4, 2
"""Of the convolution from frames to columns of the map: the windows of neighbouring columns overlap by half."""


class BodyPartEncoder(nn.Module):
    """Motion image (B, C, 22, T) to latent image (B, D, 5, T / 4).

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
        """(B, C, 22, T) to (B, D, 5, T / 4)."""
        read = image[:, :, list(chain(*PART_JOINTS))].split([len(joints) for joints in PART_JOINTS], 2)
        x = torch.cat([entry(part.flatten(1, 2)) for entry, part in zip(self.entries, read, strict=True)], 1)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 5 D, S)
        return x.unflatten(1, (len(PART_JOINTS), -1)).transpose(1, 2)  # (B, D, 5, S)


class BodyPartDecoder(nn.Module):
    """Latent image (B, D, 5, S) to motion image (B, C, 22, 4 S); arguments as for ``BodyPartEncoder``."""

    def __init__(self, channels: int, width: int, depth: int, code_width: int) -> None:
        super().__init__()
        whole = len(PART_JOINTS) * width
        self.channels = channels
        self.entry = nn.Conv1d(len(PART_JOINTS) * code_width, whole, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(whole, 1, 2**level) for level in reversed(range(depth))))
        self.exit = nn.ConvTranspose1d(whole, channels * 22, _KERNEL, _STRIDE, _PADDING)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, D, 5, S) to (B, C, 22, 4 S)."""
        x = self.entry(latent.transpose(1, 2).flatten(1, 2))  # (B, 5 W, S)
        x = self.exit(functional.relu(self.blocks(x)))  # (B, 22 C, 4 S)
        return x.unflatten(1, (self.channels, 22))


class _Block(nn.Module):
    """Normalisation, ReLU, dilated Conv 3, ReLU, Conv 1, added to the input, within groups of channels."""

    def __init__(self, width: int, groups: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width)
        self.dilated = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, groups=groups)
        self.pointwise = nn.Conv1d(width, width, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S) to the same."""
        return x + self.pointwise(functional.relu(self.dilated(functional.relu(self.norm(x)))))
