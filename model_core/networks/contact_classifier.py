"""The contact classifier, which predicts from motion and text what each palm of two people should touch.

Not part of the published model. The distance of hands does not determine whether they touch: decoded people who walk
hand in hand are no closer than people who walk side by side. The text tells that they touch, the motion tells when.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .pair_view import PAIR_VIEW, pair_view
from .palms import NEARNESS, nearness
from .text_conditioned_pair import TextConditionedPairConfig, TextConditionedPairNet

TOUCHED = 4
"""Classes of contact of a palm: nothing, the partner's left palm, the right one, any other skin of the partner."""
_FEATURES = PAIR_VIEW + NEARNESS


@dataclass(frozen=True)
class ContactClassifierConfig(TextConditionedPairConfig):
    """Shape of the network."""

    width: int = 160


class ContactClassifier(TextConditionedPairNet):
    """Predicts the contact of each palm in each frame from the joints of two people and a text vector."""

    def __init__(self, config: ContactClassifierConfig) -> None:
        super().__init__(config, _FEATURES, 2 * TOUCHED)
        self.config = config

    def forward(self, joints: Tensor, text: Tensor) -> Tensor:
        """Classify the contact of palms.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.

        Returns:
            (B, 2, T, 2, TOUCHED) logits of left and right palm.
        """
        return self.predict(self.features(joints), text).unflatten(-1, (2, TOUCHED))

    def features(self, joints: Tensor) -> Tensor:
        """(B, 2, T, N) features of joints (B, 2, T, 22, 3) in each person's own frame."""
        return torch.cat((pair_view(joints), nearness(joints)), -1)
