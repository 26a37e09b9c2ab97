"""Reads raw InterHuman files: one ``.npy`` per person, (frames, 492), 30 frames per second, Z up, metres.

A frame is 62 joint positions (the first 22 are SMPL's, the others hands and face), then 51 local rotations of six
numbers each (the first 21 are SMPL's joints 1 to 21). The root has no orientation. (Liang et al. 2024, InterGen)
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import UserError
from .arrays import load_npy
from .canonical import canonical_pair
from .representation import ROTATIONS, features_from_motion
from .rotations import matrix_from_sixd
from .skeleton import SMPL
from .types import FPS, Interaction, Motion

WIDTH = 492
_ROTATIONS = slice(62 * 3, 62 * 3 + (len(SMPL) - 1) * 6)

Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Rotation from the files' axes to Y up: (x, y, z) to (x, z, -y)."""


def motion_from_interhuman(values: np.ndarray) -> Motion:
    """Convert raw values (T, 492), Z up, to a motion, Y up, in the file's world."""
    frames, joints = len(values), len(SMPL)
    positions = values[:, : joints * 3].reshape(frames, joints, 3) @ Y_UP_FROM_Z_UP.T
    sixd = values[:, _ROTATIONS].reshape(frames, joints - 1, 6)
    return Motion(positions.astype(values.dtype), matrix_from_sixd(sixd), fps=FPS)


def features_from_interhuman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Convert raw values of both people, each (T, 492), to features (2, T - 1, 262), float32, of a canonical pair.

    The six numbers of a rotation are copied from the files: the statistics of the data set were computed from those.
    """
    pair, _ = canonical_pair(Interaction((motion_from_interhuman(first), motion_from_interhuman(second))))
    features = np.stack([features_from_motion(person) for person in pair.people])
    features[..., ROTATIONS] = np.stack((first, second))[:, :-1, _ROTATIONS]
    return features


def read_interhuman(path: str | os.PathLike[str]) -> Motion:
    """Read one person's raw file.

    Raises:
        UserError: the file is missing, cut short, or not of InterHuman's shape.
    """
    path = Path(path)
    values = load_npy(path)
    if values.ndim != 2 or values.shape[1] != WIDTH or len(values) == 0 or values.dtype.kind not in "iuf":
        raise UserError(
            f"{path.name} has the shape {values.shape} instead of (frames, {WIDTH}); "
            "choose a raw InterHuman motion file."
        )
    return motion_from_interhuman(values.astype(np.float32))


def read_interhuman_pair(first: str | os.PathLike[str], second: str | os.PathLike[str], text: str = "") -> Interaction:
    """Read the files of both people of one take.

    Raises:
        UserError: a file cannot be read, or the two are of different length.
    """
    people = (read_interhuman(first), read_interhuman(second))
    if len(people[0]) != len(people[1]):
        raise UserError(
            f"{Path(first).name} has {len(people[0])} frames and {Path(second).name} {len(people[1])}; "
            "choose the two files of one take."
        )
    return Interaction(people, text)
