"""Reads a leader's motion from a file: BVH, interaction file, AMASS, SMPL-X, InterHuman or HumanML3D."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ..errors import UserError
from ..motion.array_motions import ReadMotion, is_smpl, motion_from_positions, motion_from_smpl, resampled
from ..motion.arrays import NpzArrays, load_npy
from ..motion.bvh import read_bvh
from ..motion.capture import motion_and_notes
from ..motion.interaction_file import load_npz
from ..motion.types import FPS, Motion
from .settings import RAW_FIT
from .solver import solve

SUFFIXES = (".bvh", ".npz", ".npy")


def read_leader(path: str | os.PathLike[str]) -> ReadMotion:
    """Read the motion of one person; of a file with two people, the first.

    Args:
        path: ``.bvh``, ``.npz`` or ``.npy``; see ``motion.array_motions``.

    Returns:
        The motion with rotations and root orientation, metres, Y up, 30 frames per second, and what was assumed.

    Raises:
        UserError: the file cannot be read or holds no person's motion. Python objects in it are never opened.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return ReadMotion(*motion_and_notes(read_bvh(path)))
    if suffix == ".npy":
        read = motion_from_positions(load_npy(path), path.name)
    elif suffix == ".npz":
        arrays = NpzArrays(path)
        if "skeleton" not in arrays and not is_smpl(arrays):
            raise UserError(
                f"{path.name} holds no person's motion; choose an .npz file of AMASS, of SMPL-X, or saved by InterMask."
            )
        if "skeleton" in arrays:
            return ReadMotion(load_npz(path).people[0].resampled(FPS).motion(), "")
        read = motion_from_smpl(arrays)
    else:
        raise UserError(
            f"{path.name} is no file of motion; choose a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file."
        )
    return replace(read, motion=resampled(_oriented(read.motion), FPS))


def _oriented(motion: Motion) -> Motion:
    """The motion with the rotations and the root orientation that it lacks, fitted to its joints."""
    if motion.rotations is not None and motion.root_orientation is not None:
        return motion
    (fitted,) = solve([motion], RAW_FIT)
    return fitted.motion()
