"""Leaders from files: files of motion, and files of scenes that Blender imports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core import FPS, LEADER_SUFFIXES, ReadMotion, UserError, read_leader

_IMPORTERS = {".fbx": "io_scene_fbx", ".glb": "io_scene_gltf2", ".gltf": "io_scene_gltf2"}
"""Suffix and Blender's own add-on for each kind of file that is imported into an empty scene."""
SCENE_SUFFIXES = tuple(_IMPORTERS)
FILE_SUFFIXES = (*LEADER_SUFFIXES, *SCENE_SUFFIXES)
"""Of all files that can lead."""
FILE_KINDS = f"{', '.join(FILE_SUFFIXES[:-1])} or {FILE_SUFFIXES[-1]}"
"""For messages."""


def needs_blender(path: str) -> bool:
    """Whether a leader's file is imported by Blender, which replaces the open scene."""
    return Path(path).suffix.lower() in SCENE_SUFFIXES


def read_leader_file(path: str) -> ReadMotion:
    """Read the motion of one person; of a file with several, the first that is animated.

    The open scene is replaced by an empty one where ``needs_blender``.

    Returns:
        The motion, metres, Y up, 30 frames per second, and what was assumed.

    Raises:
        UserError: the file cannot be read or holds no person's motion.
    """
    return _imported(Path(path)) if needs_blender(path) else read_leader(path)


def _imported(path: Path) -> ReadMotion:
    """The motion of the first animated armature of a file that is a person's."""
    import addon_utils
    import bpy

    from ..compat import animated_range
    from ..rig.capture import capture
    from ..scene.request import figure_size

    if not path.is_file():
        raise UserError(f"There is no leader {path.name}; check the path.")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    scene = bpy.context.scene
    # Importers put keys on the frames of the scene's rate.
    scene.render.fps, scene.render.fps_base = round(FPS), 1.0
    importer = _IMPORTERS[path.suffix.lower()]
    # For this process only; Blender as a module begins without add-ons.
    if addon_utils.enable(importer) is None:
        raise UserError(f"This Blender cannot import {path.suffix} files; install its add-on {importer}.")
    try:
        if path.suffix.lower() == ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path))
        else:
            bpy.ops.import_scene.gltf(filepath=str(path))
    except Exception as error:
        # The importers are Python: a damaged file can end them with any error.
        reason = (str(error).strip().splitlines() or ["unknown error"])[-1]
        raise UserError(f"{path.name} cannot be imported ({reason}); export it again.") from error
    armatures = [owner for owner in scene.objects if owner.type == "ARMATURE" and animated_range(owner)]
    if not armatures:
        raise UserError(f"{path.name} has no animated armature; export it with its animation, or choose another file.")
    errors = []
    for armature in sorted(armatures, key=lambda owner: owner.name):
        try:
            motion = capture(armature, scene).motion
        except UserError as error:
            errors.append(error)
            continue
        size = figure_size(motion)
        notes = [f"{armature.name} leads; the file has {len(armatures)} animated armatures"] * (len(armatures) > 1)
        notes += [f"scaled to a person's size by {1 / size:.3g}"] * (size != 1)
        return ReadMotion(replace(motion, joints=motion.joints / size), "; ".join(notes))
    raise errors[0]
