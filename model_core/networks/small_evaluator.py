"""The project's own evaluator: embeds motion of two people and captions as unit vectors, close if they match."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import JOINTS, POSITIONS, ROTATIONS, VELOCITIES
from .body_frame import facing, rotated

_FEATURES = 3 * 3 * JOINTS + 6 * (JOINTS - 1)
"""Features per frame of one person: own positions, own velocities, the partner's positions, own rotations."""


@dataclass(frozen=True)
class SmallEvaluatorConfig:
    """Shape of the evaluator.

    Attributes:
        embedding: length of the unit vectors.
        width: channels of the convolutions over time.
        entry: channels of a frame after the first layer.
        text_width: of the sentence encoder's vectors.
        dropout: on pooled features, in training.
    """

    embedding: int = 32
    width: int = 128
    entry: int = 96
    text_width: int = 384
    dropout: float = 0.2


class SmallEvaluator(nn.Module):
    """Convolutions over time for motion and a small perceptron for captions, trained with a contrastive loss.

    Features, the partner's included, are in each person's own frame: the result depends neither on where the people are
    in the world nor on their order.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, config: SmallEvaluatorConfig) -> None:
        super().__init__()
        width = config.width
        self.register_buffer("mean", torch.zeros(_FEATURES))
        self.register_buffer("spread", torch.ones(_FEATURES))
        self.entry = nn.Sequential(nn.Linear(_FEATURES, config.entry), nn.GELU())
        strided = [nn.Conv1d(config.entry if not i else width, width, 4, 2, 1) for i in range(3)]
        self.convolutions = nn.Sequential(*(part for layer in strided for part in (layer, nn.GELU())))
        self.motion_head = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(4 * width, width), nn.GELU(), nn.Linear(width, config.embedding)
        )
        self.text_head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(config.text_width, width),
            nn.GELU(),
            nn.Linear(width, config.embedding),
        )
        self.sharpness = nn.Parameter(torch.tensor(2.3))  # log of the inverse temperature

    def motion(self, features: Tensor, noise: float = 0.0) -> Tensor:
        """Embed features (B, 2, T, 262) of two people in one world, metres, T >= 15, as unit vectors (B, embedding).

        Only every other frame is read: 15 per second suffice, at half of the cost. ``noise`` is the standard deviation
        of noise on the normalised input, for training.
        """
        x = (evaluator_features(features[:, :, ::2]) - self.mean) / self.spread
        if noise:
            x = x + noise * torch.randn_like(x)
        x = self.entry(x).flatten(0, 1).transpose(1, 2)  # (2 B, entry, T / 2)
        x = self.convolutions(x)  # (2 B, width, T / 16)
        pooled = torch.cat((x.mean(-1), x.amax(-1)), -1).unflatten(0, (-1, 2))  # (B, 2, 2 width)
        both = self.motion_head(torch.cat((pooled, pooled.flip(1)), -1))  # (B, 2, embedding), either person first
        return functional.normalize(both.sum(1), dim=-1)

    def text(self, pooled: Tensor) -> Tensor:
        """Embed vectors (B, text_width) of the sentence encoder as unit vectors (B, embedding)."""
        return functional.normalize(self.text_head(pooled), dim=-1)


def evaluator_features(features: Tensor) -> Tensor:
    """(B, 2, T, 324) features in each person's own frame, facing +Z, from features (B, 2, T, 262) in the world.

    Heights are above the floor. The facing is perpendicular to hips and shoulders in each frame.
    """
    joints = features[..., POSITIONS].unflatten(-1, (JOINTS, 3))
    velocities = features[..., VELOCITIES].unflatten(-1, (JOINTS, 3))
    ahead = facing(joints)
    origin = joints[..., :1, :] * joints.new_tensor((1.0, 0.0, 1.0))
    views = (
        rotated(vectors, ahead, -1.0).flatten(-2) for vectors in (joints - origin, velocities, joints.flip(1) - origin)
    )
    return torch.cat((*views, features[..., ROTATIONS]), -1)
