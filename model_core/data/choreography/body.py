"""A person of a scene: proportions, pose over time, forward kinematics, and places on the body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...motion.places import PLACES, size_of
from ...motion.rest import SMPL_REST_OFFSETS
from ...motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle, quaternion_multiply, rotate
from ...motion.skeleton import SMPL
from ...motion.types import Motion

J = {name: index for index, name in enumerate(SMPL.joints)}
"""Joint indices by name."""
TOE_HEIGHT = 0.015
"""Height in metres of SMPL's toe joint above the floor when the foot is flat."""
SIDES = ("left", "right")
FORWARD, UP = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class BodyShape:
    """Proportions.

    Attributes:
        offsets: (22, 3) rest offsets, metres.
        size: scale of the whole body, 1 for an average one.
    """

    offsets: np.ndarray
    size: float

    @cached_property
    def leg(self) -> float:
        """Length of thigh and shin, metres."""
        return float(np.linalg.norm(self.offsets[[J["L_Knee"], J["L_Ankle"]]], axis=-1).sum())

    @cached_property
    def arm(self) -> float:
        """Length of upper arm and forearm, metres."""
        return float(np.linalg.norm(self.offsets[[J["L_Elbow"], J["L_Wrist"]]], axis=-1).sum())


def random_body(random: np.random.Generator) -> BodyShape:
    """A random person between about 1.55 and 1.9 m tall."""
    size = random.uniform(0.92, 1.08)
    legs, arms = random.uniform(0.97, 1.03, 2)
    offsets = SMPL_REST_OFFSETS * size
    for side in "LR":
        for joint in ("Knee", "Ankle"):
            offsets[J[f"{side}_{joint}"]] *= legs
        for joint in ("Elbow", "Wrist"):
            offsets[J[f"{side}_{joint}"]] *= arms
    return BodyShape(offsets, float(size))


@dataclass
class PosedBody:
    """A body in a pose for every frame.

    Attributes:
        body: proportions.
        turns: (T, 22, 4) quaternions, the root's in the world first, then local ones.
        root: (T, 3) metres.
    """

    body: BodyShape
    turns: np.ndarray
    root: np.ndarray

    def copy(self) -> PosedBody:
        """A copy that can be modified."""
        return replace(self, turns=self.turns.copy(), root=self.root.copy())

    def world(self) -> tuple[np.ndarray, np.ndarray]:
        """Joints (T, 22, 3) and their orientations in the world (T, 22, 4)."""
        turns = np.empty_like(self.turns)
        joints = np.empty((len(self.root), len(SMPL), 3))
        turns[:, 0], joints[:, 0] = self.turns[:, 0], self.root
        for joint in range(1, len(SMPL)):
            parent = SMPL.parents[joint]
            turns[:, joint] = quaternion_multiply(turns[:, parent], self.turns[:, joint])
            joints[:, joint] = joints[:, parent] + rotate_vectors(turns[:, parent], self.body.offsets[joint])
        return joints, turns

    def motion(self, start: int, stop: int) -> Motion:
        """Frames ``start`` to ``stop`` as a motion."""
        joints, _ = self.world()
        matrices = matrix_from_quaternion(self.turns[start:stop])
        kept = joints[start:stop].astype(np.float32)
        return Motion(kept, matrices[:, 1:].astype(np.float32), matrices[:, 0].astype(np.float32))


def rotate_vectors(quaternions: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Rotate vectors (..., 3) or (3,) by quaternions (..., 4)."""
    w, v = quaternions[..., :1], quaternions[..., 1:]
    u = np.broadcast_to(vectors, v.shape)
    t = 2 * np.cross(v, u)
    return u + w * t + np.cross(v, t)


def yaw_quaternion(angle: np.ndarray | float) -> np.ndarray:
    """Quaternions (..., 4) about the vertical; +Z turns towards +X."""
    half = 0.5 * np.asarray(angle, dtype=np.float64)
    zero = np.zeros_like(half)
    return np.stack((np.cos(half), zero, np.sin(half), zero), -1)


def axis_quaternion(axis: str, angle: np.ndarray) -> np.ndarray:
    """Quaternions (T, 4) about a body axis: "x" bends forward, "y" turns left, "z" tilts the top to the right."""
    vector = np.zeros((*np.shape(angle), 3))
    vector[..., "xyz".index(axis)] = angle
    return quaternion_from_axis_angle(vector)


def floor_direction(angle: np.ndarray | float) -> np.ndarray:
    """Directions (..., 3) on the floor at angles from +Z towards +X."""
    angle = np.asarray(angle, dtype=np.float64)
    return np.stack((np.sin(angle), np.zeros_like(angle), np.cos(angle)), -1)


def heading(quaternions: np.ndarray) -> np.ndarray:
    """Facing angle (...) about the vertical of orientations (..., 4)."""
    forward = rotate_vectors(quaternions, FORWARD)
    return np.arctan2(forward[..., 0], forward[..., 2])


def place_on(
    name: str, joints: np.ndarray, turns: np.ndarray, size: float, shift: tuple[float, float, float] = (0, 0, 0)
) -> np.ndarray:
    """(T, 3) a place of ``PLACES`` in the world, ``shift`` metres away from it in its joint's frame."""
    joint, local = PLACES[name]
    return joints[:, J[joint]] + rotate_vectors(turns[:, J[joint]], size * (np.array(local) + np.array(shift)))


def place_on_motion(name: str, motion: Motion, shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """(T, 3) the same place on a motion with rotations; the body's size comes from its arms and trunk."""
    if motion.rotations is None or motion.root_orientation is None:
        raise ValueError("places need rotations and the root's orientation")
    joint, local = PLACES[name]
    chain, index = [], J[joint]
    while index > 0:
        chain.append(index)
        index = SMPL.parents[index]
    rotation = motion.root_orientation.astype(np.float64)
    for index in reversed(chain):
        rotation = rotation @ motion.rotations[:, index - 1]
    size = size_of(motion.joints)
    return motion.joints[:, J[joint]] + rotate(rotation, size * (np.array(local) + np.array(shift)))
