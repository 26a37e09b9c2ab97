"""The published evaluators as the published protocol uses them: clips in, embeddings out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..data import interx_split
from ..data.published_split import DrawnPair
from ..data.word_vectors import WordVectors
from ..errors import UserError
from ..motion.interx import motion_from_interx
from ..motion.representation import JOINTS, POSITIONS
from ..networks.interx_evaluator import InterXEvaluator
from ..networks.published_evaluator import InterClip
from ..text_encoders.clip_tokens import ClipTokens


class InterHumanEvaluator:
    """InterCLIP on features in metres; see ``Evaluator``."""

    def __init__(self, network: InterClip, device: torch.device) -> None:
        self._network, self._device = network.to(device), device
        self._tokens = ClipTokens(network.config.longest_text)

    @torch.inference_mode()
    def motions(self, people: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) embeddings of features (2, T, 262)."""
        lengths = torch.tensor([pair.shape[1] for pair in people], device=self._device)
        padded = _padded(people, max(pair.shape[1] for pair in people))
        features = torch.from_numpy(padded).to(self._device).transpose(1, 2).flatten(2)  # (N, T, 524)
        return self._network.motions(features, lengths).float().cpu().numpy()

    @torch.inference_mode()
    def texts(self, pairs: Sequence[DrawnPair]) -> np.ndarray:
        """(N, D) embeddings of captions."""
        ids = self._tokens([pair.caption for pair in pairs]).to(self._device)
        return self._network.texts(ids).float().cpu().numpy()

    def joints(self, people: np.ndarray) -> np.ndarray:
        """(2, T, 22, 3) positions of features (2, T, 262), whose floor is at Y = 0."""
        return people[..., POSITIONS].reshape(*people.shape[:2], JOINTS, 3)


class InterXEvaluation:
    """The evaluator of Inter-X on its features; see ``Evaluator``."""

    def __init__(self, network: InterXEvaluator, words: WordVectors, device: torch.device) -> None:
        """Create it.

        Raises:
            UserError: the word vectors are not those of the network.
        """
        if words.width != network.config.word_width:
            raise UserError(
                f"The word vectors of the data set have {words.width} numbers and the evaluator needs "
                f"{network.config.word_width}; copy the published folder glove."
            )
        self._network, self._words, self._device = network.to(device), words, device

    @torch.inference_mode()
    def motions(self, people: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) embeddings of features (2, T, 56, 6)."""
        lengths = torch.tensor([pair.shape[1] for pair in people])
        features = torch.from_numpy(_padded(people, interx_split.LONGEST)).to(self._device).transpose(1, 2)
        return self._network.motions(features, lengths).float().cpu().numpy()

    @torch.inference_mode()
    def texts(self, pairs: Sequence[DrawnPair]) -> np.ndarray:
        """(N, D) embeddings of captions."""
        vectors, classes, lengths = zip(*(self._words.encode(pair.tokens) for pair in pairs), strict=True)
        words, kinds = (torch.from_numpy(np.stack(part)).to(self._device) for part in (vectors, classes))
        return self._network.texts(words, kinds, torch.tensor(lengths)).float().cpu().numpy()

    def joints(self, people: np.ndarray) -> np.ndarray:
        """(2, T, 22, 3) positions of features (2, T, 56, 6), with the lowest joint of the clip on the floor."""
        joints = np.stack([motion_from_interx(person).joints[:, :JOINTS] for person in people])
        joints[..., 1] -= joints[..., 1].min()
        return joints


def _padded(people: Sequence[np.ndarray], longest: int) -> np.ndarray:
    """(N, 2, longest, ...) features of pairs, padded with zeros."""
    result = np.zeros((len(people), 2, longest, *people[0].shape[2:]), dtype=np.float32)
    for row, pair in zip(result, people, strict=True):
        row[:, : pair.shape[1]] = pair
    return result
