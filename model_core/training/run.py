"""What the trainings that share an ``--out`` folder have in common."""

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
from .crops import statistics
from .loop import Loop, LoopSettings
from .material import Material, keep_statistics

Network = TypeVar("Network", bound=nn.Module)

_STATISTICS, _AVERAGED = "statistics.npy", "averaged.pt"


def has(out: Path, part: str) -> bool:
    """Whether a network was trained in the folder ``--out``."""
    return (out / part / _AVERAGED).is_file()


def require(out: Path, part: str) -> None:
    """Refuse to continue without a trained network.

    Raises:
        UserError: it was not trained in this folder.
    """
    if not has(out, part):
        raise UserError(f"There is no trained {part.replace('_', ' ')} in {out}; run '{_command(part)}' with it first.")


def _command(part: str) -> str:
    return f"train {part.replace('_', '-')}"


@dataclass(frozen=True)
class TrainingRun:
    """The data, the folder and the device of a training.

    Attributes:
        material: clips to learn from, and held-out ones.
        out: a folder in which each training has a folder of its own.
        text_encoder: name of the text encoder.
        device: where networks and batches live.
    """

    material: Material
    out: Path
    text_encoder: str
    device: torch.device = torch.device("cpu")

    def folder(self, part: str) -> Path:
        """The folder of a network's training."""
        return self.out / part

    def loop(self, network: nn.Module, settings: LoopSettings, part: str) -> Loop:
        """The loop that trains a network, with the network moved to the device."""
        return Loop(network, settings, self.folder(part), part, self.device)

    @cached_property
    def encoder(self) -> TextEncoder:
        """The text encoder, on the device."""
        return load_text_encoder(find_text_encoder(self.text_encoder), self.device)

    @cached_property
    def statistics(self) -> np.ndarray:
        """(2, 262) mean and standard deviation of the normalisation.

        They are computed once and kept in the folder, for the tokenizer and everything that builds on it.
        """
        path = self.out / _STATISTICS
        if not path.is_file():
            keep_statistics(statistics(self.material.windows()[0], np.random.default_rng(0)), path)
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
        """Take the statistics of another model; before ``statistics`` is read."""
        keep_statistics(values, self.out / _STATISTICS)

    def keep(self, part: str, network: nn.Module) -> None:
        """Write a trained network in full precision, for the trainings that build on it."""
        path = self.folder(part) / _AVERAGED
        with atomic_write(path) as temporary:
            try:
                torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, temporary)
            except RuntimeError as error:  # torch's form of an OSError
                raise UserError(f"Cannot write {path} ({error}); free some space or choose another place.") from error

    def trained(self, part: str, network: Network) -> Network:
        """A trained network, on the device, in evaluation mode.

        Args:
            part: which.
            network: one of its shape.

        Raises:
            UserError: it was not trained yet, or has another shape.
        """
        require(self.out, part)
        path, command = self.folder(part) / _AVERAGED, _command(part)
        try:
            state = with_present_tensors(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises many kinds for a damaged file
            raise UserError(f"{path} is damaged; run '{command}' again.") from error
        check_fits(network.state_dict(), state, path, "the configuration", f"run '{command}' with it first")
        network.load_state_dict(state)
        return network.to(self.device).eval().requires_grad_(False)
