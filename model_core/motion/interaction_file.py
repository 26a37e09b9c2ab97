"""Reads and writes a solved pair as one ``.npz`` file: poses, and the prompt, model and seed that generated them.

==============  ==================  ==================================================================
array           shape               what
==============  ==================  ==================================================================
joints          (2, T, J, 3)        positions in one world, metres, Y up
poses           (2, T, J, 3)        axis times angle, radians: the root's orientation, then local rotations
translation     (2, T, 3)           root joint in the world, metres
offsets         (2, J, 3)           each joint's place in its parent's frame in T-pose, metres
fps             ()                  frames per second
skeleton        ()                  ``smpl22`` or ``smplx55``
text, model     ()                  the prompt and the model's name, may be empty
seed            ()                  the seed, -1 if there is none
==============  ==================  ==================================================================

With J = 22, ``poses`` and ``translation`` are SMPL's body pose and (pelvis) translation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from .arrays import NpzArrays
from .posed import PosedSkeleton
from .rotations import axis_angle_from_quaternion, continuous_signs, quaternion_from_axis_angle
from .skeleton import SKELETONS
from .types import Interaction

_SHAPES = {"poses": 4, "translation": 3, "offsets": 3, "fps": 0, "skeleton": 0, "text": 0, "model": 0, "seed": 0}


@dataclass(frozen=True)
class SavedInteraction:
    """The content of an interaction file.

    Attributes:
        people: both people, posed.
        text: the prompt.
        model: name of the model.
        seed: the seed, None if there is none.
    """

    people: tuple[PosedSkeleton, PosedSkeleton]
    text: str
    model: str
    seed: int | None

    @property
    def interaction(self) -> Interaction:
        """This interaction as an ``Interaction``, with positions by forward kinematics."""
        first, second = (person.motion() for person in self.people)
        return Interaction((first, second), self.text, self.model, self.seed)


def save_npz(
    path: str | os.PathLike[str],
    people: tuple[PosedSkeleton, PosedSkeleton],
    text: str = "",
    model: str = "",
    seed: int | None = None,
) -> None:
    """Write a solved pair; the file appears whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    first, second = people
    if len(first) != len(second) or first.fps != second.fps or first.skeleton != second.skeleton:
        raise ValueError("the two people differ in length, rate or skeleton")
    arrays = {
        "joints": np.stack([person.joints() for person in people]).astype(np.float32),
        "poses": np.stack([axis_angle_from_quaternion(person.rotations) for person in people]).astype(np.float32),
        "translation": np.stack([person.translation for person in people]).astype(np.float32),
        "offsets": np.stack([person.offsets for person in people]).astype(np.float32),
        "fps": np.array(first.fps, dtype=np.float64),
        "skeleton": np.array(first.skeleton.name),
        "text": np.array(text),
        "model": np.array(model),
        "seed": np.array(-1 if seed is None else seed, dtype=np.int64),
    }
    # A file object, because numpy appends .npz to a path that lacks it.
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_npz(path: str | os.PathLike[str]) -> SavedInteraction:
    """Read a file of ``save_npz``.

    Raises:
        UserError: the file is missing, damaged, or another kind of file.
    """
    path = Path(path)
    stored = NpzArrays(path)
    arrays = {name: stored[name] for name in _SHAPES if name in stored}
    wrong = [name for name, rank in _SHAPES.items() if name not in arrays or arrays[name].ndim != rank]
    if wrong:
        raise UserError(
            f"{path.name} lacks {', '.join(wrong)} in the shape of an interaction; "
            "choose a file that this program wrote."
        )
    name = str(arrays["skeleton"])
    poses, translation, offsets = arrays["poses"], arrays["translation"], arrays["offsets"]
    frames = poses.shape[1]
    if (
        name not in SKELETONS
        or poses.shape != (2, frames, len(SKELETONS[name]), 3)
        or translation.shape != (2, frames, 3)
        or offsets.shape != (2, len(SKELETONS[name]), 3)
        or frames == 0
        or not all(np.isfinite(part).all() for part in (poses, translation, offsets, arrays["fps"]))
        or not arrays["fps"] > 0
    ):
        raise UserError(f"{path.name} holds poses that do not fit its skeleton {name!r}; write the file again.")
    people = tuple(
        PosedSkeleton(
            offsets[person],
            continuous_signs(quaternion_from_axis_angle(poses[person])),
            translation[person],
            float(arrays["fps"]),
            SKELETONS[name],
        )
        for person in (0, 1)
    )
    seed = int(arrays["seed"])
    return SavedInteraction(
        (people[0], people[1]), str(arrays["text"]), str(arrays["model"]), None if seed < 0 else seed
    )
