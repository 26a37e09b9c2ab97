"""Recognition of a person in any skeleton, from bone names, the tree and the rest pose; no Blender, no network."""

from __future__ import annotations

from .bone_maps import NEEDED, ROOT, SCHEMA, BoneMap, Setting, canonical, known_maps, load_map
from .labels import BONE_LABELS, bone_labels
from .recognise import (
    Check,
    Humanoid,
    NotRecognisedError,
    Recognition,
    find_mapped,
    lacking,
    nearest_match,
    recognise,
)
from .skeleton_tree import SkeletonTree
from .words import canonical_name

__all__ = [
    "BONE_LABELS",
    "NEEDED",
    "ROOT",
    "SCHEMA",
    "BoneMap",
    "Check",
    "Humanoid",
    "NotRecognisedError",
    "Recognition",
    "Setting",
    "SkeletonTree",
    "bone_labels",
    "canonical",
    "canonical_name",
    "find_mapped",
    "known_maps",
    "lacking",
    "load_map",
    "nearest_match",
    "recognise",
]
