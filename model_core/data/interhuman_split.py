"""A split of InterHuman as InterMask's published evaluation draws from it (Javed et al. 2025).

The folder holds ``motions_processed/person1`` and ``person2`` (NAME.npy), ``annots`` (NAME.txt, a caption a line) and
``split`` (lists of names).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..motion.arrays import load_npy
from ..motion.interhuman import WIDTH, features_from_interhuman
from .published_split import DrawnPair, left_out, read_lines

SHORTEST = 15
"""Raw frames of the shortest clip; shorter ones are left out."""
LONGEST = 300
"""Raw frames of a crop of longer clips, and frames to which features are padded."""
_LAYOUT = "choose the folder of InterHuman that holds annots, motions_processed and split"


class InterHumanSplit:
    """The clips of a split; see ``PublishedSplit``."""

    def __init__(self, folder: Path, split: str = "test") -> None:
        """Find the clips and check their files.

        Args:
            folder: of the data set.
            split: name of the list: ``train``, ``val`` or ``test``.

        Raises:
            UserError: a list, the captions or the motions are missing or damaged.
        """
        self._folder = folder
        lines = read_lines(folder / "split" / f"{split}.txt", _LAYOUT)
        # The published code compares names together with their line break: a last line without one is no name.
        listed = [line.removesuffix("\n") for line in lines if line.endswith("\n")]
        notes = []
        if lines and not lines[-1].endswith("\n"):
            notes.append(
                f"{lines[-1].strip()}, the last line of {split}.txt, has no line break and is left out, as published."
            )
        ignored, note = self._ignored()
        notes += note
        listed = [name for name in dict.fromkeys(listed) if name.strip() and name not in ignored]
        if not listed:
            raise UserError(f"{folder / 'split' / f'{split}.txt'} names no clips; copy the published list.")
        self._captions: dict[str, list[str]] = {}
        missing: dict[str, list[str]] = {"their motion is missing": [], "they have no captions": [],
                                         f"they are shorter than {SHORTEST} frames": []}  # fmt: skip
        no_motion, no_caption, short = missing.values()
        for name in listed:
            first, second = self._paths(name)
            if not first.is_file():
                no_motion.append(name)
            elif not (captions := self._read_captions(name)):
                no_caption.append(name)
            elif self._length(first, second) < SHORTEST:
                short.append(name)
            else:
                self._captions[name] = captions
        if len(no_motion) == len(listed):
            raise UserError(f"None of the clips of {split}.txt is in {self._paths('')[0].parent}; {_LAYOUT}.")
        if not self._captions:
            raise UserError(
                f"None of the clips of {split}.txt has captions in {folder / 'annots'}; copy that folder too."
            )
        self.names: Sequence[str] = tuple(self._captions)
        self.notes: Sequence[str] = (*notes, *(text for what, names in missing.items()
                                               for text in left_out(names, len(listed), what)))  # fmt: skip

    def _ignored(self) -> tuple[set[str], list[str]]:
        """Names to leave out, and notes: the evaluation reads the list beside ``split``, the data set has it inside."""
        here, inside = self._folder / "ignore_list.txt", self._folder / "split" / "ignore_list.txt"
        if here.is_file():
            lines = read_lines(here, "copy it again")
            return {line.removesuffix("\n") for line in lines if line.endswith("\n")}, []
        if inside.is_file():
            note = f"{inside} is not applied, as published: the evaluation reads {here}; copy it there to apply it."
            return set(), [note]
        return set(), []

    def _paths(self, name: str) -> tuple[Path, Path]:
        folder = self._folder / "motions_processed"
        return folder / "person1" / f"{name}.npy", folder / "person2" / f"{name}.npy"

    def _read_captions(self, name: str) -> list[str]:
        path = self._folder / "annots" / f"{name}.txt"
        if not path.is_file():
            return []
        return [text for line in read_lines(path, "copy it again") if (text := line.strip())]

    def _length(self, first: Path, second: Path) -> int:
        """Raw frames of a clip, after a look at both files."""
        arrays = [load_npy(path) for path in (first, second)]
        for path, values in zip((first, second), arrays, strict=True):
            if values.ndim != 2 or values.shape[1] != WIDTH or values.dtype.kind != "f":
                raise UserError(f"{path} has the shape {values.shape} instead of (frames, {WIDTH}); copy it again.")
            if not np.isfinite(values).all():
                raise UserError(f"{path} has values that are not numbers; copy it again.")
        if len(arrays[0]) != len(arrays[1]):
            raise UserError(f"{first} has {len(arrays[0])} frames and {second} {len(arrays[1])}; copy both again.")
        return len(arrays[0])

    def draw(self, index: int, random: np.random.Generator) -> DrawnPair:
        """A clip with one of its captions.

        Longer clips are cropped to ``LONGEST`` raw frames at a random place. With probability one half the people are
        exchanged before the pair is brought into the frame of its first person, and with one half once more after.

        Args:
            index: of the clip in ``names``.
            random: of the caption, the crop and the exchanges.
        """
        name = self.names[index]
        captions = self._captions[name]
        caption = captions[random.integers(len(captions))]
        people = [load_npy(path).astype(np.float32) for path in self._paths(name)]
        if (length := len(people[0])) > LONGEST:
            start = random.integers(length - LONGEST)
            people = [person[start : start + LONGEST] for person in people]
        if random.random() > 0.5:
            people.reverse()
        features = features_from_interhuman(*people)
        return DrawnPair(caption, features[::-1].copy() if random.random() > 0.5 else features)
