"""Classifies prompts by kind of interaction: the sentence encoder with low-rank updates, and a linear layer."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sentence_encoder import SentenceEncoder

RANK = 16
"""Rank of the updates: 0.6 million trained parameters next to the encoder's 22 million frozen ones."""
_SCALE = 20.0
"""Scale of the unit vectors before the linear layer, so that its weights stay small."""
_DROPOUT = 0.1


class LowRankLinear(nn.Module):
    """A frozen linear layer plus a low-rank update, the product of two narrow matrices (LoRA, Hu et al. 2021)."""

    def __init__(self, frozen: nn.Linear, rank: int) -> None:
        """Create the layer.

        Args:
            frozen: the encoder's own layer; not part of this module's state.
            rank: of the update.
        """
        super().__init__()
        self._frozen = (frozen,)  # in a tuple, so that it is not a submodule
        width = frozen.in_features
        self.down = nn.Parameter(torch.randn(rank, width, device="cpu") * width**-0.5)
        self.up = nn.Parameter(torch.zeros(frozen.out_features, rank, device="cpu"))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        return self._frozen[0](x) + functional.linear(functional.linear(x, self.down), self.up)


class PromptClassifier(nn.Module):
    """Predicts the kind of interaction of a prompt; the last class is "none of them"."""

    def __init__(self, encoder: SentenceEncoder, kinds: int) -> None:
        """Create the classifier.

        Args:
            encoder: frozen; its weights are shared, not copied.
            kinds: K, the number of kinds, without "none of them".
        """
        super().__init__()
        shared = {id(tensor): tensor for tensor in (*encoder.parameters(), *encoder.buffers())}
        tower: SentenceEncoder = copy.deepcopy(encoder, shared)
        self.layers = nn.ModuleDict()
        for number, layer in enumerate(tower.layers):
            for block, name in (("attention", "inward"), ("attention", "outward"), ("feed_forward", "widen"),
                                ("feed_forward", "narrow")):  # fmt: skip
                update = LowRankLinear(getattr(getattr(layer, block), name), RANK)
                setattr(getattr(layer, block), name, update)
                self.layers[f"{number}_{block}_{name}"] = update
        self._tower = (tower,)  # in a tuple: the encoder's weights are not part of this state
        self.head = nn.Linear(tower.norm.normalized_shape[0], kinds + 1, device="cpu")
        self.dropout = nn.Dropout(_DROPOUT)

    def vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(B, C) unit vectors of prompts, from token ids (B, L) and their mask (B, L)."""
        tower = self._tower[0]
        return tower.pool(tower(ids, mask), mask)

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, K + 1) logits from unit vectors (B, C)."""
        return self.head(self.dropout(vectors) * _SCALE)
