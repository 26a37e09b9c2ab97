"""Which kind of rig an armature is: known bone maps scored by names and hierarchy, then words, then structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import bpy
import numpy as np

from ..core import SMPL, UserError, find_humanoid
from .map import BoneMap, RigMapping, canonical, known_maps
from .structure import mapped_by_structure

_LEAST = len(SMPL) // 3
"""Joints that a known map must find before an armature is said to look like one of its kind."""

_ALMOST_ALL = 14
"""Joints of a known map after which an armature is of that kind and nothing else."""

_OUT_OF_ORDER = 0.5
"""What a bone that does not hang from its parent joint's counts against one that has its name."""


def detect_rig(owner: bpy.types.Object, maps: Iterable[BoneMap] | None = None) -> RigMapping:
    """The bones of an armature that are SMPL's joints, by the bone map that fits best.

    Args:
        owner: an armature.
        maps: to choose from; None means the add-on's own.

    Raises:
        UserError: the object is no armature, or no person can be found in it.
    """
    if owner.type != "ARMATURE":
        raise UserError(f"{owner.name} is not an armature; choose the armature that moves the character.")
    candidates = [(_score(mapping, owner), mapping) for mapping in _by_names(owner, maps)]
    candidates = [(score, mapping) for score, mapping in candidates if not mapping.lacking]
    if candidates:
        return max(candidates, key=lambda candidate: candidate[0])[1]
    mapping = _by_words(owner)
    nearest = _nearest(owner, maps)
    if mapping is None and (nearest is None or len(nearest.bones) < _ALMOST_ALL):
        # What has nearly all of a known rig's bones lacks some: structure would take others for them.
        mapping = mapped_by_structure(owner)
    if mapping is None:
        raise UserError(_sentence(owner, maps))
    return mapping


def nearest_rig(owner: bpy.types.Object) -> RigMapping:
    """What an armature is recognised as; where it is not, the bones that the nearest map finds, which may be none."""
    try:
        return detect_rig(owner)
    except UserError:
        nearest = _nearest(owner, None)
        return nearest if nearest is not None and len(nearest.bones) >= _LEAST else RigMapping("Own", {})


def _by_names(owner: bpy.types.Object, maps: Iterable[BoneMap] | None) -> list[RigMapping]:
    return [resolve(bone_map, owner) for bone_map in (known_maps() if maps is None else maps)]


def resolve(bone_map: BoneMap, owner: bpy.types.Object) -> RigMapping:
    """A bone map with the names that this armature has; joints whose bones it lacks are left out."""
    bones = owner.data.bones
    by_canonical: dict[str, list[str]] = {}
    for bone in bones:
        by_canonical.setdefault(canonical(bone.name, bone_map.prefixes), []).append(bone.name)

    def alike(names: Iterable[str]) -> tuple[str, list[str]]:
        """The first of the names that the armature has in some spelling, and the bones that are spelt so."""
        found = ((name, by_canonical.get(canonical(name, bone_map.prefixes), [])) for name in names)
        return next(((name, same) for name, same in found if same), ("", []))

    def found(names: Iterable[str]) -> str:
        name, same = alike(names)
        # Of several bones that differ in case or separators, the one that is spelt as the map has it.
        return name if name in same else min(same, key=lambda other: len(bones[other].parent_recursive), default="")

    joints: dict[str, str] = {}
    for joint in SMPL.joints:
        names = bone_map.bones.get(joint, ())
        _, same = alike(names)
        if len(same) > 1:
            # Of several, one that hangs from its parent joint's, or carries a hip: others are props, or other people's.
            above = joints.get(_mapped_parent(joint, joints), "")
            hips = alike(bone_map.bones.get("L_Hip", ()))[1] if joint == "Pelvis" else []
            in_place = [other for other in same if _hangs(bones[other], above)
                        or any(_hangs(bones[hip], other) for hip in hips)]  # fmt: skip
            name = found(names)
            joints[joint] = name if name in in_place or not in_place else in_place[0]
        elif same:
            joints[joint] = same[0]
    controls = {joint: name for joint, names in bone_map.controls.items() if joint in joints and (name := found(names))}
    return RigMapping(
        bone_map.name,
        joints,
        controls,
        found((bone_map.root,)) if bone_map.root else "",
        {joint: other for joint, other in bone_map.follows.items() if joint in joints},
        tuple(setting for setting in bone_map.settings if setting.property in _properties(owner, setting.bone)),
    )


def _properties(owner: bpy.types.Object, bone: str) -> list[str]:
    # Armatures that were never drawn have no pose yet.
    return list(owner.pose.bones[bone].keys()) if owner.pose and bone in owner.pose.bones else []


def _score(mapping: RigMapping, owner: bpy.types.Object) -> tuple[float, int, int]:
    """How many joints were found and hang where they should; rigs with controls and exact names first among equals."""
    bones, points = owner.data.bones, 0.0
    for joint, name in mapping.bones.items():
        above = mapping.bones.get(_mapped_parent(joint, mapping.bones), "")
        points += 1.0 if not above or _hangs(bones[name], above) else _OUT_OF_ORDER
    exact = {name for bone_map in known_maps() if bone_map.name == mapping.rig for names in bone_map.bones.values()
             for name in names}  # fmt: skip
    return points, len(mapping.controls), sum(name in exact for name in mapping.bones.values())


def _mapped_parent(joint: str, bones: Mapping[str, str]) -> str:
    """The nearest joint above one that has a bone, empty where there is none."""
    parent = SMPL.parents[SMPL.index(joint)]
    while parent >= 0 and SMPL.joints[parent] not in bones:
        parent = SMPL.parents[parent]
    return SMPL.joints[parent] if parent >= 0 else ""


def _hangs(bone: bpy.types.Bone, above: str) -> bool:
    return any(other.name == above for other in bone.parent_recursive)


def _by_words(owner: bpy.types.Object) -> RigMapping | None:
    """A rig of no known kind whose bones have names that people understand."""
    bones = list(owner.data.bones)
    index = {bone.name: number for number, bone in enumerate(bones)}
    parents = tuple(index[bone.parent.name] if bone.parent else -1 for bone in bones)
    offsets = np.array(
        [bone.head_local - bone.parent.head_local if bone.parent else bone.head_local for bone in bones]
    ).reshape(-1, 3)
    try:
        humanoid = find_humanoid(tuple(index), parents, offsets, owner.name)
    except UserError:
        return None
    joints = {joint: bones[number].name for joint, number in humanoid.joints.items()}
    spine = [bones[number].name for number in humanoid.spine]
    picked = spine if len(spine) <= 3 else [spine[round(k)] for k in np.linspace(0, len(spine) - 1, 3)]
    joints.update(zip(("Spine1", "Spine2", "Spine3"), picked, strict=False))
    mapping = RigMapping("Humanoid (by names)", {joint: joints[joint] for joint in SMPL.joints if joint in joints})
    return None if mapping.lacking else mapping


def _sentence(owner: bpy.types.Object, maps: Iterable[BoneMap] | None) -> str:
    """Why no person is found: what the nearest bone map lacks."""
    nearest = _nearest(owner, maps)
    if nearest is None or len(nearest.bones) < _LEAST:
        return f"No person is recognised in the armature {owner.name}; choose its bones under Bone Map."
    return (
        f"{owner.name} looks like {nearest.rig} but lacks the bones for {', '.join(nearest.lacking)}; "
        "choose them under Bone Map, or add them."
    )


def _nearest(owner: bpy.types.Object, maps: Iterable[BoneMap] | None) -> RigMapping | None:
    """The bone map of which an armature has the most bones."""
    return max(_by_names(owner, maps), key=lambda mapping: len(mapping.bones), default=None)
