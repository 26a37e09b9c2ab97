"""The interface of text encoders, and the encoder of a tokeniser and a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor

from ..networks.clip_text import ClipTextTower
from ..networks.sentence_encoder import SentenceEncoder


@dataclass(frozen=True)
class TextFeatures:
    """A batch of encoded texts.

    Attributes:
        hidden: (B, L, C) hidden states in float32.
        mask: (B, L) true for tokens, special ones included, false for padding.
        pooled: (B, C) one vector for each text.
    """

    hidden: Tensor
    mask: Tensor
    pooled: Tensor

    @property
    def end(self) -> Tensor:
        """(B,) position of the last token of each text: end-of-text for CLIP, the separator for BERT."""
        return self.mask.sum(dim=1) - 1


class TextEncoder(Protocol):
    """A frozen text encoder."""

    @property
    def width(self) -> int:
        """C, the length of the hidden states and of the pooled vector."""

    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode one text or more; texts that are too long for the encoder are truncated."""


class TowerEncoder:
    """A tokeniser and a network.

    Attributes:
        tower: the network, frozen.
        device: of the network.
    """

    def __init__(
        self,
        tower: SentenceEncoder | ClipTextTower,
        tokenizer: Tokenizer,
        clean: Callable[[str], str],
        width: int,
        device: torch.device,
        end: int | None = None,
    ) -> None:
        """Create the encoder.

        Args:
            tower: the network, with its weights.
            tokenizer: truncates and pads as the network expects.
            clean: prepares a text for the tokeniser.
            width: of the hidden states.
            device: of the network.
            end: id of the token that ends a text wherever it occurs, as in CLIP; None without such a token.
        """
        self._end = end
        self.tower = tower.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self._clean = clean
        self._width = width
        self.device = device

    @property
    def width(self) -> int:
        """C, the length of the hidden states and of the pooled vector."""
        return self._width

    def token_ids(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids (B, L) and mask (B, L) of texts, on the CPU."""
        encoded = self._tokenizer.encode_batch([self._clean(text) for text in texts])
        ids = torch.tensor([entry.ids for entry in encoded])
        mask = torch.tensor([entry.attention_mask for entry in encoded], dtype=torch.bool)
        if self._end is not None:
            is_end = ids == self._end
            mask &= is_end.cumsum(dim=1) - is_end.int() == 0  # up to the first one
        return ids, mask

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode one text or more; texts that are too long for the encoder are truncated."""
        ids, mask = (tensor.to(self.device) for tensor in self.token_ids(texts))
        hidden = self.tower(ids, mask)
        return TextFeatures(hidden, mask, self.tower.pool(hidden, mask))
