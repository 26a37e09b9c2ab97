"""Loads and saves a text encoder's folder: ``config.json``, ``tokenizer.json`` and ``weights.safetensors``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from ..errors import UserError
from ..files import atomic_write
from ..networks.clip_text import ClipTextConfig, ClipTextTower
from ..networks.sentence_encoder import SentenceEncoder, SentenceEncoderConfig
from ..tensor_files import check_fits, save_tensors
from .byte_pair import END
from .cleaning import clean_prompt
from .encoder import TowerEncoder

_CONFIG, _TOKENIZER, _WEIGHTS = "config.json", "tokenizer.json", "weights.safetensors"
_TABLE = "tokens.rows"

EncoderConfig = SentenceEncoderConfig | ClipTextConfig


@dataclass(frozen=True)
class _Kind:
    """The properties of one architecture.

    Attributes:
        config, tower: the network's settings and the network.
        clean: prepares a text for the tokeniser.
        fills: whether every text is padded to the full length, with the id 0.
        end: the token that ends a text wherever it occurs.
    """

    config: type[SentenceEncoderConfig] | type[ClipTextConfig]
    tower: Callable[[Any], SentenceEncoder | ClipTextTower]
    clean: Callable[[str], str]
    fills: bool
    end: str | None = None


_KINDS = {
    "bert": _Kind(SentenceEncoderConfig, SentenceEncoder, str.strip, fills=False),
    "clip": _Kind(ClipTextConfig, ClipTextTower, clean_prompt, fills=True, end=END),
}


def load_text_encoder(folder: str | Path, device: torch.device | str = "cpu") -> TowerEncoder:
    """Load a text encoder, ready to encode.

    Args:
        folder: holds ``config.json``, ``tokenizer.json`` and ``weights.safetensors``.
        device: of the network.

    Raises:
        UserError: a file is missing, cut short, or of another network.
    """
    folder = Path(folder)
    kind, config = _read_config(folder / _CONFIG)
    with torch.device("meta"):  # shapes only: the numbers come from the file
        tower = kind.tower(config)
    _fill(tower, _read_weights(folder / _WEIGHTS), folder / _WEIGHTS)
    tokenizer = _read_tokenizer(folder / _TOKENIZER, config, fills=kind.fills)
    end = tokenizer.token_to_id(kind.end) if kind.end else None
    return TowerEncoder(tower, tokenizer, kind.clean, config.width, torch.device(device), end)


def save_text_encoder(folder: Path, config: EncoderConfig, tokenizer: Tokenizer, state: Mapping[str, Tensor]) -> None:
    """Write a text encoder's folder; each file appears completely or not at all, the configuration last.

    Args:
        folder: to write.
        config: the network's settings.
        tokenizer: texts to ids, special tokens included.
        state: the network's state, in the number types to keep.

    Raises:
        UserError: the folder cannot be written.
    """
    name = next(name for name, kind in _KINDS.items() if isinstance(config, kind.config))
    save_tensors(folder / _WEIGHTS, state)
    with atomic_write(folder / _TOKENIZER) as path:
        path.write_text(tokenizer.to_str(), encoding="utf-8")
    with atomic_write(folder / _CONFIG) as path:
        path.write_text(json.dumps({"architecture": name, **asdict(config)}, indent=2) + "\n", encoding="utf-8")


def _read_config(path: Path) -> tuple[_Kind, EncoderConfig]:
    if not path.is_file():
        raise UserError(f"There is no text encoder in {path.parent}: {path.name} is missing; choose its folder again.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kind = _KINDS[values.pop("architecture")]
        if any(not isinstance(value, int | float) or value <= 0 for value in values.values()):
            raise ValueError("a setting is no positive number")
        return kind, kind.config(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} does not describe a text encoder of this version ({error}); copy or convert the folder again."
        ) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        state = "is incomplete or damaged" if path.exists() else "is missing"
        raise UserError(f"The text encoder's weights {path} {state}; copy or convert the folder again.") from error


def _fill(tower: SentenceEncoder | ClipTextTower, state: dict[str, Tensor], path: Path) -> None:
    """Load a state with exactly the network's names and shapes into it; compressed tensors stay compressed."""
    expected = tower.state_dict()
    check_fits(expected, state, path, f"its {_CONFIG}", "copy or convert the folder again")
    for key in list(state):
        tensor = state.pop(key)
        # CLIP's layers would be the largest part of a model in memory, and run once per prompt.
        stays_compressed = key == _TABLE or (isinstance(tower, ClipTextTower) and key.startswith("layers."))
        expected[key] = tensor.clone() if stays_compressed else tensor.float()
    tower.load_state_dict(expected, assign=True)


def _read_tokenizer(path: Path, config: EncoderConfig, *, fills: bool) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing narrower
        state = "is damaged" if path.exists() else "is missing"
        raise UserError(f"The text encoder's vocabulary {path} {state}; copy or convert the folder again.") from error
    if tokenizer.get_vocab_size() > config.vocabulary:
        raise UserError(
            f"The vocabulary {path} has {tokenizer.get_vocab_size()} tokens for a network of {config.vocabulary}; "
            "copy or convert the folder again."
        )
    tokenizer.enable_truncation(config.longest)
    tokenizer.enable_padding(pad_id=0, length=config.longest if fills else None)
    return tokenizer
