"""A model folder: ``config.json`` and safetensors, loaded and saved."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import UserError
from ..files import atomic_write
from ..networks.contact_classifier import ContactClassifier
from ..networks.refiner import Refiner
from ..networks.reranker import Reranker
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer
from ..settings import build
from .old_names import OLD_FILES, with_present_keys, with_present_tensors
from .settings import ModelConfig

_CONFIG = "config.json"
_TOKENIZER, _TRANSFORMER, _STATISTICS = "tokenizer.safetensors", "transformer.safetensors", "statistics.safetensors"
_REFINER = "refiner.safetensors"
_CONTACT_CLASSIFIER = "contact_classifier.safetensors"
_RERANKER = "reranker.safetensors"

ASSETS = Path(__file__).resolve().parents[2] / "assets"
"""What comes with the project, beside the package: models and text encoders."""

STATISTICS_SHAPE = {"interhuman": (262,), "interx": (56, 6)}
"""Of the mean and the deviation of a data set's rows."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Model:
    """The parts of a model folder, in evaluation mode.

    Attributes:
        config: its settings.
        tokenizer, transformer: the networks.
        mean, std: statistics of the normalisation, (262,) for InterHuman rows; zeros and ones for Inter-X.
        text_encoder: absolute folder of the text encoder.
        refiner: moves decoded people; None in a model without.
        contact_classifier: tells what palms touch; None in a model without.
        reranker: chooses among drafts; None in a model without.
    """

    config: ModelConfig
    tokenizer: Tokenizer
    transformer: InteractionTransformer
    mean: Tensor
    std: Tensor
    text_encoder: Path
    refiner: Refiner | None = None
    contact_classifier: ContactClassifier | None = None
    reranker: Reranker | None = None


def read_config(folder: Path) -> ModelConfig:
    """The configuration alone, without loading weights.

    Raises:
        UserError: no model folder, or one of another version.
    """
    path = folder / _CONFIG
    if not path.is_file():
        raise UserError(f"There is no model in {folder}: {_CONFIG} is missing; choose a model folder.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); copy the model folder again.") from error
    if not isinstance(values, dict) or values.get("format", 1) != 1:
        raise UserError(f"{path} is of another version of this program; update the add-on or choose another model.")
    config = build(ModelConfig, with_present_keys(values), str(path))
    if config.code_optimisation is not None and config.tokenizer.dataset != "interhuman":
        raise UserError(f"{path}: codes can be searched for of InterHuman rows alone; remove 'code_optimisation'.")
    return config


def load_model(folder: Path, device: torch.device | str = "cpu") -> Model:
    """Load a model folder.

    Raises:
        UserError: a file is missing, cut short, of another network, or has values that are not numbers.
    """
    config = read_config(folder)
    tokenizer = _filled(Tokenizer(config.tokenizer), folder / _TOKENIZER)
    transformer = _filled(InteractionTransformer(config.transformer), folder / _TRANSFORMER)
    refiner = None if config.refiner is None else _filled(Refiner(config.refiner), folder / _REFINER).to(device)
    contact_classifier = (
        None
        if config.contact_classifier is None
        else _filled(ContactClassifier(config.contact_classifier), folder / _CONTACT_CLASSIFIER).to(device)
    )
    reranker = None if config.reranker is None else _filled(Reranker(config.reranker), folder / _RERANKER).to(device)
    statistics = _read(folder / _STATISTICS)
    shape = STATISTICS_SHAPE[config.tokenizer.dataset]
    if {name: tuple(values.shape) for name, values in statistics.items()} != {"mean": shape, "std": shape}:
        raise UserError(f"{folder / _STATISTICS} holds no mean and std of shape {shape}; copy the model folder again.")
    if not all(torch.isfinite(values).all() for values in statistics.values()):
        raise UserError(f"{folder / _STATISTICS} has values that are not numbers; copy the model folder again.")
    return Model(
        config,
        tokenizer.to(device),
        transformer.to(device),
        statistics["mean"].float().to(device),
        statistics["std"].float().to(device),
        find_text_encoder(config.text_encoder, folder),
        refiner,
        contact_classifier,
        reranker,
    )


def bundled_model() -> Path:
    """The folder of the first model that comes with the project.

    Raises:
        UserError: there is none.
    """
    for path in sorted((ASSETS / "models").glob(f"*/{_CONFIG}")):
        return path.parent
    raise UserError(f"There is no model in {ASSETS / 'models'}; name a model folder.")


def find_text_encoder(name: str, *folders: Path) -> Path:
    """The folder of a text encoder by its name: in one of ``folders``, or among those that come with the project.

    Raises:
        UserError: there is none of that name.
    """
    for folder in (*folders, ASSETS / "text"):
        if (folder / name).is_dir():
            return (folder / name).resolve()
    raise UserError(f"There is no text encoder '{name}' in {folders[0] if folders else ASSETS}; copy the folder again.")


def save_model(folder: Path, model: Model, half: bool = True) -> None:
    """Write a model folder; its configuration comes last, so that a folder that is read is complete.

    Args:
        half: keep weights of the layers in half precision; codebooks and statistics stay in single precision.
    """
    _write(folder / _TOKENIZER, _inference_state(model.tokenizer, half))
    _write(folder / _TRANSFORMER, _inference_state(model.transformer, half))
    for name, network in (
        (_REFINER, model.refiner),
        (_CONTACT_CLASSIFIER, model.contact_classifier),
        (_RERANKER, model.reranker),
    ):
        if network is not None:
            _write(folder / name, _inference_state(network, half))
    _write(folder / _STATISTICS, {"mean": model.mean.cpu(), "std": model.std.cpu()})
    values = asdict(model.config)
    with atomic_write(folder / _CONFIG) as path:
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _inference_state(network: nn.Module, half: bool) -> dict[str, Tensor]:
    """The state without what only training needs of a codebook."""
    state = {}
    for key, value in network.state_dict().items():
        if key.endswith((".usage", ".sums", ".started")):
            continue
        exact = key.endswith(".codes") or value.ndim < 2 or not half
        state[key] = value.detach().cpu().to(value.dtype if exact else torch.float16).contiguous()
    return state


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    with atomic_write(path) as temporary:
        try:
            save_file(tensors, temporary)
        except SafetensorError as error:  # what the library makes of a full disk
            raise UserError(f"Cannot write {path} ({error}); free some space or choose another place.") from error


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        old = path.with_name(OLD_FILES.get(path.name, path.name))
        if not old.is_file():
            raise UserError(f"{path} is missing; copy the model folder again.")
        path = old
    try:
        return with_present_tensors(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} is cut short or damaged; copy the model folder again.") from error


def _filled(network: Network, path: Path) -> Network:
    """The network with the file's weights, in evaluation mode."""
    state = _read(path)
    for key, wanted in network.state_dict().items():
        if key.endswith((".usage", ".sums", ".started")):
            state[key] = wanted  # of use in training only
        elif key not in state or state[key].shape != wanted.shape:
            found = tuple(state[key].shape) if key in state else "nothing"
            raise UserError(
                f"{path} does not fit its {_CONFIG}: {key} should be {tuple(wanted.shape)} and is {found}; "
                "copy the model folder again."
            )
        elif not torch.isfinite(state[key]).all():
            raise UserError(f"{path} has values that are not numbers in {key}; copy the model folder again.")
    network.load_state_dict({key: state[key] for key in network.state_dict()})
    return network.eval().requires_grad_(False)
