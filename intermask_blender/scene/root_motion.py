"""Copies of characters with a root bone that carries their travel, for the exporters and game engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat
from ..core import UserError, shared_travel
from ..rig.axes import vectors_to_blender
from ..rig.capture import capture
from ..rig.key import scene_fps, write_curves
from ..rig.rotation_modes import bone_path
from ..translations import tr
from .export_pose import posed_of

ROOT = "root"
"""The bone that Unreal, Unity and Godot take for root motion."""
HIPS, PAIR, PERSON, LEFT_OUT = "HIPS", "PAIR", "PERSON", "LEFT_OUT"


@dataclass(frozen=True)
class _Copy:
    """A copy of a character.

    Attributes:
        original, owner: the character and its copy, which has its name meanwhile.
        meshes: originals and copies of what is parented to it.
    """

    original: bpy.types.Object
    owner: bpy.types.Object
    meshes: list[tuple[bpy.types.Object, bpy.types.Object]]


@contextmanager
def with_root_bones(
    context: bpy.types.Context, owners: Sequence[bpy.types.Object], how: str, frames: tuple[int, int]
) -> Iterator[list[bpy.types.Object]]:
    """Armatures to export in place of characters; the copies are removed afterwards.

    Args:
        context: whose view layer holds the characters; in Object Mode.
        owners: one or two characters.
        how: ``HIPS`` gives the characters themselves; ``PAIR`` moves the travel that both share to a root bone of each,
            ``PERSON`` each one's own travel, and ``LEFT_OUT`` leaves the shared travel out.
        frames: first and last scene frame.

    Raises:
        UserError: a character cannot be read, or has a root bone already.
    """
    if how == HIPS:
        yield list(owners)
        return
    for owner in owners:
        if any(bone.parent is None and bone.name.lower() == ROOT for bone in owner.data.bones):
            raise UserError(
                tr("{name} has a root bone already, which the rig moves; export with Root Motion at Hips.").format(
                    name=owner.name
                )
            )
    travels = _travels(context.scene, owners, how, frames)
    copies: list[_Copy] = []
    active = context.view_layer.objects.active
    try:
        for owner, travel in zip(owners, travels, strict=True):
            copies.append(_copied(owner, context))
            _move_travel(copies[-1].owner, travel, frames, context, with_bone=how != LEFT_OUT)
        yield [copy.owner for copy in copies]
    finally:
        for copy in copies:
            _remove(copy)
        context.view_layer.objects.active = active


def _travels(
    scene: bpy.types.Scene, owners: Sequence[bpy.types.Object], how: str, frames: tuple[int, int]
) -> list[np.ndarray]:
    """The travel (T, 3) of each character in each frame, in the scene's world and units."""
    rate = scene_fps(scene)
    posed = [posed_of(capture(owner, scene, frames, rate=rate, shortest=1).motion) for owner in owners]
    actions = [owner.animation_data.action for owner in owners if owner.animation_data is not None]
    loop = all(action is not None and action.use_cyclic for action in actions)
    groups = [[one] for one in posed] if how == PERSON else [posed] * len(posed)
    metres = scene.unit_settings.scale_length or 1.0
    return [vectors_to_blender(shared_travel(group, loop)) / metres for group in groups]


def _copied(original: bpy.types.Object, context: bpy.types.Context) -> _Copy:
    owner = original.copy()
    owner.data = original.data.copy()
    meshes = []
    for child in original.children:
        mesh = child.copy()
        mesh.parent = owner
        for modifier in mesh.modifiers:
            if modifier.type == "ARMATURE" and modifier.object == original:
                modifier.object = owner
        meshes.append((child, mesh))
    for before, after in ((original, owner), *meshes):
        context.scene.collection.objects.link(after)
        name = before.name
        before.name, after.name = f"{name} (original)"[:60], name
    return _Copy(original, owner, meshes)


def _remove(copy: _Copy) -> None:
    for before, after in ((copy.original, copy.owner), *copy.meshes):
        name = after.name
        data, action = after.data, after.animation_data.action if after.animation_data is not None else None
        bpy.data.objects.remove(after)
        before.name = name
        if isinstance(data, bpy.types.Armature):
            bpy.data.armatures.remove(data)
        if action is not None and before is copy.original and not action.users:
            bpy.data.actions.remove(action)


def _move_travel(
    owner: bpy.types.Object,
    travel: np.ndarray,
    frames: tuple[int, int],
    context: bpy.types.Context,
    with_bone: bool,
) -> None:
    """Take the travel (T, 3) from the bones without a parent, and give it to a root bone."""
    source, slot = owner.animation_data.action, compat.slot_name(owner)
    compat.assign_action(owner, source.copy(), slot)
    store = compat.fcurve_store(owner, owner.animation_data.action)
    times = np.arange(frames[0], frames[1] + 1, dtype=np.float32)
    travel = travel[np.minimum(np.arange(len(times)), len(travel) - 1)]
    axes = np.array(owner.matrix_world, np.float64)[:3, :3]
    inside = travel @ np.linalg.inv(axes).T
    for bone in [bone for bone in owner.data.bones if bone.parent is None]:
        path = f"{bone_path(bone.name)}.location"
        rest = np.array(bone.matrix_local, np.float64)[:3, :3]
        posed = owner.pose.bones[bone.name].location
        curves = [store.fcurves.find(path, index=index) for index in range(3)]
        columns = [
            [posed[index] if curve is None else curve.evaluate(time) for time in times.tolist()]
            for index, curve in enumerate(curves)
        ]
        before = np.array(columns, np.float64).T
        for curve in curves:
            for modifier in list(curve.modifiers) if curve is not None else ():
                curve.modifiers.remove(modifier)
        write_curves(store, path, bone.name, times, before - inside @ rest)
    if with_bone:
        rest = _add_root(owner, context)
        write_curves(store, f"{bone_path(ROOT)}.location", ROOT, times, inside @ rest)


def _add_root(owner: bpy.types.Object, context: bpy.types.Context) -> np.ndarray:
    """Add the root bone at the armature's origin; returns its axes (3, 3) at rest."""
    context.view_layer.objects.active = owner
    with context.temp_override(active_object=owner, object=owner, selected_objects=[owner]):
        bpy.ops.object.mode_set(mode="EDIT")
        bones = owner.data.edit_bones
        tops = [bone for bone in bones if bone.parent is None]
        root = bones.new(ROOT)
        root.head, root.tail = (0.0, 0.0, 0.0), (0.0, 0.2 / max(owner.scale), 0.0)
        for bone in tops:
            bone.use_connect, bone.parent = False, root
        bpy.ops.object.mode_set(mode="OBJECT")
    return np.array(owner.data.bones[ROOT].matrix_local, np.float64)[:3, :3]
