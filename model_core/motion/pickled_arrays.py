"""Arrays out of a pickle without running anything of it: every class and function that it names becomes an inert shell.

Only names of numpy's arrays, scipy's sparse matrices and chumpy's arrays are admitted, and not even those are imported:
the shells keep what the pickle says of them, and the numbers are read from that.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from typing import Any

import numpy as np

_ADMITTED = re.compile(
    r"numpy(\._?core)?\.multiarray (_reconstruct|scalar)|numpy\._?core\.numeric _frombuffer|numpy (ndarray|dtype)"
    r"|scipy\.sparse\.\S+ \w+_(matrix|array)|chumpy\.\S+ \w+|_codecs encode"
    r"|(copyreg|copy_reg) _reconstructor|(builtins|__builtin__) (object|set|bytes)"
)
_MOST_BYTES = 4 * 1024**3


class RefusedPickleError(Exception):
    """The pickle names something that is not admitted; the message is that name."""


class _Shell:
    """What stands for anything that a pickle names: it keeps what it is given and does nothing."""

    name = ""

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> _Shell:
        # Some pickles make objects without initialising them.
        shell = super().__new__(cls)
        shell.arguments, shell.state = arguments, None
        return shell

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Shell]:
        """A shell of that name."""
        if not _ADMITTED.fullmatch(f"{module} {name}"):
            raise RefusedPickleError(f"{module}.{name}")
        return type("_Shell", (_Shell,), {"name": f"{module}.{name}"})


def unpickled_arrays(data: bytes) -> dict[str, Any]:
    """The entries of a pickled dictionary, shells where they are arrays; ``as_array`` reads those.

    Args:
        data: the pickle, of Python 2 or 3.

    Raises:
        RefusedPickleError: it names something else than arrays.
        ValueError: it is damaged or no dictionary.
    """
    try:
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except RefusedPickleError:
        raise
    except Exception as error:  # whatever a damaged pickle can bring about, MemoryError included
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
    if not isinstance(value, _Shell):
        result = np.asarray(value)
        if result.dtype.kind not in "biuf":
            raise ValueError("not numbers")
        return result
    kind, arguments = value.name, value.arguments
    if kind == "copyreg._reconstructor" or kind == "copy_reg._reconstructor":
        # The way of pickle's first protocols to make an object: its class is what was given.
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
    """Bytes, which Python 2 has as text and old protocols as encoded text."""
    if isinstance(raw, _Shell) and raw.name == "_codecs.encode":
        raw = raw.arguments[0]
    if isinstance(raw, _Shell) and raw.name.endswith(".bytes") and not raw.arguments:
        raw = b""
    return raw.encode("latin1") if isinstance(raw, str) else bytes(raw)


def _filled(raw: bytes, dtype: _Shell, shape: tuple[int, ...], order: str) -> np.ndarray:
    kind = str(dtype.arguments[0])
    if not re.fullmatch(r"[biuf][1248]", kind):
        raise ValueError("not numbers")
    order_of_bytes = ">" if dtype.state and dtype.state[1] == ">" else "<"
    return np.frombuffer(raw, order_of_bytes + kind).reshape(shape, order="F" if order == "F" else "C")


def _dense(kind: str, state: dict[str, Any], depth: int) -> np.ndarray:
    """A sparse matrix with all its zeros."""
    shape = tuple(int(size) for size in state["_shape" if "_shape" in state else "shape"])
    if len(shape) != 2 or math.prod(shape) * 8 > _MOST_BYTES:
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
    """A chumpy array, or one that picks or reshapes the numbers of another."""
    if "x" in state:
        return _numbers(state["x"], depth)
    source = _numbers(state["a"], depth)
    if "idxs" in state:
        picked = source.ravel()[_numbers(state["idxs"], depth).astype(np.int64)]
        return picked.reshape(state["preferred_shape"]) if "preferred_shape" in state else picked
    return source.reshape(state["newshape"])
