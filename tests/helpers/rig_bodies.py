"""Bodies for rigs that have none: the mannequin bound to any mapped rig, and a rig's bones as a mesh."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from intermask_blender import compat
from intermask_blender.rig.axes import vectors_from_blender, vectors_to_blender
from intermask_blender.rig.body import fitted_vertices, load_body, skin_weights
from intermask_blender.rig.build import Colour, skinned, surface
from intermask_blender.rig.own_map import mapping_of
from model_core.motion import SMPL
from model_core.motion.rest import SMPL_REST_OFFSETS

LONGEST = 0.22
"""Metres that a bone is drawn long: some rigs have bones that end far off."""


def with_body(rig: bpy.types.Object, colour: Colour) -> bpy.types.Object:
    """The mannequin, fitted to where the joints of a rig with all of SMPL's are at rest, and bound to them."""
    bpy.context.view_layer.update()
    body, names = load_body(), tuple(mapping_of(rig).bones[joint] for joint in SMPL.joints)
    heads = np.array([rig.matrix_world @ rig.data.bones[name].head_local for name in names])
    joints = _with_a_persons_trunk(vectors_from_blender(heads))
    offsets = np.array([joints[j] - joints[max(0, parent)] for j, parent in enumerate(SMPL.parents)])
    world = vectors_to_blender(fitted_vertices(body, offsets) + joints[0])
    inverse = np.array(rig.matrix_world.inverted())
    mesh = surface(f"{rig.name} Body", world @ inverse[:3, :3].T + inverse[:3, 3], body.faces)
    mesh.polygons.foreach_set("material_index", body.ball_faces.astype(np.int32))
    _paint(mesh, colour)
    _paint(mesh, (0.35 * colour[0], 0.35 * colour[1], 0.35 * colour[2]))
    weights = skin_weights(body, SMPL)
    for name in names:
        # A rig with controls deforms by other bones, which move alike.
        rig.data.bones[name].use_deform = True
    return skinned(rig, mesh, names, weights)


def _with_a_persons_trunk(joints: np.ndarray) -> np.ndarray:
    """(22, 3) joints with pelvis and spine where a person of that size has them: rigs place these as they like."""
    person, joints = np.zeros((len(SMPL), 3)), joints.copy()
    for joint in range(1, len(SMPL)):
        person[joint] = person[SMPL.parents[joint]] + SMPL_REST_OFFSETS[joint]
    hips, neck = [SMPL.index("L_Hip"), SMPL.index("R_Hip")], SMPL.index("Neck")
    middle, own = person[hips].mean(axis=0), joints[hips].mean(axis=0)
    size = np.linalg.norm(joints[neck] - own) / np.linalg.norm(person[neck] - middle)
    for name in ("Pelvis", "Spine1", "Spine2", "Spine3"):
        joint = SMPL.index(name)
        joints[joint] = own + size * (person[joint] - middle)
    return joints


def bones_as_mesh(rig: bpy.types.Object, colour: Colour) -> bpy.types.Object:
    """What deforms of a rig's bones at rest as octahedra, where the rig stands without animation."""
    bones = [bone for bone in rig.data.bones if bone.use_deform and not bone.name.startswith(("ORG-", "MCH-"))]
    corners, faces = [], []
    for bone in bones:
        start = len(corners)
        matrix = rig.matrix_world @ bone.matrix_local
        length = min(bone.length, LONGEST / matrix.median_scale)
        wide = 0.15 * length
        points = ((0, 0, 0), *((x * wide, 0.12 * length, z * wide) for x, z in ((1, 0), (0, 1), (-1, 0), (0, -1))))
        corners += [matrix @ Matrix.Translation(point).translation for point in (*points, (0, length, 0))]
        ring = ((1, 2), (2, 3), (3, 4), (4, 1))
        faces += [(start, start + b, start + a) for a, b in ring] + [(start + 5, start + a, start + b) for a, b in ring]
    mesh = bpy.data.meshes.new(f"{rig.name} Bones")
    mesh.from_pydata([tuple(corner) for corner in corners], [], faces)
    _paint(mesh, colour)
    figure = bpy.data.objects.new(mesh.name, mesh)
    rig.users_collection[0].objects.link(figure)
    return figure


def write_tiles(pixels: list[np.ndarray], columns: int, path: Path) -> None:
    """Pictures (H, W, 4) of one size side by side in rows, each first row at the bottom, as a PNG of few shades."""
    rows = [np.concatenate(pixels[k : k + columns], axis=1) for k in range(0, len(pixels), columns)]
    sheet = np.concatenate(rows[::-1], axis=0)
    # Fewer shades compress much better, and nobody sees it.
    sheet[..., :3] = np.round(sheet[..., :3] * 48) / 48
    sheet[..., 3] = 1.0
    picture = bpy.data.images.new("Tiles", sheet.shape[1], sheet.shape[0])
    picture.pixels.foreach_set(sheet.ravel())
    scene = bpy.context.scene
    scene.render.image_settings.compression = 100
    compat.set_image_output(scene)
    picture.save_render(str(path.resolve()), scene=scene)


def _paint(mesh: bpy.types.Mesh, colour: Colour) -> None:
    material = bpy.data.materials.new(mesh.name)
    compat.paint_material(material, colour, roughness=0.6)
    mesh.materials.append(material)
