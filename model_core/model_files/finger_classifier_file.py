"""The finger classifier of a model folder: ``finger_classifier.safetensors``, which a model need not have."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..errors import UserError
from ..networks.finger_classifier import FingerClassifier, FingerClassifierConfig
from ..settings import build
from ..tensor_files import check_fits, save_tensors

_FILE, _SHAPE = "finger_classifier.safetensors", "shape"
_REMEDY = "copy the model folder again, or delete this file for hands without finger poses"


def save_finger_classifier(folder: Path, network: FingerClassifier) -> None:
    """Write a classifier to a model folder, in half precision.

    Raises:
        UserError: the file cannot be written.
    """
    state = {name: tensor.half() for name, tensor in network.state_dict().items()}
    save_tensors(folder / _FILE, state, {_SHAPE: json.dumps(asdict(network.config))})


def load_finger_classifier(folder: Path) -> FingerClassifier | None:
    """The classifier of a model folder, in evaluation mode; None if the folder has none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            shape = json.loads(file.metadata()[_SHAPE])
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is cut short or damaged; {_REMEDY}.") from error
    network = FingerClassifier(build(FingerClassifierConfig, shape, str(path)))
    check_fits(network.state_dict(), state, path, "the shape that it names", _REMEDY)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)
