"""The evaluator of Inter-X: recurrent networks for motion and for words with their classes (Xu et al. 2024).

It is that of HumanML3D (Guo et al. 2022), for the features of two people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from ..motion.interx import SHAPE

FRAMES_PER_MOVEMENT = 4
"""Frames that become one input of the recurrent network."""
PAIR_WIDTH = 2 * SHAPE[0] * SHAPE[1]
"""Numbers of both people in a frame: 56 rows of 12."""


@dataclass(frozen=True)
class InterXEvaluatorConfig:
    """Shape of the evaluator; the defaults are the published ones.

    Attributes:
        movement, movement_hidden: channels of the convolutions over time: the last and the first.
        motion_width, text_width: of the recurrent networks, in each direction.
        word_width: of the word vectors.
        word_classes: classes of words.
        embedding: length of the embeddings.
    """

    movement: int = 512
    movement_hidden: int = 512
    motion_width: int = 1024
    text_width: int = 512
    word_width: int = 300
    word_classes: int = 15
    embedding: int = 512


class _Movements(nn.Module):
    """Two strided convolutions over time: one vector for four frames."""

    def __init__(self, config: InterXEvaluatorConfig) -> None:
        super().__init__()
        first = nn.Conv1d(PAIR_WIDTH, config.movement_hidden, 4, 2, 1)
        second = nn.Conv1d(config.movement_hidden, config.movement, 4, 2, 1)
        parts = [(layer, nn.Dropout(0.2), nn.LeakyReLU(0.2)) for layer in (first, second)]
        self.main = nn.Sequential(*(module for part in parts for module in part))
        self.out_net = nn.Linear(config.movement, config.movement)

    def forward(self, frames: Tensor) -> Tensor:
        """Maps (B, T, 672) to (B, T / 4, movement)."""
        return self.out_net(self.main(frames.transpose(1, 2)).transpose(1, 2))


class _Recurrent(nn.Module):
    """A gated recurrent network in both directions, whose two last states become the embedding."""

    def __init__(self, width_in: int, width: int, embedding: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(width_in, width)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * width, width), nn.LayerNorm(width), nn.LeakyReLU(0.2), nn.Linear(width, embedding)
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, width))

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Maps (B, L, width_in), of which ``lengths`` (B,) are valid, to (B, embedding)."""
        packed = pack_padded_sequence(
            self.input_emb(sequence), lengths.cpu(), batch_first=True, enforce_sorted=False
        )  # fmt: skip
        _, last = self.gru(packed, self.hidden.repeat(1, len(sequence), 1))
        return self.output_net(torch.cat((last[0], last[1]), -1))


class _Text(_Recurrent):
    """The recurrent network of captions, with its projection of word classes."""

    def __init__(self, config: InterXEvaluatorConfig) -> None:
        super().__init__(config.word_width, config.text_width, config.embedding)
        self.pos_emb = nn.Linear(config.word_classes, config.word_width)


class InterXEvaluator(nn.Module):
    """Motion and captions as vectors, close if they belong together; they are not of one length.

    The names of the modules are those of the published checkpoint.
    """

    def __init__(self, config: InterXEvaluatorConfig) -> None:
        super().__init__()
        self.config = config
        self.movement_encoder = _Movements(config)
        self.motion_encoder = _Recurrent(config.movement, config.motion_width, config.embedding)
        self.text_encoder = _Text(config)

    def motions(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Embed pairs.

        Args:
            features: (B, T, 2, 56, 6) both people, padded with zeros to the longest length of the data set: the
                convolutions see the padding. The roots' velocities are not used, as in the published code.
            lengths: (B,) number of valid frames.

        Returns:
            (B, embedding).
        """
        features = features.clone()
        features[..., -1, 3:] = 0
        frames = features.transpose(2, 3).flatten(2)  # rows of both people side by side: (B, T, 56 x 12)
        return self.motion_encoder(self.movement_encoder(frames), lengths // FRAMES_PER_MOVEMENT)

    def texts(self, words: Tensor, classes: Tensor, lengths: Tensor) -> Tensor:
        """Embed captions as (B, embedding).

        Args:
            words: (B, L, word_width) word vectors.
            classes: (B, L, word_classes) with a 1 for the class of each word.
            lengths: (B,) number of words, start and end included.
        """
        return self.text_encoder(words + self.text_encoder.pos_emb(classes), lengths)


def interx_evaluator_config(state: Mapping[str, Tensor]) -> InterXEvaluatorConfig:
    """The shape that a state is of.

    Raises:
        KeyError: a tensor is missing.
    """
    return InterXEvaluatorConfig(
        movement=len(state["movement_encoder.out_net.weight"]),
        movement_hidden=len(state["movement_encoder.main.0.weight"]),
        motion_width=len(state["motion_encoder.input_emb.weight"]),
        text_width=len(state["text_encoder.input_emb.weight"]),
        word_width=len(state["text_encoder.pos_emb.weight"]),
        word_classes=state["text_encoder.pos_emb.weight"].shape[-1],
        embedding=len(state["motion_encoder.output_net.3.weight"]),
    )
