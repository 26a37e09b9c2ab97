"""Reads arrays of numbers and texts from untrusted ``.npy`` and ``.npz`` files, without running any code in them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError

DAMAGE = (
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions of numpy and zipfile for damaged files."""


class NpzArrays(Mapping[str, np.ndarray]):
    """The arrays of an ``.npz`` file by name, each read on access.

    Files may contain more than is needed, such as Python objects: those are listed, and refused only on access.
    """

    def __init__(self, path: Path) -> None:
        """Read the list of names.

        Raises:
            UserError: the file is missing, damaged or of another kind.
        """
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._names = [name[: -len(".npy")] for name in archive.namelist() if name.endswith(".npy")]
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror or 'it is damaged'}; check the path.") from error
        except DAMAGE as error:
            raise UserError(f"{path.name} is not a whole .npz file; write or copy it again.") from error

    def __getitem__(self, name: str) -> np.ndarray:
        """The array of that name.

        Raises:
            KeyError: there is none.
            UserError: it is damaged or holds Python objects.
        """
        if name not in self._names:
            raise KeyError(name)
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                return np.asarray(stored[name])
        except OSError as error:
            raise UserError(f"Cannot read {self.path}: {error.strerror or 'it is damaged'}; check the path.") from error
        except DAMAGE as error:
            if "allow_pickle" in str(error):
                raise _objects(f"{self.path.name} ({name})") from error
            raise UserError(f"{self.path.name} is not a whole .npz file; write or copy it again.") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def first_of(self, *names: str) -> np.ndarray | None:
        """The array of the first name that the file has, None if it has none of them."""
        return next((self[name] for name in names if name in self._names), None)


def load_npy(path: Path) -> np.ndarray:
    """The array of an ``.npy`` file.

    Raises:
        UserError: the file is missing, damaged, of another kind, or holds Python objects.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or 'it is cut short'}; check the path.") from error
    except DAMAGE as error:
        if "allow_pickle" in str(error) and path.read_bytes()[:6] == b"\x93NUMPY":
            raise _objects(path.name) from error
        raise UserError(f"{path.name} is not a whole .npy file of numbers; write or copy it again.") from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise UserError(f"{path.name} is an .npz file with the suffix of an .npy file; rename it.")
    return values


def _objects(what: str) -> UserError:
    return UserError(
        f"{what} holds Python objects, which are not opened because they can run code; save it as plain numbers."
    )
