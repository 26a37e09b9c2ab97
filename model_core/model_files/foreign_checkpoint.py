"""Reads the tensors of a ``torch.save`` file beside which other programs stored objects of their own.

Training programs keep their settings and callbacks in the same file as the weights. ``torch.load(weights_only=True)``
refuses such a file as a whole. Here every class and function but those that rebuild tensors becomes an inert
placeholder, which does nothing: no code of the file runs.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError

_REBUILDS_TENSORS = {
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("collections", "OrderedDict"),
}


class _Placeholder:
    """Stands for any class, function or object that a file names."""

    def __new__(cls, *arguments: Any, **named: Any) -> _Placeholder:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **named: Any) -> _Placeholder:
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """Take an item, as a list does."""

    def extend(self, items: Any) -> None:
        """Take items, as a list does."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for."""
        return super().find_class(module, name) if (module, name) in _REBUILDS_TENSORS else _Placeholder


def _load(file: Any, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


_READER = SimpleNamespace(__name__="inert", Unpickler=_Unpickler, load=_load)


def read_foreign_tensors(path: Path, key: str) -> dict[str, Tensor]:
    """The tensors in the dictionary ``key`` of a checkpoint; other entries of it are left out.

    Raises:
        UserError: the file is missing, damaged, or has no such dictionary.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}; choose another file or copy it there.")
    reader: Any = _READER
    try:
        content = torch.load(path, map_location="cpu", pickle_module=reader, weights_only=False)
    except Exception as error:  # a damaged file can raise anything
        raise UserError(f"{path} is cut short or no checkpoint; copy or download it again.") from error
    state = content.get(key) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise UserError(f"{path} has no entry '{key}' with weights; choose the published file.")
    return {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
