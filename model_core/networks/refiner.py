"""The refiner, which corrects the positions of two decoded people so that they suit each other and the text.

Not part of the published model. Tokens encode positions to a few centimetres only, and tokens that are drawn in one
step do not depend on each other, so dancing couples drift apart and into each other. Convolutions over time, whose
input is both people in each person's own frame, predict how to move, rotate and bend that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import JOINTS
from .body_frame import facing, rotated
from .pair_view import PAIR_VIEW, ground_point, in_own_frames, pair_view
from .text_conditioned_pair import TextConditionedPairConfig, TextConditionedPairNet

_FEATURES = PAIR_VIEW + 1
"""Features per frame of one person: the view of the pair, and whether the person is fixed."""
_MOVED = 4 + 3 * (JOINTS - 1)
"""Outputs per frame of one person: translation, rotation, and an offset for each joint except the pelvis."""
_MOVE_SCALE, _BEND_SCALE = 0.3, 0.1
"""Metres (radians for the rotation) that an output of 1 stands for."""


@dataclass(frozen=True)
class RefinerConfig(TextConditionedPairConfig):
    """Shape of the refiner."""


class Refiner(TextConditionedPairNet):
    """Predicts corrected joints from the joints of two people and a text vector; fixed people are not changed."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(config, _FEATURES, _MOVED)
        self.config = config
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(cast(Tensor, self.exit.bias))

    def forward(self, joints: Tensor, text: Tensor, fixed: Tensor) -> Tensor:
        """Correct two people.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.
            fixed: (B, 2) true for people who are not changed.

        Returns:
            (B, 2, T, 22, 3).
        """
        moved = self.predict(self.features(joints, fixed), text)  # (B, 2, T, M)
        moved = moved * (~fixed)[..., None, None]
        move, turn, bend = moved.split((3, 1, _MOVED - 4), -1)
        ahead = facing(joints)
        bend = functional.pad(bend.unflatten(-1, (JOINTS - 1, 3)), (0, 0, 1, 0)) * _BEND_SCALE
        body = in_own_frames(joints, joints) + bend
        move = rotated(move[..., None, :] * _MOVE_SCALE, ahead, 1.0)
        return rotated(body, _turn_direction(ahead, turn * _MOVE_SCALE), 1.0) + ground_point(joints) + move

    def features(self, joints: Tensor, fixed: Tensor) -> Tensor:
        """(B, 2, T, N) features of joints (B, 2, T, 22, 3) in each person's own frame."""
        flag = fixed[:, :, None, None].expand(-1, -1, joints.shape[2], 1).to(joints.dtype)
        return torch.cat((pair_view(joints), flag), -1)


def _turn_direction(direction: Tensor, angle: Tensor) -> Tensor:
    """Horizontal directions (x, z) (..., 2) rotated about Y by angles (..., 1), radians, from +Z towards +X."""
    x, z = direction.split(1, -1)
    cosine, sine = angle.cos(), angle.sin()
    return torch.cat((x * cosine + z * sine, z * cosine - x * sine), -1)
