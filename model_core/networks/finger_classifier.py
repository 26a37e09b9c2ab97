"""The finger classifier, which predicts from motion and text the state of the fingers of each hand of two people.

Not part of the published model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fingers.states import FINGER_STATES
from .pair_view import PAIR_VIEW, pair_view
from .palms import NEARNESS, nearness
from .text_conditioned_pair import TextConditionedPairConfig, TextConditionedPairNet

_FEATURES = PAIR_VIEW + NEARNESS


@dataclass(frozen=True)
class FingerClassifierConfig(TextConditionedPairConfig):
    """Shape of the network."""

    width: int = 80
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    dropout: float = 0.2


class FingerClassifier(TextConditionedPairNet):
    """Predicts the state of the fingers of each hand in each frame from the joints of two people and a text vector."""

    def __init__(self, config: FingerClassifierConfig) -> None:
        super().__init__(config, _FEATURES, 2 * len(FINGER_STATES))
        self.config = config

    def forward(self, joints: Tensor, text: Tensor) -> Tensor:
        """Classify the state of the fingers.

        Args:
            joints: (B, 2, T, 22, 3) metres, Y up, floor at 0, T even.
            text: (B, text_width) vectors of the sentence encoder.

        Returns:
            (B, 2, T, 2, S) logits of ``FINGER_STATES``, left and right hand.
        """
        return self.classified(finger_features(joints), text)

    def classified(self, features: Tensor, text: Tensor) -> Tensor:
        """(B, 2, T, 2, S) logits for ``finger_features`` (B, 2, T, N) and text vectors (B, text_width)."""
        return self.predict(features, text).unflatten(-1, (2, len(FINGER_STATES)))


def finger_features(joints: Tensor) -> Tensor:
    """(B, 2, T, N) features of joints (B, 2, T, 22, 3) in each person's own frame."""
    return torch.cat((pair_view(joints), nearness(joints)), -1)
