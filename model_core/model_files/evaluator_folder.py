"""A small network that tells how well motion of two people and a caption belong together, in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import UserError
from ..files import atomic_write
from ..networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig
from ..settings import build
from ..text_encoders import TextEncoder, load_text_encoder
from ..text_encoders.batches import pooled
from .model_folder import ASSETS, find_text_encoder

EVALUATOR = ASSETS / "evaluation"
"""Where the evaluator that comes with the project lies; it is no part of the add-on."""
_CONFIG, _WEIGHTS = "config.json", "evaluator.safetensors"


@dataclass(frozen=True)
class PairEmbeddingConfig:
    """What an evaluator's folder says of itself.

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
        """Load the network and its sentence encoder, or take the one that is loaded already.

        Raises:
            UserError: a file is missing, damaged or of another version.
        """
        try:
            config = build(
                PairEmbeddingConfig, json.loads((folder / _CONFIG).read_text(encoding="utf-8")), str(folder / _CONFIG)
            )
            network = SmallEvaluator(config.network)
            weights = {name: tensor.float() for name, tensor in load_file(folder / _WEIGHTS).items()}
            network.load_state_dict(weights)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise UserError(
                f"There is no whole evaluator in {folder} ({error}); make one with 'train evaluator'."
            ) from error
        return cls(network, encoder or load_text_encoder(find_text_encoder(config.text_encoder, folder)))

    @torch.inference_mode()
    def texts(self, captions: Sequence[str]) -> np.ndarray:
        """(N, D) unit vectors of captions."""
        return self.network.text(pooled(self.encoder, captions)).numpy()

    @torch.inference_mode()
    def motions(self, pairs: Iterable[np.ndarray]) -> np.ndarray:
        """(N, D) unit vectors of rows (2, T, 262) in metres, of any place and any length from 15 frames."""
        return np.concatenate([self.network.motion(torch.from_numpy(rows)[None]).numpy() for rows in pairs])


def save_evaluator(folder: Path, network: SmallEvaluator, config: PairEmbeddingConfig) -> None:
    """Write the network in half precision and what is to be known of it."""
    with atomic_write(folder / _WEIGHTS) as path:
        save_file({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, path)
    with atomic_write(folder / _CONFIG) as path:
        path.write_text(json.dumps(asdict(config), indent=1) + "\n", encoding="utf-8")
