"""Constraints from the objects of a constraint file (see ``files``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from ..errors import UserError
from ..motion.rotations import matrix_from_axis_angle
from ..motion.skeleton import SMPL
from .kimodo import GROUPS, SINGLE
from .types import (
    ALL_JOINTS,
    BLEND,
    FIRST_CONTACT,
    Constraint,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
)

_STANDING = (0.0, 0.93, 0.0)
"""Pelvis of a pose that has no place."""


class Fields:
    """The fields of one object, read with messages that name the object."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    @classmethod
    def of(cls, value: object, where: str) -> Constraint:
        """The constraint that an object describes."""
        if not isinstance(value, Mapping):
            raise UserError(f"{where} is {_short(value)}; write an object with a 'type'.")
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in _READERS:
            raise UserError(f"{where} has the type {_short(kind)}; known are {', '.join(_READERS)}.")
        reader, known = _READERS[kind]
        fields = cls(value, f"{where} ({kind})")
        fields._check_names(kind, known)
        return reader(fields)

    def _check_names(self, kind: str, known: tuple[str, ...]) -> None:
        """Refuse unknown fields; in Kimodo's types only those that look like a known one, as other tools add theirs."""
        for name in self._values:
            if name in ("type", *_COMMON, *known):
                continue
            if kind in _OWN or get_close_matches(name, (*_COMMON, *known), cutoff=0.75):
                raise UserError(
                    f"{self._where} has the unknown field '{name}'; known are {', '.join(_COMMON + known)}."
                )

    def error(self, name: str, wanted: str) -> UserError:
        """A message that a field is not as it must be."""
        if name not in self._values:
            return UserError(f"{self._where} has no '{name}'; write {wanted}.")
        return UserError(f"{self._where} has {_short(self._values[name])} as '{name}'; write {wanted}.")

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        return self._values.get(name)

    def text(self, name: str, default: str | None, wanted: str) -> str:
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise self.error(name, wanted)
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(name, "a whole number")
        return value

    def number(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(name, "a number")
        return float(value)

    def array(self, name: str, shape: tuple[int, ...], wanted: str) -> np.ndarray:
        """An array of numbers; -1 in the shape stands for any length but zero."""
        try:
            value = np.asarray(self._values.get(name))
        except ValueError as error:  # rows of different lengths
            raise self.error(name, wanted) from error
        fits = value.ndim == len(shape) and all(
            found == asked if asked >= 0 else found > 0 for found, asked in zip(value.shape, shape, strict=True)
        )
        if value.dtype.kind not in "iuf" or not fits:
            raise self.error(name, wanted)
        return value.astype(np.float64)

    def one_or_many(self, name: str, wanted: str) -> np.ndarray:
        """(N, 3): one row of three numbers, or a list of rows."""
        value = self._values.get(name)
        single = isinstance(value, list) and not any(isinstance(row, list) for row in value)
        return self.array(name, (3,), wanted)[None] if single else self.array(name, (-1, 3), wanted)

    def frames(self) -> tuple[tuple[int, ...], list[int]]:
        """The frames in order, and the place of each in the file."""
        frames = self._values.get("frame_indices")
        if not isinstance(frames, list) or not frames or any(type(frame) is not int for frame in frames):
            raise self.error("frame_indices", "a list of whole numbers")
        order = sorted(range(len(frames)), key=frames.__getitem__)
        return tuple(frames[number] for number in order), order

    def names(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        value = self._values.get(name)
        if not isinstance(value, list) or not value or any(item not in known for item in value):
            raise self.error(name, f"a list of some of {', '.join(known)}")
        return tuple(value)

    def common(self) -> tuple[int, float, str]:
        """Person, weight and name."""
        return self.whole("person", 0), self.number("weight", 1.0), self.text("name", "", "a text")


_COMMON = ("person", "weight", "name")
_OWN = ("pose", "pin", "contact", "timing")


def _path(fields: Fields) -> PathConstraint:
    person, weight, name = fields.common()
    frames, order = fields.frames()
    rows = len(frames)
    places = fields.array("smooth_root_2d", (rows, 2), f"{rows} places [x, z], one for each frame")
    headings = None
    if fields.has("global_root_heading"):
        headings = fields.array("global_root_heading", (rows, 2), f"{rows} rows [cos, sin], one for each frame")[order]
    return PathConstraint(person, frames, places[order], headings, fields.flag("dense", False), weight, name)


def _pose(fields: Fields, joints: tuple[int, ...], in_place: bool = True) -> PoseConstraint:
    person, weight, name = fields.common()
    frames, order = fields.frames()
    rows = len(frames)
    wanted = f"for each of {rows} frames 22 rotations [x, y, z] of the SMPL joints, axis times angle"
    rotations = fields.array("local_joints_rot", (rows, len(SMPL), 3), wanted)
    if in_place or fields.has("root_positions"):
        roots = fields.array("root_positions", (rows, 3), f"{rows} places [x, y, z], one for each frame")
    else:
        roots = np.tile(_STANDING, (rows, 1))
    if fields.has("smooth_root_2d"):  # Kimodo's smoothed root, which the pelvis' own place replaces
        fields.array("smooth_root_2d", (rows, 2), f"{rows} places [x, z], one for each frame")
    matrices = matrix_from_axis_angle(rotations[order])
    return PoseConstraint(person, frames, matrices, roots[order], joints, in_place, weight, name)


def _single(kind: str) -> Callable[[Fields], PoseConstraint]:
    return lambda fields: _pose(fields, (0, *GROUPS[SINGLE[kind]]))


def _end_effector(fields: Fields) -> PoseConstraint:
    names = fields.names("joint_names", tuple(GROUPS))
    return _pose(fields, tuple(sorted({0, *(joint for name in names for joint in GROUPS[name])})))


def _own_pose(fields: Fields) -> PoseConstraint:
    joints = ALL_JOINTS
    if fields.has("joints"):
        joints = tuple(sorted({SMPL.index(name) for name in fields.names("joints", SMPL.joints)}))
    return _pose(fields, joints, fields.flag("in_place", True))


def _pin(fields: Fields) -> PinConstraint:
    person, weight, name = fields.common()
    points = fields.one_or_many("points", "a place [x, y, z], or a list of places, one for each frame")
    rotations = None
    if fields.has("rotations"):
        wanted = "a rotation [x, y, z], axis times angle, or a list of rotations, one for each frame"
        rotations = matrix_from_axis_angle(fields.one_or_many("rotations", wanted))
    return PinConstraint(
        person,
        fields.text("joint", None, "the name of a joint"),
        fields.whole("start"),
        fields.whole("stop"),
        points,
        rotations,
        fields.whole("blend", BLEND),
        weight,
        name,
    )


def _contact(fields: Fields) -> ContactConstraint:
    person, weight, name = fields.common()
    wanted = "the name of a place of the other person, or a place [x, y, z]"
    on: str | np.ndarray = (
        fields.array("on", (3,), wanted) if isinstance(fields.raw("on"), list) else fields.text("on", None, wanted)
    )
    return ContactConstraint(
        person,
        fields.text("place", None, "the name of a place on the body"),
        on,
        fields.whole("start"),
        fields.whole("stop"),
        fields.number("never_nearer", 0.0) if fields.has("never_nearer") else None,
        fields.whole("blend", BLEND),
        weight,
        name,
    )


def _timing(fields: Fields) -> TimingConstraint:
    _, weight, name = fields.common()
    event = fields.raw("event")
    if event == FIRST_CONTACT:
        return TimingConstraint(fields.whole("frame"), FIRST_CONTACT, weight, name)
    if isinstance(event, bool) or not isinstance(event, int):
        raise fields.error("event", f"'{FIRST_CONTACT}' or the number of a part of the prompt, from 0")
    return TimingConstraint(fields.whole("frame"), event, weight, name)


_POSE_FIELDS = ("frame_indices", "local_joints_rot", "root_positions", "smooth_root_2d")
_READERS: dict[str, tuple[Callable[[Fields], Constraint], tuple[str, ...]]] = {
    "root2d": (_path, ("frame_indices", "smooth_root_2d", "global_root_heading", "dense")),
    "fullbody": (lambda fields: _pose(fields, ALL_JOINTS), _POSE_FIELDS),
    **{kind: (_single(kind), _POSE_FIELDS) for kind in SINGLE},
    "end-effector": (_end_effector, (*_POSE_FIELDS, "joint_names")),
    "pose": (_own_pose, (*_POSE_FIELDS, "joints", "in_place")),
    "pin": (_pin, ("joint", "start", "stop", "points", "rotations", "blend")),
    "contact": (_contact, ("place", "on", "start", "stop", "never_nearer", "blend")),
    "timing": (_timing, ("frame", "event")),
}
"""Each type with its reader and its fields."""


def _short(value: object) -> str:
    """A value for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
