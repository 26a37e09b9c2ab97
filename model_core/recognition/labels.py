"""What animators call the bones that begin at SMPL's joints. Files and code keep SMPL's names."""

from __future__ import annotations

from collections.abc import Iterable

_SIDED = {
    "Hip": "Thigh", "Knee": "Shin", "Ankle": "Foot", "Foot": "Toes", "Collar": "Shoulder", "Shoulder": "Upper Arm",
    "Elbow": "Forearm", "Wrist": "Hand",
}  # fmt: skip

BONE_LABELS = {
    "Pelvis": "Hips",
    "Spine1": "Spine 1",
    "Spine2": "Spine 2",
    "Spine3": "Spine 3",
    "Neck": "Neck",
    "Head": "Head",
    **{
        f"{letter}_{joint}": f"{side} {label}"
        for letter, side in (("L", "Left"), ("R", "Right"))
        for joint, label in _SIDED.items()
    },
}
"""SMPL joint to the label of the bone that begins there: ``L_Hip`` is where the left thigh begins."""


def bone_labels(joints: Iterable[str]) -> str:
    """The labels of some of SMPL's joints in one line."""
    return ", ".join(BONE_LABELS[joint] for joint in joints)
