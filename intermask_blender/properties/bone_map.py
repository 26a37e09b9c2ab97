"""The bone map that a user edited, stored with the armature object in the .blend file."""

from __future__ import annotations

import bpy

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
_GROWING = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}


class InterMaskBone(bpy.types.PropertyGroup):
    """The bones of one joint; the item's name is the joint's."""

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


OBJECT_PROPERTIES = {
    "intermask_bones": bpy.props.CollectionProperty(type=InterMaskBone, override=_GROWING),
    "intermask_bone_settings": bpy.props.CollectionProperty(type=InterMaskBoneSetting, override=_GROWING),
    "intermask_bones_edited": bpy.props.BoolProperty(override=_OVERRIDABLE),
    "intermask_bone_index": bpy.props.IntProperty(name="Joint", override=_OVERRIDABLE),
    "intermask_ik": bpy.props.StringProperty(override=_OVERRIDABLE),
    "intermask_rig": bpy.props.StringProperty(override=_OVERRIDABLE),
    "intermask_root_bone": bpy.props.StringProperty(
        name="Root-Motion Bone",
        description="Control that carries the body through the world. If empty, the one of the hips",
        override=_OVERRIDABLE,
    ),
}
"""Properties of an object with the bone map that its user edited.

They are not in one property group: Blender 5.0 does not load a group of a library override that its library lacks.
"""
