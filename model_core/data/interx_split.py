"""A split of Inter-X as InterMask's published evaluation draws from it (Javed et al. 2025).

The folder holds ``motions`` (SPLIT.h5: for each clip (T, 56, 6), 55 rows of axis times angle and one of places, three
numbers for each person), ``splits`` (lists of names), ``texts_processed`` (NAME.txt, ``caption#tokens#from#to`` a line)
and ``glove`` (``hhi_vab_data.npy`` and ``hhi_vab_idx.pkl``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..motion.interx import JOINTS, SHAPE, interx_rotations
from ..motion.rotations import matrix_from_axis_angle
from .published_split import DrawnPair, left_out, read_lines

SHORTEST, TOO_LONG = 24, 1000
"""Clips with fewer frames than the first, or at least the second, are left out."""
LONGEST = 150
"""Frames to which longer clips are cut, and to which features are padded."""
UNIT = 4
"""Frames of a token; lengths are multiples of it."""
_LAYOUT = "choose the folder of Inter-X's processed data that holds motions, splits, texts_processed and glove"


class InterXSplit:
    """The clips of a split; see ``PublishedSplit``."""

    def __init__(self, folder: Path, split: str = "test") -> None:
        """Find the clips and check their captions.

        Args:
            folder: of the data set.
            split: name of the list and of the file of motions: ``train``, ``val`` or ``test``.

        Raises:
            UserError: h5py is not installed, or a list, the captions or the motions are missing or damaged.
        """
        listed = [name for line in read_lines(folder / "splits" / f"{split}.txt", _LAYOUT) if (name := line.strip())]
        self._path = folder / "motions" / f"{split}.h5"
        self._motions: Any = _open_h5(self._path)
        self._captions: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        no_motion, no_caption, length = [], [], []
        for name in dict.fromkeys(listed):
            if name not in self._motions:
                no_motion.append(name)
                continue
            shape = self._motions[name].shape
            if len(shape) != 3 or shape[1:] != SHAPE:
                raise UserError(f"{name} in {self._path} has the shape {shape}, not (frames, 56, 6); {_LAYOUT}.")
            path = folder / "texts_processed" / f"{name}.txt"
            if not SHORTEST <= shape[0] < TOO_LONG:
                length.append(name)
            elif not path.is_file() or not (captions := _read_captions(path)):
                no_caption.append(name)
            else:
                self._captions[name] = captions
        if not self._captions:
            what = "motion" if len(no_motion) == len(listed) else "captions"
            raise UserError(f"None of the clips of {split}.txt has {what} in {folder}; {_LAYOUT}.")
        self.names: Sequence[str] = tuple(self._captions)
        self.notes: Sequence[str] = (
            *left_out(no_motion, len(listed), "their motion is missing"),
            *left_out(no_caption, len(listed), "they have no captions"),
            *left_out(length, len(listed), f"they have under {SHORTEST} or at least {TOO_LONG} frames"),
        )

    def draw(self, index: int, random: np.random.Generator) -> DrawnPair:
        """A clip with one of its captions.

        Its length is the largest multiple of ``UNIT``, or with probability one third the one before; of that length it
        starts at a random frame, and is then cut to ``LONGEST`` frames.

        Args:
            index: of the clip in ``names``.
            random: of the caption, the length and the start.
        """
        name = self.names[index]
        caption, tokens = self._captions[name][random.integers(len(self._captions[name]))]
        raw = np.asarray(self._motions[name], dtype=np.float32)
        if not np.isfinite(raw).all():
            raise UserError(f"{name} in {self._path} has values that are not numbers; copy the file again.")
        length = (len(raw) // UNIT - int(random.integers(3) == 2)) * UNIT
        start = random.integers(len(raw) - length + 1)
        features = features_from_raw(raw[start : start + length])
        return DrawnPair(caption, features[:, :LONGEST], tokens)


def features_from_raw(raw: np.ndarray) -> np.ndarray:
    """Features (2, T, 56, 6), float32, of both people from raw values (T, 56, 6).

    The velocity of the last frame is zero.
    """
    people = raw.reshape(len(raw), SHAPE[0], 2, 3).transpose(2, 0, 1, 3)  # (2, T, 56, 3)
    features = np.empty((2, len(raw), *SHAPE), dtype=np.float32)
    features[:, :, :JOINTS] = interx_rotations(matrix_from_axis_angle(people[:, :, :JOINTS].astype(np.float64)))
    places = people[:, :, JOINTS]
    features[:, :, JOINTS, :3] = places
    features[:, :, JOINTS, 3:] = np.diff(places, axis=1, append=places[:, -1:])
    return features


def _open_h5(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UserError(
            "Inter-X's motions need h5py; install it with pip install 'intermask-blender[published]'."
        ) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"There is no readable {path.name} in {path.parent}; {_LAYOUT}.") from error


def _read_captions(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Captions with their tokens."""
    captions = []
    for line in read_lines(path, "copy it again"):
        if not line.strip():
            continue
        parts = line.strip().split("#")
        if len(parts) != 4 or any(part.strip() not in ("0.0", "0", "nan") for part in parts[2:]):
            raise UserError(f"{path} has the line {line.strip()!r} instead of caption#tokens#0.0#0.0; copy it again.")
        captions.append((parts[0], tuple(parts[1].split(" "))))
    return captions
