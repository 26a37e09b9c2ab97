"""The data, statistics and networks of the trainings that share an ``--out`` folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from ..files import atomic_write
from ..model_files.model_folder import find_text_encoder
from ..model_files.old_names import with_present_tensors
from ..tensor_files import check_fits
from ..text_encoders import TextEncoder, load_text_encoder
from . import processes
from .crops import statistics
from .loop import Loop, LoopSettings
from .material import Material, keep_statistics

Network = TypeVar("Network", bound=nn.Module)

_STATISTICS, _AVERAGED = "statistics.npy", "averaged.pt"


def is_trained(out: Path, name: str) -> bool:
    """Whether a network was trained in the folder ``--out``."""
    return (out / name / _AVERAGED).is_file()


def require_trained(out: Path, name: str) -> None:
    """Check that a network was trained.

    Raises:
        UserError: it was not trained in this folder.
    """
    if not is_trained(out, name):
        raise UserError(f"There is no trained {name.replace('_', ' ')} in {out}; run '{_command(name)}' with it first.")


def _command(name: str) -> str:
    return f"train {name.replace('_', '-')}"


@dataclass(frozen=True)
class TrainingRun:
    """The data, the folder and the device of a training.

    Attributes:
        material: training clips and held-out clips.
        out: a folder with a folder for each training.
        text_encoder: name of the text encoder.
        device: where networks and batches live.
    """

    material: Material
    out: Path
    text_encoder: str
    device: torch.device = torch.device("cpu")

    def folder(self, name: str) -> Path:
        """The folder of a network's training."""
        return self.out / name

    def loop(self, network: nn.Module, settings: LoopSettings, name: str) -> Loop:
        """The training loop of a network, which is moved to the device."""
        return Loop(network, settings, self.folder(name), name, self.device, divided=True)

    @cached_property
    def encoder(self) -> TextEncoder:
        """The text encoder, on the device."""
        return load_text_encoder(find_text_encoder(self.text_encoder), self.device)

    @cached_property
    def statistics(self) -> np.ndarray:
        """(2, 262) mean and standard deviation of the normalisation.

        They are computed once and saved in the folder, for the tokenizer and all networks that build on it.
        """
        path = self.out / _STATISTICS
        if processes.is_first() and not path.is_file():
            keep_statistics(statistics(self.material.windows()[0], np.random.default_rng(0)), path)
        processes.wait()
        try:
            values = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{path} is damaged ({error}); delete it, and train again in another --out folder."
            ) from error
        return np.asarray(values)

    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (262,) on the device."""
        mean, deviation = torch.from_numpy(self.statistics).to(self.device)
        return mean, deviation

    def use_statistics(self, values: np.ndarray) -> None:
        """Use the statistics of another model; call it before ``statistics`` is read."""
        if processes.is_first():
            keep_statistics(values, self.out / _STATISTICS)

    def save_network(self, name: str, network: nn.Module) -> None:
        """Save a trained network in full precision, for the trainings that build on it, once for all processes."""
        if processes.is_first():
            self._save_network(name, network)
        processes.wait()

    def _save_network(self, name: str, network: nn.Module) -> None:
        path = self.folder(name) / _AVERAGED
        with atomic_write(path) as temporary:
            try:
                torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, temporary)
            except RuntimeError as error:  # torch's form of an OSError
                raise UserError(f"Cannot write {path} ({error}); free some space or choose another place.") from error

    def load_network(self, name: str, network: Network) -> Network:
        """Load a trained network: on the device, in evaluation mode.

        Args:
            name: of the network.
            network: a network of its shape, which gets the weights.

        Raises:
            UserError: the network is not trained yet, or has another shape.
        """
        require_trained(self.out, name)
        path, command = self.folder(name) / _AVERAGED, _command(name)
        try:
            state = with_present_tensors(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises many kinds for a damaged file
            raise UserError(f"{path} is damaged; run '{command}' again.") from error
        check_fits(network.state_dict(), state, path, "the configuration", f"run '{command}' with it first")
        network.load_state_dict(state)
        return network.to(self.device).eval().requires_grad_(False)
