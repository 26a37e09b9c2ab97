"""The skin of the bundled mannequin as points with normals, and how far other points are from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..motion.rotations import normalized, rotate
from ..motion.skeleton import SMPL

_MANNEQUIN = Path(__file__).resolve().parents[2] / "assets" / "body" / "mannequin.npz"
_CELL = 0.03
"""Metres: of the surface in a cell of this size one point is kept."""
_BLEND = 0.014
"""Metres (standard deviation) over which the planes of neighbouring points are blended."""
_HANDS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))


@dataclass(frozen=True)
class Skin:
    """Points on a body's skin.

    Attributes:
        joints: (N,) the joint of SMPL that carries each point.
        places: (N, 3) in the joint's frame, metres, for the mannequin's size.
        normals: (N, 3) out of the body, in the joint's frame.
    """

    joints: np.ndarray
    places: np.ndarray
    normals: np.ndarray

    def in_world(self, joints: np.ndarray, rotations: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Points and normals (T, N, 3) of a body with joints (T, 22, 3) and rotations (T, 22, 3, 3) in the world."""
        turns = rotations[:, self.joints]
        points = joints[:, self.joints] + rotate(turns, np.broadcast_to(size * self.places, turns.shape[:-1]))
        return points, rotate(turns, np.broadcast_to(self.normals, turns.shape[:-1]))


@cache
def mannequin_skin() -> Skin:
    """The mannequin's skin without its hands."""
    with np.load(_MANNEQUIN, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    vertices = arrays["vertex_origin"] + arrays["vertex_step"] * arrays["vertices"]
    faces = arrays["faces"]
    across = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    middles = vertices[faces].mean(1)
    main = arrays["skin_joints"][np.arange(len(vertices)), arrays["skin_weights"].argmax(1)]
    carrier = main[faces[:, 0]].astype(int)
    outside = (carrier < len(SMPL)) & ~np.isin(carrier, _HANDS)
    cells = np.concatenate((carrier[:, None], np.floor(middles / _CELL).astype(int)), axis=1)
    # A thin part has two sides in a cell: the direction in which they look distinguishes them.
    cells = np.concatenate((cells, (across > 0).astype(int)), axis=1)[outside]
    middles, across, carrier = middles[outside], across[outside], carrier[outside]
    _, first, member = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    area = np.linalg.norm(across, axis=-1)
    total = np.bincount(member.ravel(), area)
    places = _sums(member.ravel(), middles * area[:, None]) / np.maximum(total, 1e-12)[:, None]
    joints = carrier[first]
    return Skin(joints, places - arrays["rest_joints"][joints], normalized(_sums(member.ravel(), across)))


def _sums(member: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(G, 3) sums of values (N, 3) over groups ``member`` (N,)."""
    return np.stack([np.bincount(member, values[:, axis]) for axis in range(3)], axis=-1)


def heights(points: np.ndarray, skin: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far points are above a skin, negative inside, by blended tangent planes of its points.

    Args:
        points: (..., M, 3) metres.
        skin, normals: (..., K, 3) the points of the skin that are near.

    Returns:
        (..., M) metres, and the skin's normals there (..., M, 3).
    """
    # By products of matrices: the vectors between all points and all of the skin's are many.
    square = (points**2).sum(-1)[..., None] + (skin**2).sum(-1)[..., None, :] - 2 * points @ np.swapaxes(skin, -1, -2)
    # Relative to the nearest point, so that far points have a height too.
    weight = np.exp((square.min(-1, keepdims=True) - square) / (2 * _BLEND**2))
    weight /= weight.sum(-1, keepdims=True)
    along = points @ np.swapaxes(normals, -1, -2) - (skin * normals).sum(-1)[..., None, :]
    return (weight * along).sum(-1), normalized(weight @ normals)
