"""The wooden mannequin's mesh: reading it, and fitting it to a character's bone lengths. In a motion's axes."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..core import ASSETS, SMPL, SMPLX, Skeleton, UserError, rotations
from ..translations import tr

MANNEQUIN = ASSETS / "body" / "mannequin.npz"
MIN_STRETCH, MAX_STRETCH = 0.4, 2.5
"""Limits of a part's scale relative to the whole figure's, beyond which it looks broken."""


@dataclass(frozen=True)
class BodyMesh:
    """A skinned figure in its T-pose. Metres, Y up, facing +Z, left at +X.

    Attributes:
        vertices: (V, 3) positions.
        faces: (F, 3) triangles.
        ball_faces: (F,) true for faces of a ball between two limbs.
        skin_joints: (V, K) SMPL-X joints that move each vertex.
        skin_weights: (V, K) their weights, which add up to one.
        rest_joints: (22, 3) joint positions.
    """

    vertices: np.ndarray
    faces: np.ndarray
    ball_faces: np.ndarray
    skin_joints: np.ndarray
    skin_weights: np.ndarray
    rest_joints: np.ndarray


@cache
def load_body(path: Path = MANNEQUIN) -> BodyMesh:
    """Read a figure; the arrays are described next to the file.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            return BodyMesh(
                vertices=data["vertex_origin"] + data["vertex_step"] * data["vertices"],
                faces=data["faces"].astype(np.int32),
                ball_faces=data["ball_faces"].astype(bool),
                skin_joints=data["skin_joints"].astype(np.int32),
                skin_weights=data["skin_weights"] / 255.0,
                rest_joints=data["rest_joints"].astype(np.float64),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            tr("The mannequin file {path} is missing or damaged; reinstall the add-on.").format(path=path)
        ) from error


def rest_joints(offsets: np.ndarray, parents: tuple[int, ...]) -> np.ndarray:
    """(J, 3) joint positions of a T-pose with its root at the origin."""
    joints = np.zeros((len(parents), 3))
    for joint in range(1, len(parents)):
        joints[joint] = joints[parents[joint]] + offsets[joint]
    return joints


def _carriers() -> np.ndarray:
    """(55,) for each joint of SMPL-X the one of SMPL that carries it."""
    result: list[int] = []
    for joint, parent in enumerate(SMPLX.parents):
        result.append(joint if joint < len(SMPL) else result[parent])
    return np.array(result)


_CARRIERS = _carriers()


def skin_weights(body: BodyMesh, skeleton: Skeleton) -> np.ndarray:
    """(V, J) weights of a figure's vertices for a skeleton; without fingers, these go with the wrists."""
    joints = body.skin_joints if skeleton == SMPLX else _CARRIERS[body.skin_joints]
    weights = np.zeros((len(body.vertices), len(skeleton)))
    np.add.at(weights, (np.arange(len(weights))[:, None], joints), body.skin_weights)
    return weights


def fitted_vertices(body: BodyMesh, offsets: np.ndarray) -> np.ndarray:
    """The figure's vertices with a character's bone lengths.

    Each bone's surface is moved from the figure's joint to the character's, rotated into the new direction and
    stretched along it. Vertices follow their bones by skin weight, so the surface stays closed.

    Args:
        body: the figure.
        offsets: (22 or more, 3) each joint's position in its parent's frame; SMPL's joints come first.

    Returns:
        (V, 3) with the root joint at the origin.
    """
    source = body.rest_joints
    target = rest_joints(offsets[: len(SMPL)], SMPL.parents)
    maps = _bone_maps(source, target)
    result = np.zeros_like(body.vertices)
    for joints, weights in zip(_CARRIERS[body.skin_joints.T], body.skin_weights.T, strict=True):
        moved = rotations.rotate(maps[joints], body.vertices - source[joints]) + target[joints]
        result += weights[:, None] * moved
    return result


def sole_depth(body: BodyMesh, offsets: np.ndarray) -> float:
    """How far, in metres, the fitted figure's soles lie below its lowest joint in the T-pose."""
    lowest_joint = rest_joints(offsets[: len(SMPL)], SMPL.parents)[:, 1].min()
    return max(0.0, float(lowest_joint - fitted_vertices(body, offsets)[:, 1].min()))


def _bone_maps(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(22, 3, 3) linear maps of each bone's surroundings from the figure to the character."""
    old, new = source - source[list(SMPL.parents)], target - target[list(SMPL.parents)]
    old_lengths, new_lengths = np.linalg.norm(old[1:], axis=1), np.linalg.norm(new[1:], axis=1)
    size = max(float(new_lengths.sum() / old_lengths.sum()), 1e-9)
    maps = np.zeros((len(SMPL), 3, 3))
    for joint, children in enumerate(SMPL.children):
        if SMPL.joints[joint] in ("Pelvis", "Spine3"):
            width, height = _width_ratio(source, target, joint), _height_ratio(old, new, joint)
            maps[joint] = np.diag((_within(width, size), _within(height, size), size))
        elif SMPL.joints[joint].endswith("Ankle"):
            # To keep its sole level, a foot is scaled along the axes and not rotated.
            toe = children[0]
            maps[joint] = np.diag((size, *(_within(new[toe, axis] / old[toe, axis], size) for axis in (1, 2))))
        elif len(children) == 1:
            maps[joint] = _turned_and_stretched(old[children[0]], new[children[0]], size)
        elif SMPL.joints[joint].endswith("Wrist"):
            maps[joint] = size * _turn(old[joint], new[joint])
        else:
            maps[joint] = size * np.eye(3)
    return maps


def _within(scale: float, size: float) -> float:
    """A part's scale, limited against the scale of the whole figure."""
    return size * float(np.clip(scale / size, MIN_STRETCH, MAX_STRETCH))


def _width_ratio(source: np.ndarray, target: np.ndarray, joint: int) -> float:
    """The character's hip width (or, at the chest, shoulder width) over the figure's."""
    left, right = ("L_Hip", "R_Hip") if joint == 0 else ("L_Shoulder", "R_Shoulder")
    pair = SMPL.index(left), SMPL.index(right)
    return float(np.ptp(target[pair, 0]) / np.ptp(source[pair, 0]))


def _height_ratio(old: np.ndarray, new: np.ndarray, joint: int) -> float:
    """The height from the hips to the first spine joint (or from the chest to the neck), over the figure's."""
    top, bottom = (SMPL.index("Spine1"), SMPL.index("L_Hip")) if joint == 0 else (SMPL.index("Neck"), None)
    below = (0.0, 0.0) if bottom is None else (new[bottom, 1], old[bottom, 1])
    return float((new[top, 1] - below[0]) / (old[top, 1] - below[1]))


def _turn(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation from one direction to another."""
    if np.linalg.norm(new) < 1e-6 * np.linalg.norm(old):
        return np.eye(3)
    return rotations.matrix_from_quaternion(rotations.shortest_arc(old, new))


def _turned_and_stretched(old: np.ndarray, new: np.ndarray, size: float) -> np.ndarray:
    """(3, 3) map that takes the bone ``old`` to ``new`` and scales across it by ``size``."""
    along = old / np.linalg.norm(old)
    stretch = _within(float(np.linalg.norm(new) / np.linalg.norm(old)), size)
    return _turn(old, new) @ (size * np.eye(3) + (stretch - size) * np.outer(along, along))
