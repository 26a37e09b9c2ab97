"""Reads tensors from a TorchScript archive without running or compiling anything in it.

Such an archive (from ``torch.jit.save``) is a zip file: programs, one file of raw numbers for each storage, and
``data.pkl``, a pickle of the modules, their attributes and the tensors' positions in the storages. ``torch.jit.load``
would compile the programs and run code that restores the modules; ``torch.load(weights_only=True)`` refuses these
archives. This module therefore interprets the pickle's opcodes itself: it never looks up a name in it, and refuses
every opcode or call that a plain module does not need.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from ..errors import UserError

_KINDS = {
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch FloatStorage": torch.float32,
    "torch DoubleStorage": torch.float64,
    "torch LongStorage": torch.int64,
    "torch IntStorage": torch.int32,
    "torch BoolStorage": torch.bool,
}
_MARK = object()


class _RefusedError(Exception):
    """The file asks for something that no module needs."""


@dataclass(frozen=True)
class _TensorRecord:
    """The storage and layout of a tensor: the arguments with which it is rebuilt."""

    kind: str
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torchscript(path: Path, selects: Callable[[str], bool]) -> dict[str, Tensor]:
    """Read the tensors of a TorchScript module, by their names in its state.

    Args:
        path: an archive.
        selects: whether to read the tensor of a name; the others are skipped.

    Raises:
        UserError: the file is no archive, is truncated, or has more in it than a module.
    """
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            pickle_name = next((name for name in names if name.endswith("/data.pkl")), None)
            if pickle_name is None or not any(name.endswith("/constants.pkl") for name in names):
                raise UserError(f"{path} is no TorchScript archive; choose the file that OpenAI published.")
            folder = pickle_name.rpartition("/")[0]
            state = dict(_named(_read_pickle(archive.read(pickle_name))))
            return {name: _tensor(archive, folder, record) for name, record in state.items() if selects(name)}
    except _RefusedError as error:
        raise UserError(
            f"{path} holds more than tensors ({error}) and was not loaded, since it could run code; "
            "choose the file that OpenAI published."
        ) from error
    except (BadZipFile, OSError, EOFError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is cut short or no TorchScript archive; copy or download it again.") from error


def _tensor(archive: ZipFile, folder: str, record: _TensorRecord) -> Tensor:
    numbers = torch.frombuffer(bytearray(archive.read(f"{folder}/data/{record.storage}")), dtype=_KINDS[record.kind])
    return numbers.as_strided(record.shape, record.strides, record.offset).clone()


def _named(module: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, _TensorRecord]]:
    """The tensors of a module and of those in it, with their full names."""
    for name, value in module.items():
        if isinstance(value, _TensorRecord):
            yield f"{prefix}{name}", value
        elif isinstance(value, dict):
            yield from _named(value, f"{prefix}{name}.")


def _read_pickle(data: bytes) -> dict[Any, Any]:
    """Interpret the pickle: the top module as nested dictionaries of tensor records."""
    stack: list[Any] = []
    memory: dict[int, Any] = {}
    opcode: pickletools.OpcodeInfo
    argument: Any
    for opcode, argument, _ in pickletools.genops(data):
        match opcode.name:
            case "PROTO":
                pass
            case "GLOBAL" | "BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case "MARK":
                stack.append(_MARK)
            case "EMPTY_TUPLE":
                stack.append(())
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "TUPLE":
                stack.append(tuple(_since_mark(stack)))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "BINPUT" | "LONG_BINPUT":
                memory[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memory[argument])
            case "APPEND":
                value = stack.pop()
                stack[-1].append(value)
            case "APPENDS":
                values = _since_mark(stack)
                stack[-1].extend(values)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1][key] = value
            case "SETITEMS":
                values = _since_mark(stack)
                stack[-1].update(zip(values[::2], values[1::2], strict=True))
            case "BINPERSID":
                stack[-1] = tuple(stack[-1])
            case "NEWOBJ":
                del stack[-2:]
                stack.append({})  # a module: its attributes follow
            case "BUILD":
                attributes = stack.pop()
                stack[-1].update(attributes)
            case "REDUCE":
                arguments = stack.pop()
                stack[-1] = _call_result(stack[-1], arguments)
            case "STOP":
                return dict(stack.pop())
            case unknown:
                raise _RefusedError(f"the opcode {unknown}")
    raise EOFError("the list of attributes ends early")


def _since_mark(stack: list[Any]) -> list[Any]:
    start = len(stack) - 1
    while stack[start] is not _MARK:
        start -= 1
    values = stack[start + 1 :]
    del stack[start:]
    return values


def _call_result(maker: str, arguments: tuple[Any, ...]) -> Any:
    """The result of a call; a module needs only two kinds of calls."""
    if maker == "torch._utils _rebuild_tensor_v2":
        (_, kind, storage, *_), offset, shape, strides, *_ = arguments
        if any(not isinstance(number, int) or number < 0 for number in (offset, *shape, *strides)):
            raise ValueError(f"a tensor of shape {shape}")
        if prod(shape) > 1 << 31:
            raise ValueError(f"a tensor of shape {shape}")
        return _TensorRecord(kind, storage, offset, shape, strides)
    if maker == "collections OrderedDict":
        return {}
    raise _RefusedError(f"a call of {maker}")
