"""Five clips of two people as the bundled model generates them, before the solver.

``python tests/helpers/generated_clips.py`` generates them again with the model of the working tree.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from model_core.motion.rotations import matrix_from_quaternion, quaternion_from_matrix  # noqa: E402
from model_core.motion.types import Motion  # noqa: E402

FILE = REPOSITORY / "tests" / "model_core" / "kinematics" / "data" / "generated_clips.npz"
CLIPS = {
    "walk": ("two people walk side by side", 1),
    "shake": ("two people shake hands", 2),
    "hug": ("two people hug each other", 4),
    "bow": ("two people bow to each other", 8),
    "push": ("one person pushes the other", 7),
}
"""Prompt and seed by name; each has 120 frames."""
_METRES, _QUATERNION = 2e-4, 1 / 32767
"""Units of the stored integers."""


def generated(name: str) -> list[Motion]:
    """Both people of a clip."""
    with np.load(FILE) as file:
        joints = file[f"{name}_joints"] * _METRES
        rotations = matrix_from_quaternion(file[f"{name}_rotations"] * _QUATERNION)
    return [Motion(*person) for person in zip(joints, rotations, strict=True)]


def _write() -> None:
    from model_core.generation.pipeline import GenerateOptions, InterMask

    model = InterMask.load(REPOSITORY / "assets" / "models" / "starter", "cpu")
    arrays = {}
    for name, (prompt, seed) in CLIPS.items():
        people = model.generate(prompt, 120, GenerateOptions(seed=seed))[0].people
        joints = np.stack([person.joints for person in people])
        quaternions = quaternion_from_matrix(np.stack([person.rotations for person in people]))
        arrays[f"{name}_joints"] = np.round(joints / _METRES).astype(np.int16)
        arrays[f"{name}_rotations"] = np.round(quaternions / _QUATERNION).astype(np.int16)
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    _write()
