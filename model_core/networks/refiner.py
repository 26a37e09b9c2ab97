"""Two decoded people moved a little, so that they stand, face and reach as pairs do who do what the text says.

Not published. Tokens tell where each person is to some centimetres, and are drawn for both people at once, in places
that never see each other's choice: couples in hold drift apart and into each other. What is lost is learnt from the
data: convolutions over time see both people from each one's place and say how that person should be moved, turned and
bent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import JOINTS
from .body_frame import facing, turned
from .pair_view import PAIR_VIEW, pair_view, seen_from_each, spot
from .text_conditioned_pair import TextConditionedPairConfig, TextConditionedPairNet

_SEEN = PAIR_VIEW + 1
"""Numbers a frame of one person: what that person sees, and whether the person is fixed."""
_MOVED = 4 + 3 * (JOINTS - 1)
"""Numbers a frame of one person: way, turn, and what each joint but the pelvis is moved against it."""
_WAY_SCALE, _BEND_SCALE = 0.3, 0.1
"""Metres, and radians in the case of the turn, for outputs of size one."""


@dataclass(frozen=True)
class RefinerConfig(TextConditionedPairConfig):
    """Shape of the refiner."""


class Refiner(TextConditionedPairNet):
    """Joints of two people and a text vector to the same joints, moved; people who are fixed stay."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(config, _SEEN, _MOVED)
        self.config = config
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(cast(Tensor, self.exit.bias))

    def forward(self, joints: Tensor, text: Tensor, fixed: Tensor) -> Tensor:
        """Move two people.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.
            fixed: (B, 2) true for people who stay.

        Returns:
            (B, 2, T, 22, 3).
        """
        moved = self.answered(self.seen(joints, fixed), text)  # (B, 2, T, M)
        moved = moved * (~fixed)[..., None, None]
        way, turn, bend = moved.split((3, 1, _MOVED - 4), -1)
        ahead = facing(joints)
        bend = functional.pad(bend.unflatten(-1, (JOINTS - 1, 3)), (0, 0, 1, 0)) * _BEND_SCALE
        body = seen_from_each(joints, joints) + bend
        way = turned(way[..., None, :] * _WAY_SCALE, ahead, 1.0)
        return turned(body, _rotated(ahead, turn * _WAY_SCALE), 1.0) + spot(joints) + way

    def seen(self, joints: Tensor, fixed: Tensor) -> Tensor:
        """What each person sees from the own place, facing +Z: (B, 2, T, N) of joints (B, 2, T, 22, 3)."""
        flag = fixed[:, :, None, None].expand(-1, -1, joints.shape[2], 1).to(joints.dtype)
        return torch.cat((pair_view(joints), flag), -1)


def _rotated(direction: Tensor, angle: Tensor) -> Tensor:
    """Horizontal directions (..., 2) turned about the vertical by angles (..., 1), from +Z towards +X."""
    x, z = direction.split(1, -1)
    cosine, sine = angle.cos(), angle.sin()
    return torch.cat((x * cosine + z * sine, z * cosine - x * sine), -1)
