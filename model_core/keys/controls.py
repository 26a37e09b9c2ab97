"""The controls of a rig as a tree, and their poses from the values of animation curves, as Blender evaluates them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.rotations import quaternion_from_matrix

QUATERNION, AXIS_ANGLE = "QUATERNION", "AXIS_ANGLE"
"""Rotation modes, in addition to the six orders of Euler angles such as ``XYZ``."""


@dataclass(frozen=True)
class Control:
    """One control.

    Attributes:
        name: of the bone.
        parent: index of the control that carries it, which comes before it; -1 for none.
        turn: (3, 3) its orientation without keys, in the frame of ``parent``, or in the world.
        head: (3,) where it begins, in the same frame, metres.
        mode: how its rotation is keyed: ``QUATERNION``, ``AXIS_ANGLE`` or an order of Euler angles.
        rotation: first column of its rotation values; -1 if they do not change, and ``turn`` includes them.
        location: first column of its location values; -1 if they do not change, and ``head`` includes them.
        axes: (3, 3) takes a location value to the frame of ``head``, metres.
        turns_along: whether it rotates with its parent.
    """

    name: str
    parent: int
    turn: np.ndarray
    head: np.ndarray
    mode: str = QUATERNION
    rotation: int = -1
    location: int = -1
    axes: np.ndarray | None = None
    turns_along: bool = True

    @property
    def rotation_width(self) -> int:
        """Number of columns of its rotation."""
        return 4 if self.mode in (QUATERNION, AXIS_ANGLE) else 3


@dataclass(frozen=True)
class Bend:
    """The middle joint of a limb that inverse kinematics moves: an elbow or a knee.

    Attributes:
        limb: name of the joint at the limb's end, such as ``L_Wrist``.
        carrier: index of the control that carries the limb's first joint.
        first: (3,) the first joint in the frame of ``carrier``, metres.
        control: index of the control that the end of the limb follows.
        end: (3,) the end in the frame of ``control``, metres.
        pole: index of the pole target.
        lengths: of the upper and the lower bone, metres.
    """

    limb: str
    carrier: int
    first: np.ndarray
    control: int
    end: np.ndarray
    pole: int
    lengths: tuple[float, float]

    def place(self, turns: np.ndarray, heads: np.ndarray) -> np.ndarray:
        """(3, N) where the joint is, from the orientations (4, B, N) and heads (3, B, N) of all controls."""
        first = heads[:, self.carrier] + rotated(turns[:, self.carrier], self.first[:, None])
        along = heads[:, self.control] + rotated(turns[:, self.control], self.end[:, None]) - first
        upper, lower = self.lengths
        reach = np.sqrt((along * along).sum(0))
        along = along / np.maximum(reach, 1e-9)
        # A limb that is too short for its target is straight.
        reach = np.clip(reach, max(abs(upper - lower), 1e-9), upper + lower)
        ahead = (upper**2 - lower**2 + reach**2) / (2 * reach)
        aside = heads[:, self.pole] - first
        aside = aside - (aside * along).sum(0) * along
        aside = aside / np.maximum(np.sqrt((aside * aside).sum(0)), 1e-9)
        return np.asarray(first + ahead * along + np.sqrt(np.maximum(upper**2 - ahead**2, 0.0)) * aside)


class ControlTree:
    """Controls, each after the one that carries it, and after them the middle joints of limbs."""

    def __init__(self, controls: tuple[Control, ...], bends: tuple[Bend, ...] = ()) -> None:
        """Prepare forward kinematics by levels of the tree."""
        self.controls, self.bends = controls, bends
        self.names = {control.name: number for number, control in enumerate(controls)}
        self._turns = np.stack([quaternion_from_matrix(control.turn) for control in controls])
        depths: list[int] = []
        for number, control in enumerate(controls):
            if control.parent >= number:
                raise ValueError(f"the control {control.name} comes before the one that carries it")
            depths.append(0 if control.parent < 0 else depths[control.parent] + 1)
        self._levels = [np.flatnonzero(np.array(depths) == depth) for depth in range(max(depths, default=-1) + 1)]

    def __len__(self) -> int:
        """Number of controls and middle joints."""
        return len(self.controls) + len(self.bends)

    def poses(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Orientations (4, B, N), unit quaternions, and heads (3, B, N) of all controls, in the world, metres.

        Middle joints come last; they have no orientation of their own, but that of the world.

        The axis of the frames is the last, so that the arithmetic runs over long contiguous arrays.

        Args:
            values: (N, C) values of the curves in each frame.
        """
        columns = np.ascontiguousarray(values.T)
        count = values.shape[0]
        basis = np.empty((4, len(self.controls), count))
        local = np.empty((3, len(self.controls), count))
        for number, control in enumerate(self.controls):
            basis[:, number] = self._turns[number][:, None]
            if control.rotation >= 0:
                rows = columns[control.rotation : control.rotation + control.rotation_width]
                basis[:, number] = multiply(basis[:, number], quaternions_of(rows, control.mode))
            local[:, number] = control.head[:, None]
            if control.location >= 0 and control.axes is not None:
                local[:, number] += control.axes @ columns[control.location : control.location + 3]
        world = np.empty_like(basis)
        heads = np.empty_like(local)
        for level, numbers in enumerate(self._levels):
            if level == 0:
                world[:, numbers], heads[:, numbers] = basis[:, numbers], local[:, numbers]
                continue
            above = np.array([self.controls[number].parent for number in numbers])
            carried = world[:, above]
            heads[:, numbers] = heads[:, above] + rotated(carried, local[:, numbers])
            along = np.array([self.controls[number].turns_along for number in numbers])
            turned = multiply(carried, basis[:, numbers])
            world[:, numbers] = turned if along.all() else np.where(along[:, None], turned, basis[:, numbers])
        if not self.bends:
            return world, heads
        still = np.zeros((4, len(self.bends), count))
        still[0] = 1.0
        places = np.stack([bend.place(world, heads) for bend in self.bends], axis=1)
        return np.concatenate((world, still), axis=1), np.concatenate((heads, places), axis=1)


def multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions (4, ...): the rotation ``second`` followed by ``first``."""
    a, b, c, d = first
    w, x, y, z = second
    return np.stack(
        (
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        )
    )


def rotated(quaternions: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (3, ...) rotated by unit quaternions (4, ...)."""
    w, x, y, z = quaternions
    a, b, c = vectors
    s, t, u = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return np.stack((a + w * s + y * u - z * t, b + w * t + z * s - x * u, c + w * u + x * t - y * s))


def quaternions_of(values: np.ndarray, mode: str) -> np.ndarray:
    """Unit quaternions (4, N) from the values (3 or 4, N) of a rotation channel in a rotation mode."""
    if mode == QUATERNION:
        return values / np.maximum(np.sqrt((values * values).sum(0)), 1e-9)
    if mode == AXIS_ANGLE:
        axis = values[1:] / np.maximum(np.sqrt((values[1:] ** 2).sum(0)), 1e-9)
        return np.concatenate((np.cos(values[:1] / 2), axis * np.sin(values[:1] / 2)))
    result = np.zeros((4, values.shape[1]))
    result[0] = 1.0
    # Blender's XYZ turns about X first.
    for letter in mode:
        axis = "XYZ".index(letter)
        single = np.zeros_like(result)
        single[0], single[1 + axis] = np.cos(values[axis] / 2), np.sin(values[axis] / 2)
        result = multiply(single, result)
    return result
