"""The bone map that a user edited: kept with the armature object, in the file that it is saved in."""

from __future__ import annotations

import bpy

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
_GROWING = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}


class InterMaskBone(bpy.types.PropertyGroup):
    """The bones of one joint, whose name is the item's."""

    bone: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Bone", description="Bone that begins at this joint and is read", override=_OVERRIDABLE
    )
    control: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Keyed Bone",
        description="Control that is keyed for this joint; empty means the bone itself",
        override=_OVERRIDABLE,
    )
    follows: bpy.props.StringProperty(override=_OVERRIDABLE)  # type: ignore[valid-type]


class InterMaskBoneSetting(bpy.types.PropertyGroup):
    """A custom property of a bone that is keyed with the motion; the item's name is the property's."""

    bone: bpy.props.StringProperty(override=_OVERRIDABLE)  # type: ignore[valid-type]
    value: bpy.props.FloatProperty(override=_OVERRIDABLE)  # type: ignore[valid-type]


class InterMaskBoneMap(bpy.types.PropertyGroup):
    """The bones of one armature that are SMPL's joints, as its user chose them."""

    edited: bpy.props.BoolProperty(override=_OVERRIDABLE)  # type: ignore[valid-type]
    rig: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Kind", description="What such rigs are called", override=_OVERRIDABLE
    )
    root: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Travel",
        description="Control that carries the body and takes its travel; empty means the pelvis's",
        override=_OVERRIDABLE,
    )
    joints: bpy.props.CollectionProperty(type=InterMaskBone, override=_GROWING)  # type: ignore[valid-type]
    settings: bpy.props.CollectionProperty(type=InterMaskBoneSetting, override=_GROWING)  # type: ignore[valid-type]
    index: bpy.props.IntProperty(name="Joint", override=_OVERRIDABLE)  # type: ignore[valid-type]
