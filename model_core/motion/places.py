"""Places on a body for contacts: hands, feet, and where hands touch another person."""

from __future__ import annotations

import numpy as np

from .rest import SMPL_REST_OFFSETS
from .rotations import rotate
from .skeleton import SMPL

PALM = 0.08
"""Metres from wrist to palm of a body of average size."""
PALM_GAP = 0.045
"""Metres between the centres of two palms that are in contact."""

PLACES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "left_shoulder": ("Spine3", (0.17, 0.19, -0.02)),
    "right_shoulder": ("Spine3", (-0.17, 0.19, -0.02)),
    "far_left_shoulder": ("Spine3", (0.20, 0.14, -0.03)),
    "far_right_shoulder": ("Spine3", (-0.20, 0.14, -0.03)),
    "left_shoulder_blade": ("Spine3", (0.09, 0.05, -0.15)),
    "right_shoulder_blade": ("Spine3", (-0.09, 0.05, -0.15)),
    "upper_back": ("Spine3", (0.0, 0.05, -0.15)),
    "lower_back": ("Spine1", (0.0, 0.06, -0.14)),
    "left_waist": ("Spine1", (0.14, 0.02, -0.05)),
    "right_waist": ("Spine1", (-0.14, 0.02, -0.05)),
    "left_chest": ("Spine3", (0.09, 0.06, 0.14)),
    "right_chest": ("Spine3", (-0.09, 0.06, 0.14)),
    "chest": ("Spine3", (0.0, 0.04, 0.14)),
    "belly": ("Spine1", (0.0, 0.08, 0.13)),
    "face": ("Head", (0.0, 0.03, 0.12)),
    "mouth": ("Head", (0.0, 0.0, 0.12)),
    "left_ear": ("Head", (0.09, 0.05, 0.0)),
    "right_ear": ("Head", (-0.09, 0.05, 0.0)),
    "left_upper_arm": ("L_Shoulder", (0.15, 0.0, 0.0)),
    "right_upper_arm": ("R_Shoulder", (-0.15, 0.0, 0.0)),
    "left_forearm": ("L_Elbow", (0.16, 0.0, 0.0)),
    "right_forearm": ("R_Elbow", (-0.16, 0.0, 0.0)),
    "left_wrist": ("L_Wrist", (0.0, 0.0, 0.0)),
    "right_wrist": ("R_Wrist", (0.0, 0.0, 0.0)),
    "left_hand": ("L_Wrist", (PALM, 0.0, 0.0)),
    "right_hand": ("R_Wrist", (-PALM, 0.0, 0.0)),
    "left_foot": ("L_Foot", (0.0, 0.0, 0.0)),
    "right_foot": ("R_Foot", (0.0, 0.0, 0.0)),
}
"""Places on a body that a hand can touch, and hands and feet themselves: the joint that carries the place, and metres
in its rest frame for the average size. Each is a point above the skin, by half the thickness of a palm."""


def place_points(name: str, joints: np.ndarray, rotations: np.ndarray, size: float | None = None) -> np.ndarray:
    """A place over time.

    Args:
        name: of ``PLACES``.
        joints: (T, 22, 3) metres.
        rotations: (T, 22, 3, 3) orientations in the world against the T-pose.
        size: of the body; None measures it.

    Returns:
        (T, 3) metres, in the world.
    """
    joint, local = PLACES[name]
    index = SMPL.index(joint)
    offset = (size_of(joints) if size is None else size) * np.array(local)
    return joints[:, index] + rotate(rotations[:, index], np.broadcast_to(offset, (len(joints), 3)))


_HANDS = ("left_hand", "right_hand")


def contact_gap(place: str, on: str | np.ndarray) -> float:
    """Metres between a place and the other person's place, or the point, that it is in contact with."""
    return PALM_GAP if isinstance(on, str) and place in _HANDS and on in _HANDS else 0.0


def swapped_side(name: str) -> str:
    """A place, hand or foot on the other side of the body."""
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def size_of(joints: np.ndarray) -> float:
    """Size of a body by its trunk, from pelvis to neck along the spine; 1 is average."""
    chain = [SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3", "Neck")]
    parents = [SMPL.parents[joint] for joint in chain]
    length = np.linalg.norm(joints[0, chain].astype(np.float64) - joints[0, parents], axis=-1).sum()
    return float(length / np.linalg.norm(SMPL_REST_OFFSETS[chain], axis=-1).sum())
