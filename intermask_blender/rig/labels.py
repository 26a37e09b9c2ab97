"""Labels of the bones that begin at SMPL's joints, in the language of Blender's interface."""

from __future__ import annotations

from collections.abc import Iterable

from ..core import BONE_LABELS
from ..translations import TRANSLATION_CONTEXT, tr


def bone_label(joint: str) -> str:
    """The label of the bone that begins at a joint; the joint's name if it is not in SMPL's body."""
    # In Blender a bone's head is where it begins.
    return tr(BONE_LABELS[joint], TRANSLATION_CONTEXT) if joint in BONE_LABELS else joint


def bone_labels(joints: Iterable[str]) -> str:
    """The labels of several joints in one line."""
    return ", ".join(bone_label(joint) for joint in joints)
