"""Loads and saves the evaluator, which embeds captions and motion of two people in one space."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import UserError
from ..files import atomic_folder
from ..networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig
from ..settings import build
from ..tensor_files import check_fits, save_tensors
from ..text_encoders import TextEncoder, load_text_encoder
from ..text_encoders.batches import pooled
from .model_folder import ASSETS, find_text_encoder

EVALUATOR = ASSETS / "evaluation"
"""The evaluator that comes with the project; it is not part of the add-on."""
_CONFIG, _WEIGHTS = "config.json", "evaluator.safetensors"


@dataclass(frozen=True)
class PairEmbeddingConfig:
    """The configuration in an evaluator's folder.

    Attributes:
        network: its shape.
        text_encoder: name of the sentence encoder.
        about: data and credit.
        format: of the folder.
    """

    network: SmallEvaluatorConfig
    text_encoder: str
    about: str = ""
    format: int = 1


class PairEmbedding:
    """Captions and motion of two people as unit vectors of one space."""

    def __init__(self, network: SmallEvaluator, encoder: TextEncoder) -> None:
        self.network, self.encoder = network.eval(), encoder

    @classmethod
    def load(cls, folder: Path = EVALUATOR, encoder: TextEncoder | None = None) -> PairEmbedding:
        """Load the network and its sentence encoder, unless one is given.

        Raises:
            UserError: a file is missing, damaged or of another version.
        """
        remedy = "make one with 'train evaluator'"
        path = folder / _WEIGHTS
        try:
            values, state = json.loads((folder / _CONFIG).read_text(encoding="utf-8")), load_file(path)
        except (OSError, ValueError, SafetensorError) as error:
            raise UserError(f"There is no complete evaluator in {folder} ({error}); {remedy}.") from error
        config = build(PairEmbeddingConfig, values, str(folder / _CONFIG))
        network = SmallEvaluator(config.network)
        check_fits(network.state_dict(), state, path, f"its {_CONFIG}", remedy)
        network.load_state_dict(state)
        return cls(network, encoder or load_text_encoder(find_text_encoder(config.text_encoder, folder)))

    @torch.inference_mode()
    def texts(self, captions: Sequence[str]) -> np.ndarray:
        """(N, D) unit vectors of captions."""
        return self.network.text(pooled(self.encoder, captions)).numpy()

    @torch.inference_mode()
    def motions(self, pairs: Iterable[np.ndarray]) -> np.ndarray:
        """(N, D) unit vectors of features (2, T, 262) in metres, anywhere in the world, from 15 frames on."""
        return np.concatenate([self.network.motion(torch.from_numpy(features)[None]).numpy() for features in pairs])


def save_evaluator(folder: Path, network: SmallEvaluator, config: PairEmbeddingConfig) -> None:
    """Write the network, in half precision, and its configuration; an existing folder is replaced as a whole."""
    with atomic_folder(folder) as new:
        save_tensors(new / _WEIGHTS, {name: tensor.half() for name, tensor in network.state_dict().items()})
        (new / _CONFIG).write_text(json.dumps(asdict(config), indent=1) + "\n", encoding="utf-8")
