"""Converts motions to tokens and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..model_files.model_folder import Model
from ..motion import Motion
from ..motion.canonical import CanonicalTransform
from ..networks.code_optimisation import optimised_codes
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from .completion import pad_or_trim
from .representations import REPRESENTATIONS


class MotionCodec:
    """The tokenizer with its data set's features and normalisation.

    Attributes:
        representation: features of the data set.
        device: of the tensors.
    """

    def __init__(self, model: Model, device: torch.device) -> None:
        self._model = model
        self.device = device
        self.representation = REPRESENTATIONS[model.config.tokenizer.dataset]

    def encode(self, motion: Motion) -> Tensor:
        """Encode a motion in its canonical frame as tokens (P, S); the last frame is repeated to fill a column."""
        return self._encode_features(self._features(motion))

    def encode_pairs(
        self, pairs: Sequence[Sequence[Motion | None]], transforms: Sequence[CanonicalTransform], frames: int
    ) -> Tensor:
        """Encode pairs of people, some of whom may be unknown, to token maps.

        Args:
            pairs: two people each, in the world; None for an unknown person.
            transforms: bring each pair into its canonical frame.
            frames: T of each person.

        Returns:
            (N, 2, P, S) tokens, zeros for unknown people.
        """
        maps = torch.zeros((len(pairs), 2, PARTS, token_columns(frames)), dtype=torch.long, device=self.device)
        encoded: dict[bytes, Tensor] = {}  # all takes may have the same leader
        for take, (pair, transform) in enumerate(zip(pairs, transforms, strict=True)):
            for person, known in enumerate(pair):
                if known is not None:
                    features = self._features(transform.apply(known))
                    key = features.tobytes()
                    if key not in encoded:
                        encoded[key] = self._encode_features(features)
                    maps[take, person] = encoded[key]
        return maps

    def tokens(self, normalised: Tensor) -> Tensor:
        """Encode normalised features (B, T, ...), T a multiple of 4, as nearest or optimised tokens (B, P, S)."""
        settings, tokenizer = self._model.config.code_optimisation, self._model.tokenizer
        if settings is not None:
            return optimised_codes(tokenizer, normalised, settings)[:, 0]
        with torch.inference_mode():
            return tokenizer.encode(normalised)[:, 0]

    @torch.inference_mode()
    def decode(self, ids: Tensor) -> np.ndarray:
        """Decode token maps (N, 2, P, S) to features (N, 2, T, ...) in metres."""
        features = self._model.tokenizer.decode(ids.flatten(0, 1)[:, None])
        return (features * self._model.std + self._model.mean).unflatten(0, (-1, 2)).float().cpu().numpy()

    def _features(self, motion: Motion) -> np.ndarray:
        """Features (T, ...) of a motion, with T padded to whole columns."""
        filled = pad_or_trim(self.representation.prepared(motion), FRAMES_PER_TOKEN * token_columns(len(motion)))
        return self.representation.features(filled)

    def _encode_features(self, features: np.ndarray) -> Tensor:
        normalised = (torch.from_numpy(features).to(self.device) - self._model.mean) / self._model.std
        return self.tokens(normalised[None])[0]
