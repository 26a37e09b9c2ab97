"""Reads arrays from a pickle without running any code in it: every class and function becomes an inert placeholder.

Only names of numpy's arrays, scipy's sparse matrices and chumpy's arrays are allowed, and not even those are imported:
the placeholders store their arguments and state in the pickle, from which the numbers are read.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from typing import Any

import numpy as np

_ALLOWED = re.compile(
    r"numpy(\._?core)?\.multiarray (_reconstruct|scalar)|numpy\._?core\.numeric _frombuffer|numpy (ndarray|dtype)"
    r"|scipy\.sparse\.\S+ \w+_(matrix|array)|chumpy\.\S+ \w+|_codecs encode"
    r"|(copyreg|copy_reg) _reconstructor|(builtins|__builtin__) (object|set|bytes)"
)
_MAX_BYTES = 4 * 1024**3


class RefusedPickleError(Exception):
    """The pickle names something that is not allowed; the message is that name."""


class _Placeholder:
    """Stands for any class or function that a pickle names: it stores its arguments and does nothing."""

    name = ""

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> _Placeholder:
        # Some pickles create objects without initialising them.
        placeholder = super().__new__(cls)
        placeholder.arguments, placeholder.state = arguments, None
        return placeholder

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Placeholder]:
        """A placeholder of that name."""
        if not _ALLOWED.fullmatch(f"{module} {name}"):
            raise RefusedPickleError(f"{module}.{name}")
        return type("_Placeholder", (_Placeholder,), {"name": f"{module}.{name}"})


def unpickled_arrays(data: bytes) -> dict[str, Any]:
    """The entries of a pickled dictionary; arrays are placeholders, which ``as_array`` reads.

    Args:
        data: the pickle, of Python 2 or 3.

    Raises:
        RefusedPickleError: the pickle names something other than arrays.
        ValueError: it is damaged or no dictionary.
    """
    try:
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except RefusedPickleError:
        raise
    except Exception as error:  # a damaged pickle can raise anything, MemoryError included
        raise ValueError("damaged") from error
    if not isinstance(content, dict):
        raise ValueError("not a dictionary")
    return {name.decode("latin1") if isinstance(name, bytes) else str(name): value for name, value in content.items()}


def as_array(value: Any) -> np.ndarray:
    """The numbers of an entry.

    Raises:
        ValueError: it is no array of numbers, or damaged.
    """
    try:
        return _numbers(value, 8)
    except (TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise ValueError("no array") from error


def _numbers(value: Any, depth: int) -> np.ndarray:
    if depth == 0:
        raise ValueError("nested too deeply")
    if not isinstance(value, _Placeholder):
        result = np.asarray(value)
        if result.dtype.kind not in "biuf":
            raise ValueError("not numbers")
        return result
    kind, arguments = value.name, value.arguments
    if kind == "copyreg._reconstructor" or kind == "copy_reg._reconstructor":
        # Pickle's first protocols create objects in this way; the first argument is the class.
        kind, arguments = arguments[0].name, ()
    if kind.endswith("._reconstruct"):
        _, shape, dtype, in_columns, raw = value.state
        return _filled(_bytes(raw), dtype, shape, "F" if in_columns else "C")
    if kind.endswith("._frombuffer"):
        raw, dtype, shape, order = arguments
        return _filled(_bytes(raw), dtype, shape, order)
    if kind.endswith(".scalar"):
        return _filled(_bytes(arguments[1]), arguments[0], (), "C")
    if kind.startswith("scipy.sparse."):
        return _dense(kind.rsplit(".", 1)[-1], value.state, depth - 1)
    if kind.startswith("chumpy."):
        return _of_chumpy(value.state, depth - 1)
    raise ValueError("no array")


def _bytes(raw: Any) -> bytes:
    """The bytes of an entry, which Python 2 stores as text and old protocols as encoded text."""
    if isinstance(raw, _Placeholder) and raw.name == "_codecs.encode":
        raw = raw.arguments[0]
    if isinstance(raw, _Placeholder) and raw.name.endswith(".bytes") and not raw.arguments:
        raw = b""
    return raw.encode("latin1") if isinstance(raw, str) else bytes(raw)


def _filled(raw: bytes, dtype: _Placeholder, shape: tuple[int, ...], order: str) -> np.ndarray:
    kind = str(dtype.arguments[0])
    if not re.fullmatch(r"[biuf][1248]", kind):
        raise ValueError("not numbers")
    order_of_bytes = ">" if dtype.state and dtype.state[1] == ">" else "<"
    return np.frombuffer(raw, order_of_bytes + kind).reshape(shape, order="F" if order == "F" else "C")


def _dense(kind: str, state: dict[str, Any], depth: int) -> np.ndarray:
    """A sparse matrix as a dense array."""
    shape = tuple(int(size) for size in state["_shape" if "_shape" in state else "shape"])
    if len(shape) != 2 or math.prod(shape) * 8 > _MAX_BYTES:
        raise ValueError("too large")
    values = _numbers(state["data"], depth)
    if kind.startswith("coo"):
        rows, columns = (_numbers(part, depth) for part in state.get("coords") or (state["row"], state["col"]))
    elif kind.startswith(("csc", "csr")):
        inner, starts = _numbers(state["indices"], depth), _numbers(state["indptr"], depth)
        outer = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        rows, columns = (inner, outer) if kind.startswith("csc") else (outer, inner)
    else:
        raise ValueError("another sparse layout")
    result = np.zeros(shape)
    np.add.at(result, (rows, columns), values)
    return result


def _of_chumpy(state: dict[str, Any], depth: int) -> np.ndarray:
    """The numbers of a chumpy array, which may select or reshape those of another."""
    if "x" in state:
        return _numbers(state["x"], depth)
    source = _numbers(state["a"], depth)
    if "idxs" in state:
        picked = source.ravel()[_numbers(state["idxs"], depth).astype(np.int64)]
        return picked.reshape(state["preferred_shape"]) if "preferred_shape" in state else picked
    return source.reshape(state["newshape"])
