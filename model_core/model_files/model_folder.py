"""Loads and saves model folders: ``config.json`` and safetensors."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import UserError
from ..files import atomic_folder, atomic_write
from ..networks.contact_classifier import ContactClassifier
from ..networks.finger_classifier import FingerClassifier
from ..networks.refiner import Refiner
from ..networks.reranker import Reranker
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer
from ..settings import build
from ..tensor_files import check_fits, save_tensors
from .finger_classifier_file import load_finger_classifier
from .old_names import OLD_FILES, with_present_keys, with_present_tensors
from .settings import ModelConfig

_CONFIG = "config.json"
_TOKENIZER, _TRANSFORMER, _STATISTICS = "tokenizer.safetensors", "transformer.safetensors", "statistics.safetensors"
_REFINER = "refiner.safetensors"
_CONTACT_CLASSIFIER = "contact_classifier.safetensors"
_RERANKER = "reranker.safetensors"

ASSETS = Path(__file__).resolve().parents[2] / "assets"
"""Models and text encoders that come with the project, next to the package."""

STATISTICS_SHAPE = {"interhuman": (262,), "interx": (56, 6)}
"""Shape of the mean and the standard deviation of each data set's features."""

_MODEL_FILES = {
    _CONFIG,
    _TOKENIZER,
    _TRANSFORMER,
    _STATISTICS,
    _REFINER,
    _CONTACT_CLASSIFIER,
    _RERANKER,
    *OLD_FILES.values(),
}
_TRAINING_ONLY = (".usage", ".sums", ".started")
"""Suffixes of the names of codebook tensors that only training uses."""
_FRAME_STATISTICS = "frame.statistics"
"""The tokenizer's copy of the statistics."""
_MAX_READS = 5
"""Largest number of attempts to read a folder that is replaced while it is read."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Model:
    """The parts of a model folder, in evaluation mode.

    Attributes:
        config: its settings.
        tokenizer, transformer: the networks.
        mean, std: statistics of the normalisation, (262,) for InterHuman features; zeros and ones for Inter-X.
        text_encoder: absolute folder of the text encoder.
        refiner: corrects decoded people; None in a model without one.
        contact_classifier: predicts what each palm touches; None in a model without one.
        reranker: selects among candidates; None in a model without one.
        finger_classifier: predicts the state of the fingers; None in a model without one.
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
    finger_classifier: FingerClassifier | None = None


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
        raise UserError(f"{path}: code optimisation is for InterHuman features only; remove 'code_optimisation'.")
    return config


def load_model(folder: Path, device: torch.device | str = "cpu") -> Model:
    """Load a model folder.

    A folder that is replaced in the meantime (``save_model``) is read again, so that the files are of one model.

    Raises:
        UserError: a file is missing, cut short, of another network, or has values that are not numbers.
    """
    for _ in range(_MAX_READS):
        before = _identity(folder)
        try:
            model = _read_model(folder, device)
        except UserError:
            if _identity(folder) == before:
                raise
            continue
        if _identity(folder) == before:
            return model
    raise UserError(f"{folder} changes all the time; wait until the program that writes it has finished.")


def _read_model(folder: Path, device: torch.device | str) -> Model:
    config = read_config(folder)
    statistics = _read_statistics(folder / _STATISTICS, STATISTICS_SHAPE[config.tokenizer.dataset])
    tokenizer = Tokenizer(config.tokenizer)
    if tokenizer.frame is not None:
        # Folders of this version hold the statistics once; older ones have them in the tokenizer's file too.
        tokenizer.frame.statistics.copy_(torch.stack((statistics["mean"], statistics["std"])))
    refiner = None if config.refiner is None else Refiner(config.refiner)
    classifier = None if config.contact_classifier is None else ContactClassifier(config.contact_classifier)
    reranker = None if config.reranker is None else Reranker(config.reranker)
    fingers = load_finger_classifier(folder)
    return Model(
        config,
        _loaded(tokenizer, folder / _TOKENIZER).to(device),
        _loaded(InteractionTransformer(config.transformer), folder / _TRANSFORMER).to(device),
        statistics["mean"].to(device),
        statistics["std"].to(device),
        find_text_encoder(config.text_encoder, folder),
        None if refiner is None else _loaded(refiner, folder / _REFINER).to(device),
        None if classifier is None else _loaded(classifier, folder / _CONTACT_CLASSIFIER).to(device),
        None if reranker is None else _loaded(reranker, folder / _RERANKER).to(device),
        None if fingers is None else fingers.to(device),
    )


def _identity(folder: Path) -> tuple[int, ...] | None:
    """Identity of the configuration file, which changes when a model folder is replaced."""
    try:
        status = (folder / _CONFIG).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def bundled_model() -> Path:
    """The folder of the first model that comes with the project.

    Raises:
        UserError: there is none.
    """
    for path in sorted((ASSETS / "models").glob(f"*/{_CONFIG}")):
        return path.parent
    raise UserError(f"There is no model in {ASSETS / 'models'}; name a model folder.")


def find_text_encoder(name: str, *folders: Path) -> Path:
    """Find the folder of a text encoder by name: in one of ``folders``, or among those that come with the project.

    Raises:
        UserError: there is none of that name.
    """
    for folder in (*folders, ASSETS / "text"):
        if (folder / name).is_dir():
            return (folder / name).resolve()
    raise UserError(f"There is no text encoder '{name}' in {folders[0] if folders else ASSETS}; copy the folder again.")


def save_model(folder: Path, model: Model, half: bool = True) -> None:
    """Write a model folder, whole or not at all.

    An existing folder is replaced in one step: a program that loads it at that moment gets the old model or the new
    one. Files that are not part of a model (a card, captions, a text encoder) are kept.

    Args:
        folder: where to.
        model: what to write.
        half: whether layers are stored in half precision; codebooks and statistics stay in single precision.

    Raises:
        UserError: the folder cannot be written; an older one is as it was.
    """
    with atomic_folder(folder) as new:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir():
                shutil.copytree(path, new / path.name, symlinks=True)
            elif path.name not in _MODEL_FILES:
                shutil.copy2(path, new / path.name)
        write_model(new, model, half)


def write_model(folder: Path, model: Model, half: bool = True) -> None:
    """Write the files of a model into a folder that no program reads yet; see ``save_model`` for one that is in use."""
    networks = {
        _TOKENIZER: model.tokenizer,
        _TRANSFORMER: model.transformer,
        _REFINER: model.refiner,
        _CONTACT_CLASSIFIER: model.contact_classifier,
        _RERANKER: model.reranker,
    }
    for name, network in networks.items():
        if network is not None:
            save_tensors(folder / name, _inference_state(network, half))
    save_tensors(folder / _STATISTICS, {"mean": model.mean, "std": model.std})
    with atomic_write(folder / _CONFIG) as path:
        path.write_text(json.dumps(asdict(model.config), indent=2) + "\n", encoding="utf-8")


def _inference_state(network: nn.Module, half: bool) -> dict[str, Tensor]:
    """The state without tensors that only training needs, and without the statistics, which have their own file."""
    state = {}
    for key, value in network.state_dict().items():
        if key.endswith((*_TRAINING_ONLY, _FRAME_STATISTICS)):
            continue
        exact = key.endswith(".codes") or value.ndim < 2 or not half
        state[key] = value.to(value.dtype if exact else torch.float16)
    return state


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


def _read_statistics(path: Path, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """``mean`` and ``std`` of a shape."""
    statistics = _read(path)
    expected = {"mean": torch.empty(shape), "std": torch.empty(shape)}
    check_fits(expected, statistics, path, f"its {_CONFIG}", "copy the model folder again")
    return {name: values.float() for name, values in statistics.items()}


def _loaded(network: Network, path: Path) -> Network:
    """The network with the file's weights, in evaluation mode."""
    expected, state = network.state_dict(), _read(path)
    state = {key: value for key, value in state.items() if not key.endswith(_TRAINING_ONLY)}
    # Tensors that are not saved keep the network's values.
    state = {
        key: value for key, value in expected.items() if key.endswith((*_TRAINING_ONLY, _FRAME_STATISTICS))
    } | state
    check_fits(expected, state, path, f"its {_CONFIG}", "copy the model folder again")
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)
