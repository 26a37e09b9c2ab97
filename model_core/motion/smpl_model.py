"""Reads SMPL's and SMPL-X's model files as distributed by their authors: surface, joints, weights and shapes.

Only numpy is needed for both. Layout: https://github.com/vchoutas/smplx.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .arrays import DAMAGE
from .pickled_arrays import RefusedPickleError, as_array, unpickled_arrays
from .skeleton import SMPL, SMPLX, Skeleton

SHAPES = 10
"""Number of shape directions to read: the first ones move vertices most."""

SMPL_BODY = Skeleton("smpl24", (*SMPL.joints, "L_Hand", "R_Hand"), (*SMPL.parents, 20, 21))
"""SMPL's own 24 joints: a hand after each wrist."""

_SKELETONS = {len(skeleton): skeleton for skeleton in (SMPL_BODY, SMPLX)}
_FIELDS = ("v_template", "f", "J_regressor", "weights", "shapedirs", "kintree_table")
_WEIGHT_SLACK = 1e-3
_SIZES = (0.3, 3.0)
"""Smallest and largest height of a person, metres."""


@dataclass(frozen=True)
class SmplModel:
    """A person's body in the T-pose. Metres, Y up, facing +Z, left at +X.

    Attributes:
        name: of the file, without its suffix.
        skeleton: 24 joints of SMPL or 55 of SMPL-X.
        vertices: (V, 3) of the mean shape.
        faces: (F, 3) triangles.
        joints: (J, 3) of the mean shape.
        weights: (V, J) skin weights of each vertex, which sum to 1.
        shapes: (V, 3, S) how vertices move for one unit of each of the first shape coefficients, at most 10.
    """

    name: str
    skeleton: Skeleton
    vertices: np.ndarray
    faces: np.ndarray
    joints: np.ndarray
    weights: np.ndarray
    shapes: np.ndarray


def load_smpl_model(path: Path) -> SmplModel:
    """Read a model file: ``.npz``, or ``.pkl`` without running any code in it.

    An unchanged file is read only once. Pose-dependent corrections (``posedirs``) and SMPL-X's expressions are
    not read.

    Raises:
        UserError: the file cannot be read, holds code, or is not laid out as SMPL's or SMPL-X's.
    """
    if path.suffix.lower() not in (".npz", ".pkl"):
        raise UserError(f"{path.name} is no SMPL model file; choose an .npz or .pkl file of SMPL or SMPL-X.")
    try:
        state = path.stat()
        return _read(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise UserError(f"Cannot read the SMPL model {path}: {error.strerror or error}; check the path.") from error
    except RefusedPickleError as error:
        raise UserError(
            f"The SMPL model {path.name} asks for {error}, which is more than numbers, so it is not opened; "
            "download it again from its makers, or take their .npz file."
        ) from error
    except _LayoutError as error:
        raise UserError(
            f"The SMPL model {path.name} {error}; choose a model file of SMPL or SMPL-X as its makers hand it out."
        ) from error
    except ValueError as error:
        raise UserError(f"The SMPL model {path.name} is damaged or cut off; download it again.") from error


@lru_cache(maxsize=2)
def _read(path: Path, changed: int, size: int) -> SmplModel:
    """Read a file, cached by its time and size: SMPL-X files have hundreds of megabytes, which take seconds to read."""
    arrays = (_from_npz if path.suffix.lower() == ".npz" else _from_pickle)(path)
    return _model(path.stem, arrays)


class _LayoutError(Exception):
    """A file has an unexpected layout; the message continues a sentence that begins with the file's name."""


def _from_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            # The file also has pickled entries, which are not read.
            return _wanted(stored.files, lambda name: stored[name])
    except DAMAGE as error:
        raise ValueError("damaged") from error


def _from_pickle(path: Path) -> dict[str, np.ndarray]:
    content = unpickled_arrays(path.read_bytes())
    return _wanted(list(content), lambda name: as_array(content[name]))


def _wanted(names: list[str], read: Callable[[str], Any]) -> dict[str, np.ndarray]:
    missing = [name for name in _FIELDS if name not in names]
    if missing:
        raise _LayoutError(f"has no {missing[0]}")
    return {name: read(name) for name in _FIELDS}


def _model(name: str, arrays: dict[str, np.ndarray]) -> SmplModel:
    """Check the arrays against each other."""
    for field, array in arrays.items():
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise _LayoutError(f"has {field} that are not all numbers")
    vertices = arrays["v_template"].astype(np.float64)
    if vertices.ndim != 2 or vertices.shape[1:] != (3,) or len(vertices) == 0:
        raise _LayoutError("has no vertices")
    count = len(vertices)
    skeleton = _skeleton(arrays["kintree_table"])
    shapes, joints = arrays["shapedirs"].astype(np.float64), len(skeleton)
    for field, expected in (("J_regressor", (joints, count)), ("weights", (count, joints))):
        if arrays[field].shape != expected:
            raise _LayoutError(f"has {field} of shape {arrays[field].shape} where {expected} belongs")
    if shapes.ndim != 3 or shapes.shape[:2] != (count, 3):
        raise _LayoutError(f"has shapedirs of shape {shapes.shape} where {(count, 3)} and their number belong")
    faces = arrays["f"].astype(np.int64)
    if faces.ndim != 2 or faces.shape[1:] != (3,) or not len(faces) or faces.min() < 0 or faces.max() >= count:
        raise _LayoutError("has faces that are no triangles of its vertices")
    weights = arrays["weights"].astype(np.float64)
    sums = weights.sum(axis=1)
    if weights.min() < -_WEIGHT_SLACK or abs(sums - 1.0).max() > _WEIGHT_SLACK:
        raise _LayoutError(
            f"has skin weights that add up to {sums[abs(sums - 1.0).argmax()]:.3g} somewhere instead of 1"
        )
    if not _SIZES[0] < np.ptp(vertices[:, 1]) < _SIZES[1]:
        raise _LayoutError(f"is {np.ptp(vertices[:, 1]):.3g} m tall, which is no person standing along Y")
    weights = np.clip(weights, 0.0, None)
    places = arrays["J_regressor"].astype(np.float64) @ vertices
    return SmplModel(
        name,
        skeleton,
        vertices,
        faces.astype(np.int32),
        places,
        weights / weights.sum(axis=1, keepdims=True),
        shapes[..., :SHAPES],
    )


def _skeleton(table: np.ndarray) -> Skeleton:
    """The skeleton of a table (2, J) of parents and joints; the root's parent is a mark that differs among files."""
    skeleton = _SKELETONS.get(table.shape[1]) if table.ndim == 2 and table.shape[0] == 2 else None
    if skeleton is None:
        raise _LayoutError("has not the 24 joints of SMPL or the 55 of SMPL-X")
    if table[1].tolist() != list(range(len(skeleton))) or tuple(table[0, 1:].tolist()) != skeleton.parents[1:]:
        raise _LayoutError("has its joints in another order than SMPL's")
    return skeleton
