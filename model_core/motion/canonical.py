"""The canonical frame of one person and of a pair, its inverse transform, and mirror images.

Canonical means: the lowest joint of the clip on the floor (Y = 0), the root of frame 0 over the origin, the person
facing +Z in frame 0. A pair is in the canonical frame of its first person. Local rotations do not change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .representation import CONTACTS, POSITIONS, ROTATIONS, VELOCITIES, WIDTH
from .rotations import about_y
from .skeleton import SMPL, Skeleton
from .types import Interaction, Motion

Ground = Literal["each", "common", "kept"]
"""The floor of a pair: each person's own lowest joint (as in InterHuman's published processing), the lowest joint of
both, or unchanged."""

MIRROR = np.diag([-1.0, 1.0, 1.0])
"""Reflection at the plane X = 0, which swaps left and right."""

_SIXD_SIGNS = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0])
"""Signs of ``[R00 R01 R10 R11 R20 R21]`` under the reflection: entries with exactly one index on X change sign."""


@dataclass(frozen=True)
class CanonicalTransform:
    """A rotation about the vertical axis, then a translation: from the world into the canonical frame.

    Attributes:
        yaw: radians about +Y, from +Z towards +X.
        offset: (3,) metres.
    """

    yaw: float
    offset: np.ndarray

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) the rotation."""
        return about_y(np.asarray(float(self.yaw)))

    @property
    def inverse(self) -> CanonicalTransform:
        """The transform from the canonical frame back into the world."""
        return CanonicalTransform(-self.yaw, -(self.rotation.T @ self.offset))

    def apply(self, motion: Motion) -> Motion:
        """The transformed motion."""
        return motion.moved(self.rotation, self.offset)

    def apply_to_pair(self, interaction: Interaction) -> Interaction:
        """Both people, transformed in the same way."""
        first, second = interaction.people
        return replace(interaction, people=(self.apply(first), self.apply(second)))


def facing(joints: np.ndarray, skeleton: Skeleton = SMPL) -> np.ndarray:
    """Angle of the direction that a body faces, from the line through its hips.

    Args:
        joints: (..., J, 3) positions, Y up.

    Returns:
        (...) radians about +Y from +Z; +X is at pi / 2.
    """
    across = joints[..., skeleton.index("L_Hip"), :] - joints[..., skeleton.index("R_Hip"), :]
    # Forward is left x up.
    return np.arctan2(-across[..., 2], across[..., 0])


def canonical_transform(motion: Motion, floor: float | None = None) -> CanonicalTransform:
    """The transform that brings a motion into its canonical frame.

    Args:
        motion: one person, anywhere.
        floor: height of the floor in the motion's world; None uses the lowest joint of the clip.
    """
    yaw = -float(facing(motion.joints[0].astype(np.float64), motion.skeleton))
    low = float(motion.joints[..., 1].min()) if floor is None else floor
    x, _, z = motion.joints[0, 0].astype(np.float64)
    return CanonicalTransform(yaw, -(about_y(np.asarray(yaw)) @ np.array([x, low, z])))


def canonical(motion: Motion) -> tuple[Motion, CanonicalTransform]:
    """A motion in its canonical frame, and the transform into that frame."""
    transform = canonical_transform(motion)
    return transform.apply(motion), transform


def canonical_pair(interaction: Interaction, ground: Ground = "each") -> tuple[Interaction, CanonicalTransform]:
    """A pair in the canonical frame of its first person, and the transform of the first person.

    ``transform.inverse.apply_to_pair`` brings a result back to the first person's world. With ground ``"each"``, two
    people on one floor stay on it; if one of them is in the air for the whole clip, that height is lost.
    """
    first, second = interaction.people
    lowest = [float(person.joints[..., 1].min()) for person in (first, second)]
    floor = {"each": lowest[0], "common": min(lowest), "kept": 0.0}[ground]
    transform = canonical_transform(first, floor)
    other = transform
    if ground == "each":
        other = replace(transform, offset=transform.offset + np.array([0.0, lowest[0] - lowest[1], 0.0]))
    return replace(interaction, people=(transform.apply(first), other.apply(second))), transform


def relative_placement(interaction: Interaction) -> np.ndarray:
    """(3,) facing and position of the second person in frame 0 relative to the first: half the relative yaw, x, z.

    The half angle (of the quaternion) and its sign are those of InterHuman's published processing.
    """
    first, second = (person.joints[0].astype(np.float64) for person in interaction.people)
    yaw = float(facing(first))
    x, _, z = about_y(np.asarray(-yaw)) @ (second[0] - first[0])
    turn = (yaw - float(facing(second)) + np.pi) % (2 * np.pi) - np.pi
    return np.array([turn / 2, x, z])


# --- mirror image --------------------------------------------------------------------------------------------------


def mirrored_features(features: np.ndarray) -> np.ndarray:
    """Features (T, 262) with left and right swapped: positions, velocities, rotations and contacts."""
    joints, pairs = len(SMPL), list(SMPL.mirror)
    result = np.empty_like(features)
    for columns in (POSITIONS, VELOCITIES):
        part = features[:, columns].reshape(-1, joints, 3)[:, pairs] * np.array([-1, 1, 1], dtype=features.dtype)
        result[:, columns] = part.reshape(len(features), -1)
    rotations = features[:, ROTATIONS].reshape(-1, joints - 1, 6)[:, [pair - 1 for pair in pairs[1:]]]
    result[:, ROTATIONS] = (rotations * _SIXD_SIGNS.astype(features.dtype)).reshape(len(features), -1)
    result[:, CONTACTS] = features[:, CONTACTS][:, [2, 3, 0, 1]]
    if features.shape[1] != WIDTH:
        raise ValueError(f"features have {WIDTH} columns, not {features.shape[1]}")
    return result


def mirrored(motion: Motion) -> Motion:
    """The reflection of a motion at the plane X = 0, with left and right swapped, rotations included."""
    pairs = list(motion.skeleton.mirror)
    signs = np.outer(np.diag(MIRROR), np.diag(MIRROR)).astype(motion.joints.dtype)
    rotations, orientation = motion.rotations, motion.root_orientation
    return replace(
        motion,
        joints=motion.joints[:, pairs] * np.diag(MIRROR).astype(motion.joints.dtype),
        rotations=None if rotations is None else rotations[:, [pair - 1 for pair in pairs[1:]]] * signs,
        root_orientation=None if orientation is None else orientation * signs,
    )


def mirrored_pair(interaction: Interaction) -> Interaction:
    """Both people and the text mirrored."""
    first, second = interaction.people
    return replace(interaction, people=(mirrored(first), mirrored(second)), text=mirrored_text(interaction.text))


_OPPOSITES = {
    "left": "right",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "clockwise": "counterclockwise",
    "counter-clockwise": "clockwise",
    "counter clockwise": "clockwise",
    "anticlockwise": "clockwise",
    "anti-clockwise": "clockwise",
    "anti clockwise": "clockwise",
}
_OPPOSITES |= {value: key for key, value in _OPPOSITES.items() if value != "clockwise"}
# Longest first: "counter clockwise" must not be read as "clockwise".
_SIDED = re.compile(r"\b(" + "|".join(sorted(_OPPOSITES, key=len, reverse=True)) + r")\b", re.IGNORECASE)


def mirrored_text(text: str) -> str:
    """A caption with left and right, clockwise and counterclockwise swapped; capitalisation is kept."""

    def swapped(match: re.Match[str]) -> str:
        word = match[0]
        other = _OPPOSITES[word.lower()]
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    return _SIDED.sub(swapped, text)
