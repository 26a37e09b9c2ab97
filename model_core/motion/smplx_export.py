"""Writes people in AMASS's layout for SMPL-X, which ``smplx`` and the SMPL-X add-on take as it is.

======================  ========  ====================================================================
array                   shape     what
======================  ========  ====================================================================
poses                   (T, 165)  axis times angle of the 55 joints, radians; Z up
trans                   (T, 3)    where the body's origin is, metres, Z up: its pelvis is elsewhere
betas                   (16,)     shape: zeros, the mean body
gender                  ()        ``neutral``, ``female`` or ``male``
mocap_frame_rate        ()        frames per second
======================  ========  ====================================================================

Hands are absolute: ``smplx.create(..., use_pca=False, flat_hand_mean=True)``. (Mahmood et al. 2019, Pavlakos et al.
2019)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from .forward_kinematics import forward_kinematics
from .interaction_file import load_npz
from .posed import PosedSkeleton
from .rotations import axis_angle_from_quaternion, matrix_from_axis_angle, quaternion_from_matrix, quaternion_multiply
from .skeleton import SMPLX
from .smpl_model import SmplModel, load_smpl_model

BETAS = 16
"""Shape coefficients of AMASS's files."""

Z_UP_FROM_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation from Y up to Z up: (x, y, z) to (x, -z, y)."""


def smplx_arrays(person: PosedSkeleton, pelvis: np.ndarray, gender: str = "neutral") -> dict[str, np.ndarray]:
    """The arrays of one person.

    Args:
        person: on SMPL's 22 joints, with flat hands then, or on SMPL-X's 55.
        pelvis: (3,) of the body at rest, in its own frame, metres: ``trans`` leaves it out.
        gender: of the body.
    """
    turns = np.zeros((len(person), len(SMPLX), 4))
    turns[..., 0] = 1.0
    turns[:, : len(person.skeleton)] = person.rotations
    turns[:, 0] = quaternion_multiply(quaternion_from_matrix(Z_UP_FROM_Y_UP), turns[:, 0])
    return {
        "poses": axis_angle_from_quaternion(turns).reshape(len(person), -1),
        # The body turns about its pelvis, which keeps its place at rest.
        "trans": person.translation @ Z_UP_FROM_Y_UP.T - pelvis,
        "betas": np.zeros(BETAS),
        "gender": np.array(gender),
        "mocap_frame_rate": np.array(float(person.fps)),
    }


def export_smplx(take: Path, body: Path, out: Path, gender: str = "neutral") -> Iterator[str]:
    """Write the people of a take; yields a line for each file, with how far the body's joints are from the take's.

    Args:
        take: a file of ``save_npz``.
        body: the SMPL-X model file that will be moved.
        out: folder for ``NAME_1_smplx.npz`` and ``NAME_2_smplx.npz``.
        gender: of the body.

    Raises:
        UserError: a file is missing or damaged, the body is not SMPL-X's, or the folder cannot be written.
    """
    model = load_smpl_model(body)
    if model.skeleton != SMPLX:
        raise UserError(f"{body} is a body of SMPL with {len(model.skeleton)} joints; choose a model file of SMPL-X.")
    for number, person in enumerate(load_npz(take).people, 1):
        path = out / f"{take.stem}_{number}_smplx.npz"
        arrays = smplx_arrays(person, model.joints[0], gender)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
        package = joints_by_package(arrays, model)
        moved = joints_on_body(arrays, model) if package is None else package
        asked = person.joints() @ Z_UP_FROM_Y_UP.T
        apart = 1000 * float(np.abs(moved[:, : asked.shape[1]] - asked).max())
        why = "" if apart < 1 else ": its bones have other lengths"
        whose = "" if package is None else " (by smplx)"
        yield f"{path}: the body's joints are at most {apart:.1f} mm from the take's{whose}{why}."


def joints_on_body(arrays: dict[str, np.ndarray], model: SmplModel) -> np.ndarray:
    """(T, 55, 3) joints, metres, Z up, of a body that exported arrays move, by this project's own kinematics."""
    turns = matrix_from_axis_angle(arrays["poses"].reshape(-1, len(SMPLX), 3))
    offsets = model.joints - model.joints[list(SMPLX.parents)]
    return forward_kinematics(turns, arrays["trans"] + model.joints[0], offsets, SMPLX)


def joints_by_package(arrays: dict[str, np.ndarray], model: SmplModel) -> np.ndarray | None:
    """The same by the package ``smplx``; None where it is not installed.

    It gets the arrays that this project has read: the package itself would run what is pickled in a body's file.
    """
    try:
        import torch
        from smplx.lbs import batch_rigid_transform, batch_rodrigues
    except ImportError:
        return None
    poses = torch.from_numpy(arrays["poses"]).view(-1, 3)
    turns = batch_rodrigues(poses).view(-1, len(SMPLX), 3, 3)
    rest = torch.from_numpy(model.joints).to(turns).expand(len(turns), -1, -1)
    moved, _ = batch_rigid_transform(turns, rest, torch.tensor(SMPLX.parents), dtype=turns.dtype)
    return np.asarray(moved) + arrays["trans"][:, None]
