"""Recognises a person in any skeleton from bone names, hierarchy and rest pose; needs no Blender and no network."""

from __future__ import annotations

from .bone_maps import NEEDED, ROOT, SCHEMA, BoneMap, canonical, known_maps, load_map
from .ik_limbs import IK_LIMBS, IkLimb, Setting
from .labels import BONE_LABELS, bone_labels
from .recognise import (
    Check,
    FailureReason,
    Humanoid,
    NotRecognisedError,
    Recognition,
    find_mapped,
    missing_joints,
    nearest_match,
    recognise,
)
from .skeleton_tree import SkeletonTree
from .words import canonical_name

__all__ = [
    "BONE_LABELS",
    "IK_LIMBS",
    "NEEDED",
    "ROOT",
    "SCHEMA",
    "BoneMap",
    "Check",
    "FailureReason",
    "Humanoid",
    "IkLimb",
    "NotRecognisedError",
    "Recognition",
    "Setting",
    "SkeletonTree",
    "bone_labels",
    "canonical",
    "canonical_name",
    "find_mapped",
    "known_maps",
    "load_map",
    "missing_joints",
    "nearest_match",
    "recognise",
]
