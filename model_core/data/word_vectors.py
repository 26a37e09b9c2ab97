"""Word vectors and classes of words for the evaluator of Inter-X, as HumanML3D's (Guo et al. 2022) uses them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..motion.arrays import load_npy
from ..motion.pickled_arrays import RefusedPickleError, as_array, unpickled_arrays

LONGEST = 35
"""Words of a caption, without start and end; longer ones are cut."""
START, END, UNKNOWN = "sos/OTHER", "eos/OTHER", "unk/OTHER"
_CLASSES = Path(__file__).resolve().parents[2] / "assets" / "evaluation" / "word_classes.json"


class WordVectors:
    """Vectors of words, and their classes: parts of speech, or one of five groups of words that matter for motion."""

    def __init__(self, folder: Path, prefix: str = "hhi_vab") -> None:
        """Read the vectors.

        Args:
            folder: holds ``<prefix>_data.npy`` and ``<prefix>_idx.pkl``; no code in the pickle is run.
            prefix: of the files' names.

        Raises:
            UserError: a file is missing or damaged.
        """
        self._vectors = load_npy(folder / f"{prefix}_data.npy")
        path = folder / f"{prefix}_idx.pkl"
        try:
            self._rows = {word: int(as_array(row)) for word, row in unpickled_arrays(path.read_bytes()).items()}
        except OSError as error:
            raise UserError(f"There is no {path.name} in {folder}; copy the data set's folder glove there.") from error
        except (ValueError, TypeError, RefusedPickleError) as error:
            raise UserError(f"{path} is damaged or no table of words; copy it again.") from error
        if "unk" not in self._rows or self._vectors.ndim != 2 or max(self._rows.values()) >= len(self._vectors):
            raise UserError(f"{path} and {prefix}_data.npy do not belong together; copy both again.")
        table = json.loads(_CLASSES.read_text(encoding="utf-8"))
        self._classes: list[str] = table["classes"]
        self._group = {word: name for name, words in table["groups"].items() for word in words}

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    def encode(self, tokens: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
        """Vectors and classes of a caption's tokens, with start and end.

        Returns:
            (L, width) vectors, (L, 15) with a 1 for each class, and the number of tokens that count; L is
            ``LONGEST`` + 2 for all captions.
        """
        tokens = [START, *tokens[:LONGEST], END]
        count = len(tokens)
        tokens += [UNKNOWN] * (LONGEST + 2 - count)
        found = [self._one(token) for token in tokens]
        return np.stack([vector for vector, _ in found]), np.stack([which for _, which in found]), count

    def _one(self, token: str) -> tuple[np.ndarray, np.ndarray]:
        word, slash, kind = token.partition("/")
        if not slash or "/" in kind or word not in self._rows:
            word, kind = "unk", "OTHER"
        else:
            kind = self._group.get(word, kind)
        which = np.zeros(len(self._classes), dtype=np.float32)
        which[self._classes.index(kind if kind in self._classes else "OTHER")] = 1
        return self._vectors[self._rows[word]].astype(np.float32), which
