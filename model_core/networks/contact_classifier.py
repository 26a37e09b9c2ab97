"""What each palm of two people should touch, by what they do and by what the text says.

Not published. How near hands are does not tell whether they touch: two who walk hand in hand, as tokens have them, are
no nearer than two who walk side by side. The text does tell, and the movement when.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .pair_view import PAIR_VIEW, pair_view
from .palms import NEARNESS, nearness
from .text_conditioned_pair import TextConditionedPairConfig, TextConditionedPairNet

TOUCHED = 4
"""What a palm may touch: nothing, the partner's left palm, the right one, any other skin of the partner."""
_SEEN = PAIR_VIEW + NEARNESS


@dataclass(frozen=True)
class ContactClassifierConfig(TextConditionedPairConfig):
    """Shape of the network."""

    width: int = 160


class ContactClassifier(TextConditionedPairNet):
    """Joints of two people and a text vector to what each palm touches in each frame."""

    def __init__(self, config: ContactClassifierConfig) -> None:
        super().__init__(config, _SEEN, 2 * TOUCHED)
        self.config = config

    def forward(self, joints: Tensor, text: Tensor) -> Tensor:
        """Tell what palms touch.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.

        Returns:
            (B, 2, T, 2, TOUCHED) logits of left and right palm.
        """
        return self.answered(self.seen(joints), text).unflatten(-1, (2, TOUCHED))

    def seen(self, joints: Tensor) -> Tensor:
        """What each person sees from the own place, facing +Z: (B, 2, T, N) of joints (B, 2, T, 22, 3)."""
        return torch.cat((pair_view(joints), nearness(joints)), -1)
