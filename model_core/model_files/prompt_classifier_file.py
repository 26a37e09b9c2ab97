"""The prompt classifier of a model folder: ``prompt_classifier.safetensors``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UserError
from ..networks.prompt_classifier import PromptClassifier
from ..networks.sentence_encoder import SentenceEncoder
from ..tensor_files import check_fits, save_tensors
from ..text_encoders.encoder import TowerEncoder

_FILE, _KINDS, _KNOWN_FROM = "prompt_classifier.safetensors", "kinds", "known_from"
_REMEDY = "copy the model folder again, or delete this file to use prompts as they are written"


@dataclass(frozen=True)
class LoadedClassifier:
    """A classifier and its classes.

    Attributes:
        network: in evaluation mode.
        kinds: K names, in the order of its classes; the last class, K, is "none of them".
        known_threshold: a prompt counts as known if a kind has at least this probability.
    """

    network: PromptClassifier
    kinds: tuple[str, ...]
    known_threshold: float

    @torch.no_grad()
    def logits(self, encoder: TowerEncoder, prompts: Sequence[str]) -> Tensor:
        """(N, K + 1) logits of prompts, on the CPU.

        Args:
            encoder: the one whose weights the network shares.
            prompts: N texts.
        """
        ids, mask = (tensor.to(encoder.device) for tensor in encoder.token_ids(prompts))
        return self.network(self.network.vectors(ids, mask)).float().cpu()


def save_prompt_classifier(folder: Path, classifier: LoadedClassifier) -> None:
    """Write a classifier to a model folder, in half precision.

    Raises:
        UserError: the file cannot be written.
    """
    state = {name: tensor.half() for name, tensor in classifier.network.state_dict().items()}
    metadata = {_KINDS: json.dumps(list(classifier.kinds)), _KNOWN_FROM: repr(classifier.known_threshold)}
    save_tensors(folder / _FILE, state, metadata)


def load_prompt_classifier(folder: Path, encoder: TowerEncoder) -> LoadedClassifier | None:
    """The classifier of a model folder; None if the folder has none.

    Args:
        folder: of the model.
        encoder: the model's own, whose weights the classifier shares.

    Raises:
        UserError: the file is damaged or belongs to another encoder.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    if not isinstance(encoder.tower, SentenceEncoder):
        raise UserError(f"{path} belongs to another text encoder than the model's; {_REMEDY}.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            kinds = tuple(str(kind) for kind in json.loads(metadata[_KINDS]))
            known_threshold = float(metadata[_KNOWN_FROM])
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is cut short or damaged; {_REMEDY}.") from error
    network = PromptClassifier(encoder.tower, len(kinds))
    check_fits(network.state_dict(), state, path, "the text encoder and its kinds", _REMEDY)
    network.load_state_dict(state)
    return LoadedClassifier(network.eval().requires_grad_(False).to(encoder.device), kinds, known_threshold)
