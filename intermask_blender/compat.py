"""Everything that differs between Blender 4.2 and 5.x, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

SLOTTED_ACTIONS = bpy.app.version >= (4, 4)
"""Whether an action holds animation for several data-blocks in slots, layers and strips."""


def fcurve_store(owner: bpy.types.Object, action: bpy.types.Action) -> Any:
    """What holds ``fcurves`` and ``groups`` of ``action`` for ``owner``, whose action it must already be.

    Before 4.4 the action itself; from then on the channel bag of the owner's slot, which is made where missing.
    """
    if not SLOTTED_ACTIONS:
        return action
    animation = owner.animation_data
    if animation.action_slot is None:
        animation.action_slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(animation.action_slot, ensure=True)


def add_fcurve(store: Any, path: str, index: int, group: str) -> bpy.types.FCurve:
    """An empty curve in what ``fcurve_store`` gave, in the group of that name; one that is there loses its keys."""
    curve = store.fcurves.find(path, index=index)
    if curve is not None:
        curve.keyframe_points.clear()
        return curve
    curve = store.fcurves.new(path, index=index)
    curve.group = store.groups.get(group) or store.groups.new(group)
    return curve


def slot_name(owner: bpy.types.Object | bpy.types.Scene) -> str:
    """Name of the action slot that animates an object or a scene; empty before 4.4, which has no slots."""
    if not SLOTTED_ACTIONS or owner.animation_data.action_slot is None:
        return ""
    return str(owner.animation_data.action_slot.identifier)


def assign_action(owner: bpy.types.Object | bpy.types.Scene, action: bpy.types.Action, slot: str = "") -> None:
    """Make an action the one that moves an object or a scene, with the slot in which the object's curves lie.

    Args:
        owner: the object.
        action: the action.
        slot: what ``slot_name`` gave for it; empty means the one that Blender finds, else the first.
    """
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    if not SLOTTED_ACTIONS:
        return
    if slot in action.slots:
        animation.action_slot = action.slots[slot]
    elif animation.action_slot is None and action.slots:
        animation.action_slot = action.slots[0]


def bind_strip(strip: bpy.types.NlaStrip, animation: bpy.types.AnimData) -> None:
    """Let an NLA strip play the slot that the object's action plays."""
    if SLOTTED_ACTIONS and strip.action_slot is None:
        strip.action_slot = animation.action_slot


def animated_range(owner: bpy.types.Object) -> tuple[float, float] | None:
    """First and last frame of the object's own keys and of what plays in its NLA; None if there is neither."""
    animation = owner.animation_data
    if animation is None:
        return None
    tracks = list(animation.nla_tracks) if animation.use_nla else []
    alone = [track for track in tracks if track.is_solo]
    playing = alone or [track for track in tracks if not track.mute]
    ranges = [(strip.frame_start, strip.frame_end) for track in playing for strip in track.strips if not strip.mute]
    # A track alone plays even where it is mute, and silences the action.
    keyed = None if alone else keyed_range(owner)
    if keyed is not None:
        ranges.append(keyed)
    return _spanned(ranges)


def keyed_range(owner: bpy.types.Object) -> tuple[float, float] | None:
    """First and last frame of the object's own keys in its action, strips left out; None if there are none."""
    animation = owner.animation_data
    if animation is None:
        return None
    # A curve without keys, with modifiers only, has no range.
    curves = [curve for curve in _curves(animation) if curve.keyframe_points or curve.sampled_points]
    if curves and animation.action.use_frame_range:
        return _spanned([animation.action.frame_range])
    return _spanned([curve.range() for curve in curves])


def own_curves(owner: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The curves of the object's own action, strips left out."""
    return [] if owner.animation_data is None else _curves(owner.animation_data)


def curves_of_action(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """All curves of an action, of all its slots."""
    if not SLOTTED_ACTIONS:
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips]
    return [curve for strip in strips for bag in strip.channelbags for curve in bag.fcurves]


def _spanned(ranges: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """From the first frame of all ranges to their last; None if there are none."""
    if not ranges:
        return None
    return float(min(first for first, _ in ranges)), float(max(last for _, last in ranges))


def moved_paths(owner: bpy.types.Object) -> set[str]:
    """Data paths of all that the object's action and its NLA strips have curves for, silent ones too."""
    animation = owner.animation_data
    if animation is None:
        return set()
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    # A meta strip holds others.
    for strip in strips:
        strips += strip.strips
    return {curve.data_path for player in (animation, *strips) for curve in _curves(player)}


def _curves(player: bpy.types.AnimData | bpy.types.NlaStrip) -> list[bpy.types.FCurve]:
    """The curves of an action that one object or strip plays, other slots left out; nothing is made for it."""
    action = player.action
    if action is None:
        return []
    if not SLOTTED_ACTIONS:
        return list(action.fcurves)
    slot = player.action_slot
    if slot is None:
        return []
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def selected_bones(owner: bpy.types.Object) -> frozenset[str]:
    """Names of the bones of an armature that are selected; in Pose Mode of those that are shown.

    Bones of hidden collections, as most of a control rig's are, stay selected without the user's knowledge.
    """
    shown = bpy.context.selected_pose_bones
    if owner.mode == "POSE" and shown is not None:
        return frozenset(bone.name for bone in shown if bone.id_data == owner)
    if bpy.app.version >= (5, 0):
        return frozenset(bone.name for bone in owner.pose.bones if bone.select)
    return frozenset(bone.name for bone in owner.data.bones if bone.select)


def has_text_boxes() -> bool:
    """Whether a text field can have several lines: from 5.2 on."""
    return hasattr(bpy.types.UILayout, "textbox")


def text_field(layout: bpy.types.UILayout, owner: bpy.types.PropertyGroup, name: str, placeholder: str) -> None:
    """A text field without a label; of several lines where Blender has them."""
    if has_text_boxes():
        try:
            layout.textbox(owner, name, initial_visible_lines=2, placeholder=placeholder)
            return
        except TypeError:
            # Its arguments differ from 5.3 on.
            pass
    layout.prop(owner, name, text="", placeholder=placeholder)


def paint_material(material: bpy.types.Material, colour: tuple[float, float, float], roughness: float) -> None:
    """Give a material one colour, both in the viewport (and Workbench) and as a shader for Cycles."""
    material.diffuse_color = (*colour, 1.0)
    material.roughness = roughness
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness


def world_nodes(world: bpy.types.World) -> Any:
    """The shader nodes of a world, switched on."""
    if bpy.app.version < (5, 0):
        world.use_nodes = True
    return world.node_tree.nodes


def set_video_output(scene: bpy.types.Scene) -> None:
    """Render to an H.264 MP4."""
    if bpy.app.version >= (5, 0):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format = "MPEG4"
    scene.render.ffmpeg.codec = "H264"
    scene.render.ffmpeg.constant_rate_factor = "HIGH"
    scene.render.ffmpeg.audio_codec = "NONE"


def set_image_output(scene: bpy.types.Scene) -> None:
    """Render to numbered PNG pictures."""
    if bpy.app.version >= (5, 0):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
