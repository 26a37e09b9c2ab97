"""Whether the values of one constraint are values at all: numbers, known names, shapes, rotations."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..errors import UserError
from ..motion.places import PLACES
from ..motion.skeleton import SMPL
from .types import (
    FIRST_CONTACT,
    PIN_JOINTS,
    Constraint,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
    every_frame,
)

_SHORTEST = 0.01
"""Metres of a curve."""
_SKEW = 1e-3
"""Largest error of the lengths and angles of a rotation's axes."""


def check_values(item: Constraint, name: str) -> None:
    """Refuse values that mean nothing.

    Args:
        item: the constraint.
        name: of ``types.label``.

    Raises:
        UserError: a value is no number, an unknown name, of another shape, or no rotation.
    """
    if not 0 <= item.weight <= 1:  # also NaN
        raise UserError(f"{name} has the weight {item.weight:g}; give a number from 0 to 1.")
    if isinstance(item, TimingConstraint):
        if not isinstance(item.event, int) and item.event != FIRST_CONTACT:
            raise UserError(f"{name} is for '{item.event}'; write '{FIRST_CONTACT}' or the number of a part.")
        if isinstance(item.event, int) and item.event < 0:
            raise UserError(f"{name} is for part {item.event} of the prompt; count the parts from 0.")
        return
    if item.person not in (0, 1):
        raise UserError(f"{name} is for person {item.person}; choose 0 or 1.")
    if isinstance(item, PathConstraint):
        _check_path(item, name)
    elif isinstance(item, PoseConstraint):
        _check_pose(item, name)
    else:
        _check_interval(item, name)


def _check_path(path: PathConstraint, name: str) -> None:
    _check_frames(path.frames, name)
    _check_array(path.places, (len(path.frames), 2), f"{name} has places", path.frames)
    if path.headings is not None:
        _check_array(path.headings, (len(path.frames), 2), f"{name} has headings", path.frames)
        short = np.linalg.norm(path.headings, axis=-1) < 1e-3
        if short.any():
            frame = path.frames[int(short.argmax())]
            raise UserError(f"{name} has a heading without a direction at frame {frame}; give its cosine and sine.")
    if path.dense:
        steps = np.diff(every_frame(path).places, axis=0)
        if np.linalg.norm(steps, axis=-1).sum() < _SHORTEST:
            raise UserError(
                f"{name} is a curve without length; draw it longer, or give single places where the person stands."
            )


def _check_pose(pose: PoseConstraint, name: str) -> None:
    _check_frames(pose.frames, name)
    count = len(pose.frames)
    _check_array(pose.roots, (count, 3), f"{name} has pelvis places", pose.frames)
    _check_array(pose.rotations, (count, len(SMPL), 3, 3), f"{name} has rotations", pose.frames)
    _check_rotations(pose.rotations, name)
    if not pose.joints or not set(pose.joints) <= set(range(len(SMPL))):
        raise UserError(f"{name} binds no joint that people have; choose at least one of the {len(SMPL)}.")


def _check_interval(item: PinConstraint | ContactConstraint, name: str) -> None:
    if item.start >= item.stop:
        raise UserError(f"{name} starts at frame {item.start} and stops at {item.stop}; stop it later than it starts.")
    if item.blend < 0:
        raise UserError(f"{name} is blended over {item.blend} frames; give 0 or more.")
    if isinstance(item, PinConstraint):
        if item.joint not in PIN_JOINTS:
            raise UserError(f"{name} is for the joint '{item.joint}'; choose {', '.join(PIN_JOINTS)}.")
        _check_rows(item, item.points, (3,), f"{name} has points")
        if item.rotations is not None:
            _check_rows(item, item.rotations, (3, 3), f"{name} has orientations")
            _check_rotations(item.rotations, name)
        return
    if item.place not in PLACES:
        raise UserError(f"{name} is for the place '{item.place}'; choose one of {', '.join(PLACES)}.")
    if isinstance(item.on, str):
        if item.on not in PLACES:
            raise UserError(f"{name} is on the place '{item.on}'; choose one of {', '.join(PLACES)}.")
    else:
        _check_array(item.on, (3,), f"{name} has a point", ())
    if item.never_nearer is not None and not 0 <= item.never_nearer < 100:
        raise UserError(f"{name} is never nearer than {item.never_nearer:g} m; give a distance from 0 to 100.")


def _check_rows(pin: PinConstraint, rows: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    count = len(rows) if len(rows) == 1 else pin.stop - pin.start
    _check_array(rows, (count, *shape), what, tuple(range(pin.start, pin.start + count)))


def _check_frames(frames: tuple[int, ...], name: str) -> None:
    if not frames:
        raise UserError(f"{name} has no frames; give at least one.")
    for before, after in pairwise(frames):
        if after <= before:
            raise UserError(f"{name} has frame {after} after frame {before}; give each frame once, in order.")


def _check_array(values: np.ndarray, shape: tuple[int, ...], what: str, frames: tuple[int, ...]) -> None:
    """Refuse another shape and values that are not finite; the first axis is of ``frames``, if there are any."""
    if values.shape != shape:
        raise UserError(f"{what} of the shape {values.shape}; give {shape}.")
    bad = ~np.isfinite(values).reshape(shape[0], -1).all(1)
    if bad.any():
        where = f" at frame {frames[int(bad.argmax())]}" if frames else ""
        raise UserError(f"{what} that are not numbers{where}; give finite numbers.")


def _check_rotations(rotations: np.ndarray, name: str) -> None:
    product = np.swapaxes(rotations, -1, -2) @ rotations
    if np.abs(product - np.eye(3)).max() > _SKEW:
        raise UserError(f"{name} has a scaled or sheared orientation; apply the scale of the object and its parents.")
    if np.linalg.det(rotations).min() < 0:
        raise UserError(
            f"{name} has a mirrored orientation, as of a parent with negative scale; apply the scale of the object and "
            "its parents."
        )
