"""The takes of a scene: which actions make one, on whom, and how it was generated."""

from __future__ import annotations

import bpy


class InterMaskTake(bpy.types.PropertyGroup):
    """One draw of an interaction. Pointers, so that it follows renamed characters and is saved with them."""

    prompt: bpy.props.StringProperty()  # type: ignore[valid-type]
    seed: bpy.props.IntProperty()  # type: ignore[valid-type]
    number: bpy.props.IntProperty()  # type: ignore[valid-type]
    model: bpy.props.StringProperty()  # type: ignore[valid-type]
    stands_in: bpy.props.StringProperty()  # type: ignore[valid-type]
    keep: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep", description="Spare this take when the others are deleted"
    )
    character_1: bpy.props.PointerProperty(type=bpy.types.Object)  # type: ignore[valid-type]
    character_2: bpy.props.PointerProperty(type=bpy.types.Object)  # type: ignore[valid-type]
    action_1: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    action_2: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
