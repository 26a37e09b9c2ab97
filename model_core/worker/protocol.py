"""Messages between the worker and its client: the length of a JSON header, the header, then raw arrays.

On the wire: four bytes, the header's length (unsigned, little-endian); the header in UTF-8; then the bytes of each
array in the header's order (C order, little-endian). Pickle is not used, so reading a message runs no code.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

PROTOCOL = 2
"""Version of the messages (``docs/worker.md``). Worker and client refuse each other where their versions differ."""

_LENGTH = struct.Struct("<I")
_MAX_HEADER_BYTES = 1 << 24
_MAX_ARRAY_BYTES = 1 << 31
_DTYPES = frozenset(("float32", "float64", "int32", "int64", "uint8"))


class ProtocolError(Exception):
    """The bytes are not a message: something else was written to the pipe."""


@dataclass
class Message:
    """One message.

    Attributes:
        type: such as ``"generate"`` or ``"progress"``.
        values: the fields of the header, of any type that JSON has.
        arrays: named numpy arrays of float32, float64, int32, int64 or uint8.
    """

    type: str
    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The bytes of the message."""
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        listed = [{"name": n, "kind": a.dtype.name, "shape": list(a.shape)} for n, a in arrays.items()]
        for entry in listed:
            if entry["kind"] not in _DTYPES:
                raise ValueError(f"array {entry['name']} has the type {entry['kind']}")
        header = json.dumps({"type": self.type, "values": self.values, "arrays": listed}).encode()
        bodies = (a.astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays.values())
        return b"".join((_LENGTH.pack(len(header)), header, *bodies))


class Decoder:
    """Decodes messages from bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: dict[str, Any] | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes; returns the messages that are complete now.

        Raises:
            ProtocolError: the bytes are not a message.
        """
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        if self._header is None:
            if len(self._buffer) < _LENGTH.size:
                return None
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > _MAX_HEADER_BYTES:
                raise ProtocolError(f"a header of {length} bytes")
            if len(self._buffer) < _LENGTH.size + length:
                return None
            self._header = _parse_header(bytes(self._buffer[_LENGTH.size : _LENGTH.size + length]))
            del self._buffer[: _LENGTH.size + length]
        entries = self._header["arrays"]
        sizes = [prod(entry["shape"]) * np.dtype(entry["kind"]).itemsize for entry in entries]
        if len(self._buffer) < sum(sizes):
            return None
        arrays, start = {}, 0
        for entry, size in zip(entries, sizes, strict=True):
            dtype = np.dtype(entry["kind"]).newbyteorder("<")
            flat = np.frombuffer(bytes(self._buffer[start : start + size]), dtype)
            arrays[entry["name"]] = flat.astype(entry["kind"]).reshape(entry["shape"])
            start += size
        del self._buffer[:start]
        header, self._header = self._header, None
        return Message(header["type"], header["values"], arrays)


def _parse_header(data: bytes) -> dict[str, Any]:
    """Parse and check a header.

    Raises:
        ProtocolError: the data is not a header.
    """
    try:
        header = json.loads(data)
        if not isinstance(header["type"], str) or not isinstance(header["values"], dict):
            raise TypeError("fields of the wrong type")
        total = 0
        for entry in header["arrays"]:
            sides = entry["shape"]
            if entry["kind"] not in _DTYPES or any(not isinstance(n, int) or n < 0 for n in sides):
                raise TypeError(f"array {entry['name']}")
            total += prod(sides) * np.dtype(entry["kind"]).itemsize
        if total > _MAX_ARRAY_BYTES:
            raise ValueError(f"arrays of {total} bytes")
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"not a header: {error}") from error
    return header
