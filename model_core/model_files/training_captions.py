"""The captions that a model was trained on (``captions.safetensors``), and the distance of prompts to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UserError
from ..tensor_files import save_tensors
from ..text_encoders import TextEncoder

_FILE, _VECTORS, _TEXTS = "captions.safetensors", "vectors", "texts"
_KIND, _KINDS = "kind", "kinds"

MAX_CAPTIONS = 2048
"""Largest number of captions in the file. Paraphrases are close to each other, so an even selection is enough."""


@dataclass(frozen=True)
class NearestCaption:
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
        kinds: K names of the kinds of interaction that the captions describe; none where the file does not say.
        kind: (N,) index of each caption's kind, -1 for a caption of no kind.
    """

    texts: tuple[str, ...]
    vectors: Tensor
    kinds: tuple[str, ...]
    kind: Tensor

    @torch.no_grad()
    def nearest(self, prompt: str, encoder: TextEncoder) -> NearestCaption:
        """The caption that is most similar to a prompt, by the vectors of the model's own text encoder."""
        vector = unit_vectors(encoder.encode([prompt]).pooled)[0]
        similarity = self.vectors @ vector
        best = int(similarity.argmax())
        return NearestCaption(max(0.0, 1.0 - float(similarity[best])), self.texts[best])


def save_captions(
    folder: Path, texts: Sequence[str], vectors: Tensor, kind_of: Callable[[str], str | None] | None = None
) -> None:
    """Write the captions that a model was trained on to its folder.

    Args:
        folder: of the model.
        texts: N captions.
        vectors: (N, C) their pooled text features, of any length.
        kind_of: names the kind of interaction that a caption describes; None writes no kinds.

    Raises:
        UserError: the file cannot be written.
    """
    chosen = torch.linspace(0, len(texts) - 1, min(MAX_CAPTIONS, len(texts))).round().long()
    kept = {_VECTORS: unit_vectors(vectors)[chosen].half()}
    kept_texts = [texts[int(index)] for index in chosen]
    metadata = {_TEXTS: json.dumps(kept_texts, ensure_ascii=False)}
    if kind_of is not None:
        names = [kind_of(text) for text in kept_texts]
        kinds = sorted({name for name in names if name is not None})
        kept[_KIND] = torch.tensor([-1 if name is None else kinds.index(name) for name in names], dtype=torch.int16)
        metadata[_KINDS] = json.dumps(kinds)
    save_tensors(folder / _FILE, kept, metadata)


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
            metadata = file.metadata()
            vectors, texts = file.get_tensor(_VECTORS).float(), tuple(json.loads(metadata[_TEXTS]))
            kinds = tuple(json.loads(metadata.get(_KINDS, "[]")))
            kind = file.get_tensor(_KIND).long() if kinds else torch.full((len(texts),), -1)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is cut short or damaged; copy the model folder again, or delete this file.") from error
    same_length = len(vectors) == len(texts) == len(kind)
    if vectors.ndim != 2 or not same_length or not texts or int(kind.max()) >= len(kinds):
        raise UserError(
            f"{path} has captions, vectors and kinds that do not match; copy the model folder again, or delete this "
            "file."
        )
    return TrainingCaptions(texts, unit_vectors(vectors), kinds, kind)


def unit_vectors(vectors: Tensor) -> Tensor:
    """Vectors (N, C) scaled to length 1, in single precision on the CPU."""
    return torch.nn.functional.normalize(vectors.float().cpu(), dim=-1)
