"""Made-up model files in the layout of SMPL's and SMPL-X's: a body of boxes around the joints."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from model_core.motion import SMPL, SMPLX
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.skeleton import Skeleton
from model_core.motion.smpl_model import SMPL_BODY

_CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
_TRIANGLES = np.array([
    (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
    (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
])  # fmt: skip


def rest_joints(skeleton: Skeleton) -> np.ndarray:
    """(J, 3) a T-pose whose hands and face are plausible."""
    joints = np.zeros((len(skeleton), 3))
    for joint in range(1, len(skeleton)):
        name, parent = skeleton.joints[joint], skeleton.parents[joint]
        if joint < len(SMPL):
            offset = SMPL_REST_OFFSETS[joint]
        elif name in ("Jaw", "L_Eye", "R_Eye"):
            offset = np.array(
                {"Jaw": (0, -0.01, 0.03), "L_Eye": (0.03, 0.06, 0.08), "R_Eye": (-0.03, 0.06, 0.08)}[name]
            )
        else:
            side = 1.0 if name.startswith("L_") else -1.0
            fan = {"Index": 0.02, "Middle": 0.0, "Pinky": -0.04, "Ring": -0.02, "Thumb": 0.04}.get(name[2:-1], 0.0)
            offset = np.array((0.08 * side if name.endswith(("1", "Hand")) else 0.025 * side, 0.0, fan))
        joints[joint] = joints[parent] + offset
    return joints + np.array((0.0, 0.2, 0.0))


def smpl_arrays(joint_count: int, shapes: int = 12) -> dict[str, np.ndarray]:
    """What a model file holds: a box around every joint, bound to it and a little to its parent."""
    skeleton = {24: SMPL_BODY, 55: SMPLX}[joint_count]
    joints, rng = rest_joints(skeleton), np.random.default_rng(joint_count)
    sizes = np.where(np.arange(joint_count) < len(SMPL), 0.05, 0.012)[:, None, None]
    vertices = (joints[:, None] + sizes * _CORNERS).reshape(-1, 3)
    regressor = np.kron(np.eye(joint_count), np.full((1, 8), 1 / 8))
    weights = np.zeros((len(vertices), joint_count))
    parents = [max(0, parent) for parent in skeleton.parents]
    for row in range(len(vertices)):
        own, share = row // 8, rng.uniform(0.6, 1.0)
        weights[row, own] += share
        weights[row, parents[own]] += 1 - share
    return {
        "v_template": vertices,
        "f": np.concatenate([_TRIANGLES + 8 * joint for joint in range(joint_count)]).astype(np.uint32),
        "J_regressor": regressor,
        "weights": weights,
        "shapedirs": rng.normal(0, 0.01, (len(vertices), 3, shapes)),
        "posedirs": np.zeros((len(vertices), 3, 9 * (joint_count - 1))),
        "kintree_table": np.array(((2**32 - 1, *skeleton.parents[1:]), range(joint_count)), np.uint32),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """As SMPL-X's, with an entry that is pickled."""
    np.savez(path, **arrays, joint2num=np.array({"pelvis": 0}, dtype=object))
    return path


class _Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 did: as text."""

    dispatch: ClassVar[dict[type, Any]] = {
        **pickle._Pickler.dispatch,
        bytes: lambda self, value: self.write(b"T" + struct.pack("<I", len(value)) + value),
    }


def write_pickle(path: Path, arrays: dict[str, Any], protocol: int = 2, python_2: bool = False) -> Path:
    """As SMPL's: some arrays are chumpy's, and the regressor is a sparse matrix. Neither package need be there."""
    made: dict[str, types.ModuleType] = {}

    def shell(module: str, name: str) -> type:
        cls = type(name, (), {"__module__": module})
        for end in range(1, module.count(".") + 2):
            part = ".".join(module.split(".")[:end])
            made[part] = made.get(part) or types.ModuleType(part)
        setattr(made[module], name, cls)
        return cls

    ch, select = shell("chumpy.ch", "Ch"), shell("chumpy.reordering", "Select")
    matrix = shell("scipy.sparse.csc", "csc_matrix")

    def kept(cls: type, **state: Any) -> Any:
        item = cls()
        item.__dict__.update(state)
        return item

    content = dict(arrays)
    if "J_regressor" in arrays:
        dense = np.asarray(arrays["J_regressor"])
        columns, rows = np.nonzero(dense.T)
        starts = np.searchsorted(columns, np.arange(dense.shape[1] + 1))
        content["J_regressor"] = kept(
            matrix, _shape=dense.shape, data=dense[rows, columns], indices=rows.astype(np.int32),
            indptr=starts.astype(np.int32), maxprint=50,
        )  # fmt: skip
    if "weights" in arrays:
        content["weights"] = kept(ch, x=arrays["weights"], _dirty_vars={"x"}, _itr=None)
    if "shapedirs" in arrays:
        shapes = arrays["shapedirs"]
        content["shapedirs"] = kept(
            select, a=kept(ch, x=shapes), idxs=np.arange(shapes.size), preferred_shape=shapes.shape
        )
    content["bs_style"] = "lbs"
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        stream = io.BytesIO()
        (_Python2Pickler if python_2 else pickle.Pickler)(stream, protocol).dump(content)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    path.write_bytes(stream.getvalue())
    return path
