"""Make assets/body/mannequin.npz from the installed ``mannequin-x`` package (Apache-2.0).

Run once, with mannequin-x 0.3.0 and numpy installed: ``python tools/convert_mannequin.py``. The figure's 54 joints
become those of SMPL-X, without face (a hand goes with its wrist); positions and weights are stored as small integers.
"""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import files
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from model_core.files import atomic_write  # noqa: E402
from model_core.motion import SMPL, SMPLX  # noqa: E402

TARGET = ROOT / "assets" / "body" / "mannequin.npz"
SOURCE_SHA256 = "dfc62377f4a3ff21b50b0b4e5e2660be6dd4f7e085fac02f1327af2fe152600e"
INFLUENCES = 4
RENAMED = {"Torso": "Spine1", "Spine": "Spine2", "Chest": "Spine3", "L_Toe": "L_Foot", "R_Toe": "R_Foot"}
RENAMED |= {"L_Thorax": "L_Collar", "R_Thorax": "R_Collar"}


def main() -> None:
    """Read the package's wooden figure, convert it, write the file."""
    source = next(Path(str(f.locate())) for f in files("mannequin-x") or () if f.name == "wooden.npz")
    if hashlib.sha256(source.read_bytes()).hexdigest() != SOURCE_SHA256:
        raise SystemExit(f"{source} is not the file of mannequin-x 0.3.0; install that version.")
    with np.load(source, allow_pickle=False) as data:
        wooden = dict(data)
    joint_of = _smplx_joints(wooden["joint_names"].tolist(), wooden["parents"].tolist())
    joints, weights = _influences(wooden, joint_of)
    vertices, low, step = _quantised(wooden["vertices"].astype(np.float64))
    rest = np.zeros((len(SMPL), 3))
    for index, name in enumerate(wooden["joint_names"].tolist()):
        if (name := RENAMED.get(name, name)) in SMPL.joints:
            rest[SMPL.index(name)] = wooden["skin_source_joint_positions"][index]
    with atomic_write(TARGET) as temporary:
        np.savez_compressed(
            temporary,
            vertices=vertices,
            vertex_origin=low,
            vertex_step=step,
            faces=wooden["faces"].astype(np.uint16),
            ball_faces=_ball_faces(wooden),
            skin_joints=joints,
            skin_weights=weights,
            rest_joints=_symmetric(rest).astype(np.float32),
        )
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e6:.2f} MB, {len(vertices)} vertices")


def _smplx_joints(names: list[str], parents: list[int]) -> np.ndarray:
    """The SMPL-X joint that carries each joint of the figure: itself, or the nearest ancestor that SMPL-X has."""
    result: list[int] = []
    for name, parent in zip(names, parents, strict=True):
        name = RENAMED.get(name, name)
        result.append(SMPLX.index(name) if name in SMPLX.joints else result[parent])
    return np.array(result, np.uint8)


def _influences(wooden: dict[str, np.ndarray], joint_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest joints of each vertex (V, 4) and their shares of 255 (V, 4), which add up to 255."""
    count = len(wooden["vertices"])
    dense = np.zeros((count, len(SMPLX)))
    rows = np.arange(count)[:, None].repeat(wooden["skin_joint_indices"].shape[1], 1)
    np.add.at(dense, (rows, joint_of[wooden["skin_joint_indices"]]), wooden["skin_weights"])
    rigid = wooden["skin_rigid_joint_indices"]
    dense[rigid >= 0] = np.eye(len(SMPLX))[joint_of[rigid[rigid >= 0]]]
    joints = np.argsort(-dense, axis=1)[:, :INFLUENCES]
    weights = np.take_along_axis(dense, joints, axis=1)
    shares = np.rint(weights / weights.sum(axis=1, keepdims=True) * 255).astype(np.int64)
    shares[:, 0] += 255 - shares.sum(axis=1)
    return joints.astype(np.uint8), shares.astype(np.uint8)


def _ball_faces(wooden: dict[str, np.ndarray]) -> np.ndarray:
    """(F,) one where a face belongs to a ball between two limbs, which has a colour of its own."""
    balls = np.zeros(len(wooden["faces"]), np.uint8)
    starts, counts = wooden["skin_part_face_starts"], wooden["skin_part_face_counts"]
    for name, start, count in zip(wooden["skin_part_names"].tolist(), starts, counts, strict=True):
        balls[start : start + count] = name.startswith("joint_")
    return balls


def _quantised(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices as 16-bit steps from the lowest corner: steps of at most 0.03 mm."""
    low = vertices.min(axis=0)
    step = (vertices.max(axis=0) - low) / np.iinfo(np.uint16).max
    return np.rint((vertices - low) / step).astype(np.uint16), low, step


def _symmetric(joints: np.ndarray) -> np.ndarray:
    """Joints whose left and right are mirror images."""
    mirrored = joints[list(SMPL.mirror)] * (-1, 1, 1)
    return 0.5 * (joints + mirrored)


if __name__ == "__main__":
    main()
