"""The captions that a model was trained on (``captions.safetensors``), and the distance of prompts to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UserError
from ..tensor_files import save_tensors
from ..text_encoders import TextEncoder

_FILE, _VECTORS, _TEXTS = "captions.safetensors", "vectors", "texts"

MAX_CAPTIONS = 2048
"""Largest number of captions in the file. Paraphrases are close to each other, so an even selection is enough."""


@dataclass(frozen=True)
class Nearest:
    """The training caption that is most similar to a prompt.

    Attributes:
        distance: 1 minus the cosine similarity of the two sentence vectors: 0 for the same words, about 1 for another
            subject.
        caption: of the training data.
    """

    distance: float
    caption: str


@dataclass(frozen=True)
class TrainingCaptions:
    """Captions that a model was trained on.

    Attributes:
        texts: N captions.
        vectors: (N, C) of length 1, on the CPU.
    """

    texts: tuple[str, ...]
    vectors: Tensor

    @torch.no_grad()
    def nearest(self, prompt: str, encoder: TextEncoder) -> Nearest:
        """The caption that is most similar to a prompt, by the vectors of the model's own text encoder."""
        vector = _normalised(encoder.encode([prompt]).pooled)[0]
        similarity = self.vectors @ vector
        best = int(similarity.argmax())
        return Nearest(max(0.0, 1.0 - float(similarity[best])), self.texts[best])


def save_captions(folder: Path, texts: Sequence[str], vectors: Tensor) -> None:
    """Write the captions that a model was trained on to its folder.

    Args:
        folder: of the model.
        texts: N captions.
        vectors: (N, C) their pooled text features, of any length.

    Raises:
        UserError: the file cannot be written.
    """
    chosen = torch.linspace(0, len(texts) - 1, min(MAX_CAPTIONS, len(texts))).round().long()
    kept = {_VECTORS: _normalised(vectors)[chosen].half()}
    texts_metadata = {_TEXTS: json.dumps([texts[int(index)] for index in chosen], ensure_ascii=False)}
    save_tensors(folder / _FILE, kept, texts_metadata)


def load_captions(folder: Path) -> TrainingCaptions | None:
    """The captions that a model was trained on, None if its folder has none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            vectors, texts = file.get_tensor(_VECTORS).float(), tuple(json.loads(file.metadata()[_TEXTS]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is cut short or damaged; copy the model folder again, or delete this file.") from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not texts:
        raise UserError(
            f"{path} has another number of vectors than of captions; copy the model folder again, or delete this file."
        )
    return TrainingCaptions(texts, _normalised(vectors))


def _normalised(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors.float().cpu(), dim=-1)
