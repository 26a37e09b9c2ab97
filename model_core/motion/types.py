"""The data types that readers, networks and writers share: the motion of one person, and of two in one world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import UserError
from .skeleton import SMPL, Skeleton

FPS = 30.0
"""Frames per second of the data sets and of every network."""


@dataclass(frozen=True)
class Motion:
    """One person. Metres, Y up, right-handed; frames at a constant rate.

    Attributes:
        joints: (T, J, 3) joint positions in the world.
        rotations: (T, J - 1, 3, 3) local rotations of joints 1.. relative to the T-pose, or None if unknown.
        root_orientation: (T, 3, 3) orientation of the root in the world, or None if unknown (InterHuman features
            have none; ``kinematics.solve`` finds it).
        fps: frames per second.
        skeleton: names and tree of the joint axis.
    """

    joints: np.ndarray
    rotations: np.ndarray | None = None
    root_orientation: np.ndarray | None = None
    fps: float = FPS
    skeleton: Skeleton = SMPL

    def __post_init__(self) -> None:
        frames, joints = self.joints.shape[0], len(self.skeleton)
        expected = {
            "joints": (frames, joints, 3),
            "rotations": (frames, joints - 1, 3, 3),
            "root_orientation": (frames, 3, 3),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array is None:
                continue
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, not {shape}")
            bad = ~np.isfinite(array.reshape(frames, -1)).all(axis=1)
            if bad.any():
                raise UserError(
                    f"The motion has values that are not numbers in {bad.sum()} of {frames} frames, "
                    f"the first in frame {int(bad.argmax())} ({name}); repair or cut the file there."
                )

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.joints)

    @property
    def translation(self) -> np.ndarray:
        """(T, 3) position of the root joint."""
        return self.joints[:, 0]

    @property
    def seconds(self) -> float:
        """Duration, counting every frame for its full time."""
        return len(self) / self.fps

    def frames(self, start: int, stop: int) -> Motion:
        """The frames ``start`` to ``stop`` (exclusive) as a motion."""
        cut = slice(start, stop)
        return replace(
            self,
            joints=self.joints[cut],
            rotations=None if self.rotations is None else self.rotations[cut],
            root_orientation=None if self.root_orientation is None else self.root_orientation[cut],
        )

    def moved(self, rotation: np.ndarray, offset: np.ndarray) -> Motion:
        """The motion rotated in the world by ``rotation`` (3, 3), then shifted by ``offset`` (3,) metres."""
        joints = self.joints @ rotation.T + offset
        orientation = None if self.root_orientation is None else rotation @ self.root_orientation
        dtype = self.joints.dtype
        return replace(
            self,
            joints=joints.astype(dtype),
            root_orientation=None if orientation is None else orientation.astype(dtype),
        )


@dataclass(frozen=True)
class Interaction:
    """Two people in one world frame, frame for frame.

    Attributes:
        people: the two motions, of the same length and frame rate.
        text: the prompt or caption.
        model: name of the model that generated it, empty for captured motion.
        seed: seed of the generation, None for captured motion.
    """

    people: tuple[Motion, Motion]
    text: str = ""
    model: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        first, second = self.people
        if len(first) != len(second) or first.fps != second.fps or first.skeleton != second.skeleton:
            raise ValueError("the two people differ in length, frame rate or skeleton")

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.people[0])

    @property
    def fps(self) -> float:
        """Frames per second of both people."""
        return self.people[0].fps

    @property
    def joints(self) -> np.ndarray:
        """(2, T, J, 3) joints of both people."""
        return np.stack([person.joints for person in self.people])
