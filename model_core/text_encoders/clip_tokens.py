"""CLIP's tokens of captions, for networks that have CLIP's token table but not its layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .byte_pair import clip_tokenizer
from .cleaning import clean_prompt


class ClipTokens:
    """Captions to token ids as CLIP's own tokeniser makes them, truncated and padded with zeros to one length."""

    def __init__(self, longest: int = 77) -> None:
        self._tokenizer = clip_tokenizer()
        self._tokenizer.enable_truncation(longest)
        self._tokenizer.enable_padding(pad_id=0, length=longest)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(B, longest) ids of texts: start, words, end, zeros."""
        return torch.tensor(
            [entry.ids for entry in self._tokenizer.encode_batch([clean_prompt(text) for text in texts])]
        )
