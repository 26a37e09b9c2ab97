"""A take as files: skeletons and motion by our own writers, whole characters by Blender's exporters."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from .. import core
from ..core import PosedSkeleton, UserError, atomic_write
from ..rig.capture import capture
from ..rig.key import scene_fps
from ..translations import tr
from .export_pose import posed_of
from .root_motion import HIPS, with_root_bones
from .takes import character_actions, people_of, seed_of

SUFFIXES = {"FBX": ".fbx", "GLTF": ".glb", "USD": ".usdc", "BVH": ".bvh", "NPZ": ".npz"}

MAX_SECTIONS = 64
"""Sections of a binary USD file that are read; real files have fewer."""

_ADDONS = {"FBX": ("io_scene_fbx", "FBX format"), "GLTF": ("io_scene_gltf2", "glTF 2.0 format")}


def missing_exporter(kind: str) -> str:
    """Why Blender cannot write a format now, in a few words for a disabled button; empty if it can."""
    if kind in _ADDONS and _ADDONS[kind][0] not in bpy.context.preferences.addons:
        return tr("Enable Blender's own add-on {addon} in the preferences first").format(addon=_ADDONS[kind][1])
    if kind == "USD" and not bpy.app.build_options.usd:
        return tr("This Blender was built without USD")
    return ""


def path_with_suffix(path: Path, kind: str) -> Path:
    """The path with the suffix of a format; only a format's suffix is replaced: names may have dots (shot.010)."""
    name = path.name
    if path.suffix.lower() in SUFFIXES.values():
        name = path.stem
    return path.with_name(name + SUFFIXES[kind])


def files_of(path: Path, kind: str, people: int) -> list[Path]:
    """The files that an export to a path writes: BVH has one for each person, ``shot_1.bvh`` and ``shot_2.bvh``.

    Args:
        path: as the user named it.
        kind: a key of ``SUFFIXES``.
        people: number of characters.
    """
    path = path_with_suffix(path, kind)
    if kind != "BVH" or people < 2:
        return [path]
    stem = path.stem.removesuffix("_1")
    return [path.with_stem(f"{stem}_{number}") for number in range(1, people + 1)]


def export_take(
    context: bpy.types.Context,
    take: bpy.types.PropertyGroup,
    kind: str,
    path: Path,
    root_motion: str = HIPS,
    fbx_units: str = "CENTIMETRES",
) -> list[Path]:
    """Write both characters of a take with their motion. The scene does not change.

    Args:
        context: whose scene and view layer hold the characters.
        take: one of the scene's takes, the one that is shown.
        kind: a key of ``SUFFIXES``.
        path: where to write; see ``path_with_suffix`` and ``files_of``.
        root_motion: which bones carry the travel in files of Blender's exporters; see ``with_root_bones``.
        fbx_units: ``CENTIMETRES`` or ``METRES``; of FBX files.

    Returns:
        The files; they appear whole or not at all.

    Raises:
        UserError: a character was deleted or is not in the view layer, the exporter is missing, or the file cannot be
            written.
    """
    found = character_actions(take)
    if not found or any(owner.name not in context.view_layer.objects for owner, _ in found):
        raise UserError(
            tr("The characters of the take {take} are not in this scene; generate it again.").format(take=take.name)
        )
    first = min(action.frame_range[0] for _, action in found)
    last = max(action.frame_range[1] for _, action in found)
    owners = [owner for owner, _ in found]
    files = files_of(path, kind, len(owners))
    if kind in ("BVH", "NPZ"):
        _write_own_format(context.scene, owners, take, (first, last), files)
        return files
    path = files[0]
    if reason := missing_exporter(kind):
        raise UserError(f"{reason}.")
    frames = int(first), int(np.ceil(last))
    with (
        with_root_bones(context, owners, root_motion, frames) as exported,
        atomic_write(path) as temporary,
        _only_selected(context, exported, frames),
    ):
        try:
            _blender_exporter(kind, str(temporary), fbx_units)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
            raise UserError(
                tr("Blender could not write {path}: {reason}").format(path=path.name, reason=reason)
            ) from error
        if not temporary.stat().st_size:
            raise UserError(tr("Blender wrote nothing into {path}; its console says why.").format(path=path.name))
        if kind == "USD" and not whole_usd(temporary):
            raise UserError(
                tr("Cannot write all of {path}; free space on its disk, or choose another folder.").format(
                    path=path.name
                )
            )
    return files


def whole_usd(path: Path) -> bool:
    """Whether a binary USD file has all sections of its table of contents: Blender does not report a full disk.

    The file begins with an identifier, its version (8 bytes each) and the offset of the table. The table is a count
    and, for each section, a name of 16 bytes, an offset and a size (OpenUSD, ``pxr/usd/usd/crateFile.h``).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
        place = struct.unpack("<q", head[16:])[0] if len(head) == 24 and head[:8] == b"PXR-USDC" else 0
        if not 0 < place <= size - 8:
            return False
        file.seek(place)
        table = file.read(8 + 32 * MAX_SECTIONS)
    (count,) = struct.unpack_from("<Q", table)
    if not 0 < count <= MAX_SECTIONS or len(table) < 8 + 32 * count:
        return False
    sections = [struct.unpack_from("<qq", table, 8 + 32 * number + 16) for number in range(count)]
    return all(start > 0 and start + length <= size for start, length in sections)


def _write_own_format(
    scene: bpy.types.Scene,
    owners: list[bpy.types.Object],
    take: bpy.types.PropertyGroup,
    frames: tuple[float, float],
    files: list[Path],
) -> None:
    """Write BVH or NumPy files with a frame for each frame of the scene."""
    if files[0].suffix == SUFFIXES["NPZ"]:
        first, second = (_person(owner, scene, frames) for owner in people_of(take))
        core.save_npz(files[0], (first, second), take.prompt, take.model, seed_of(take))
        return
    for owner, file in zip(owners, files, strict=True):
        core.write_bvh(file, _person(owner, scene, frames))


def _person(owner: bpy.types.Object, scene: bpy.types.Scene, frames: tuple[float, float]) -> PosedSkeleton:
    return posed_of(capture(owner, scene, frames, rate=scene_fps(scene), shortest=1).motion)


def _blender_exporter(kind: str, path: str, fbx_units: str) -> None:
    if kind == "FBX":
        bpy.ops.export_scene.fbx(
            filepath=path,
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            add_leaf_bones=False,
            # In metres the unit stands in the file and objects have the scale 1; Godot's documentation of FBXDocument
            # asks for that.
            apply_scale_options="FBX_SCALE_UNITS" if fbx_units == "METRES" else "FBX_SCALE_NONE",
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            # Blender's default removes keys, which moves joints by centimetres between the remaining keys.
            bake_anim_simplify_factor=0.0,
        )
    elif kind == "GLTF":
        bpy.ops.export_scene.gltf(
            filepath=path,
            check_existing=False,
            export_format="GLB",
            use_selection=True,
            export_animation_mode="ACTIVE_ACTIONS",
            export_frame_range=True,
        )
    else:
        bpy.ops.wm.usd_export(filepath=path, check_existing=False, selected_objects_only=True, export_animation=True)


@contextmanager
def _only_selected(
    context: bpy.types.Context, owners: list[bpy.types.Object], frames: tuple[int, int]
) -> Iterator[None]:
    """Only these armatures and their meshes are selected, and the scene's range is ``frames``; restored afterwards."""
    scene, layer = context.scene, context.view_layer
    wanted = {item.name for owner in owners for item in (owner, *owner.children_recursive)}
    selected = [item.name for item in layer.objects if item.select_get()]
    active, before = layer.objects.active, (scene.frame_start, scene.frame_end, scene.frame_current)
    try:
        for item in layer.objects:
            item.select_set(item.name in wanted)
        layer.objects.active = owners[0]
        scene.frame_start, scene.frame_end = frames
        yield
    finally:
        for item in layer.objects:
            item.select_set(item.name in selected)
        layer.objects.active = active
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2])
