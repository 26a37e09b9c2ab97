"""Writes tensors to safetensors files, and checks that tensors fit a network exactly."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from .errors import UserError
from .files import atomic_write


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_write(path) as temporary:
        mode = temporary.stat().st_mode
        try:
            save_file(state, temporary, None if metadata is None else dict(metadata))
            temporary.chmod(mode)  # the library writes private files
        except SafetensorError as error:  # the library's form of an OSError
            raise UserError(f"Cannot write {path} ({error}); free some space or choose another place.") from error


def check_fits(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: str | os.PathLike[str], owner: str, remedy: str
) -> None:
    """Check that a state has exactly the names and shapes of a network's state.

    Args:
        expected: the network's state.
        found: the file's.
        path: the file.
        owner: what the file should fit, for the message.
        remedy: what to do about it, for the message.

    Raises:
        UserError: a tensor is missing, of another shape, unknown, or has values that are not finite.
    """
    for key in [*expected, *(key for key in found if key not in expected)]:
        expected_shape, found_shape = _shape(expected, key), _shape(found, key)
        if expected_shape != found_shape:
            message = f"{key} should be {expected_shape} and is {found_shape}"
            raise UserError(f"{path} does not fit {owner}: {message}; {remedy}.")
    if (damaged := not_finite(found)) is not None:
        raise UserError(f"{path} has values that are not numbers in {damaged}; {remedy}.")


def not_finite(tensors: Mapping[str, Tensor], names: Iterable[str] | None = None) -> str | None:
    """The name of the first tensor that has infinite values or NaN, if there is one."""
    for name in tensors if names is None else names:
        if tensors[name].is_floating_point() and not tensors[name].isfinite().all():
            return name
    return None


def _shape(state: Mapping[str, Tensor], key: str) -> tuple[int, ...] | str:
    return tuple(state[key].shape) if key in state else "absent"
