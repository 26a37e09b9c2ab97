"""Characters: an armature in SMPL's T-pose with a person's bone lengths, and the mannequin skinned to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector

from .. import compat
from ..core import SMPL, SMPLX, Skeleton
from .axes import vectors_to_blender
from .body import BodyMesh, fitted_vertices, load_body, rest_joints, skin_weights, sole_depth

MIN_BONE_LENGTH = 0.01
"""Metres. Blender deletes bones of zero length."""

TYPICAL_LEG_LENGTH = 0.78
"""Metres from hip to ankle."""

HUMAN_LEG_LENGTHS = (0.5, 1.1)
"""Metres. A figure with a longer or shorter leg is not at a person's scale."""

MAIN_CHILD = {"Pelvis": "Spine1", "Spine3": "Neck"}
"""The child that a bone points to, for joints with several children. The wrist's bone does not point to a finger."""

Colour = tuple[float, float, float]


def build_armature(
    name: str, offsets: np.ndarray, collection: bpy.types.Collection, skeleton: Skeleton = SMPL
) -> bpy.types.Object:
    """An armature at the world's origin whose rest pose is the T-pose, soles on the floor, facing -Y.

    The user's scene keeps its selection, active object and mode: bones are made in a scene of their own.

    Args:
        name: of the object and its data; Blender appends a number if it is in use.
        offsets: (J, 3) each joint's place in its parent's frame at rest, metres, motion's axes.
        collection: where the object is linked.
        skeleton: names and parents of the bones.
    """
    heads = vectors_to_blender(rest_joints(offsets, skeleton.parents) + _rest_root(offsets, load_body()))
    return armature_of(name, heads, collection, skeleton)


def armature_of(name: str, heads: np.ndarray, collection: bpy.types.Collection, skeleton: Skeleton) -> bpy.types.Object:
    """An armature whose bones begin at ``heads`` (J, 3), Blender's axes; see ``build_armature``."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    owner = bpy.data.objects.new(name, armature)
    with _editing(owner):
        _add_bones(armature, heads, skeleton)
    for bone in owner.pose.bones:
        bone.rotation_mode = "QUATERNION"
    owner.show_in_front = True
    collection.objects.link(owner)
    return owner


def build_mannequin(
    owner: bpy.types.Object, offsets: np.ndarray, colour: Colour, body: BodyMesh | None = None
) -> bpy.types.Object:
    """The mannequin with the armature's bone lengths, skinned to it and parented.

    Args:
        owner: the armature that ``build_armature`` returned.
        offsets: (J, 3) as for ``build_armature``.
        colour: linear RGB of the body; its balls are darker.
        body: another figure than the wooden mannequin.
    """
    body = body or load_body()
    vertices = vectors_to_blender(fitted_vertices(body, offsets) + _rest_root(offsets, body))
    mesh = surface(f"{owner.name} Body", vertices, body.faces)
    mesh.polygons.foreach_set("material_index", body.ball_faces.astype(np.int32))
    red, green, blue = colour
    for suffix, share in (("Shell", 1.0), ("Joints", 0.35)):
        material = bpy.data.materials.new(f"{owner.name} {suffix}")
        compat.paint_material(material, (share * red, share * green, share * blue), roughness=0.6)
        mesh.materials.append(material)
    mesh.update()
    skeleton = SMPLX if all(joint in owner.data.bones for joint in SMPLX.joints) else SMPL
    return skinned(owner, mesh, skeleton.joints, skin_weights(body, skeleton))


def skinned(
    owner: bpy.types.Object, mesh: bpy.types.Mesh, bones: tuple[str, ...], weights: np.ndarray
) -> bpy.types.Object:
    """A mesh object with an armature modifier, parented to the armature and in its collections.

    Args:
        owner: the armature.
        mesh: in the armature's space, V vertices.
        bones: J names.
        weights: (V, J) skin weights.
    """
    figure = bpy.data.objects.new(mesh.name, mesh)
    _assign_weights(figure, bones, weights)
    figure.parent = owner
    modifier = figure.modifiers.new("Armature", "ARMATURE")
    modifier.object = owner
    for collection in owner.users_collection:
        collection.objects.link(figure)
    return figure


def _rest_root(offsets: np.ndarray, body: BodyMesh) -> np.ndarray:
    """(3,) position of the root joint in a T-pose on the floor, motion's axes."""
    joints = rest_joints(offsets[: len(SMPL)], SMPL.parents)
    return np.array((0.0, sole_depth(body, offsets) - joints[:, 1].min(), 0.0))


@contextmanager
def _editing(owner: bpy.types.Object) -> Iterator[None]:
    """Keep an armature in edit mode in a temporary scene, so that nothing in the user's scene changes."""
    temporary = bpy.data.scenes.new("InterMask Temporary")
    try:
        temporary.collection.objects.link(owner)
        layer = temporary.view_layers[0]
        layer.objects.active = owner
        with bpy.context.temp_override(scene=temporary, view_layer=layer, active_object=owner, object=owner):
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield
            finally:
                bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.scenes.remove(temporary)


def _add_bones(armature: bpy.types.Armature, heads: np.ndarray, skeleton: Skeleton) -> None:
    for joint, name in enumerate(skeleton.joints):
        bone = armature.edit_bones.new(name)
        bone.head = Vector(heads[joint])
        bone.tail = Vector(heads[joint] + _bone_vector(joint, heads, skeleton))
        # A knee, an elbow and a toe all bend about the bone's own X, mirrored left and right.
        forward_bone = name.endswith(("Ankle", "Foot"))
        bone.align_roll(Vector((0.0, 0.0, 1.0)) if forward_bone else Vector((0.0, -1.0, 0.0)))
        parent = skeleton.parents[joint]
        if parent >= 0:
            bone.parent = armature.edit_bones[skeleton.joints[parent]]


def _bone_vector(joint: int, heads: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(3,) from a bone's head to its tail: to the child, or in the same direction if there is none."""
    name, children, size = skeleton.joints[joint], skeleton.children[joint], _size(heads, skeleton)
    own = heads[joint] - heads[skeleton.parents[joint]] if joint else np.zeros(3)
    if name in MAIN_CHILD:
        vector = heads[skeleton.index(MAIN_CHILD[name])] - heads[joint]
    elif name == "Head":
        vector = np.array((0.0, 0.0, 0.18 * size))
    elif name.endswith("Wrist"):
        vector = own * (0.15 * size / max(float(np.linalg.norm(own)), 1e-6))
    elif name.endswith("_Foot"):
        vector = np.array((0.0, -0.08 * size, 0.0))
    elif name in ("Jaw", "L_Eye", "R_Eye"):
        vector = np.array((0.0, -0.05 * size, 0.0))
    elif children:
        vector = heads[children[0]] - heads[joint]
    else:
        vector = own
    if np.linalg.norm(vector) < MIN_BONE_LENGTH * size:
        vector = np.array((0.0, 0.0, MIN_BONE_LENGTH * size))
    return vector


def _size(heads: np.ndarray, skeleton: Skeleton) -> float:
    """The scale of a figure with these bone heads (J, 3), against a person in metres."""
    return figure_scale(float(np.linalg.norm(heads[skeleton.index("L_Hip")] - heads[skeleton.index("L_Ankle")])))


def figure_scale(leg: float) -> float:
    """How many times larger than a person a figure is; 1 for legs of all lengths that people have.

    Args:
        leg: metres from hip to ankle; 0 if it is unknown.
    """
    if leg == 0.0 or HUMAN_LEG_LENGTHS[0] <= leg <= HUMAN_LEG_LENGTHS[1]:
        return 1.0
    return leg / TYPICAL_LEG_LENGTH


def surface(name: str, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Mesh:
    """A smooth mesh of triangles (F, 3) of vertices (V, 3), Blender's axes."""
    mesh = bpy.data.meshes.new(name)
    corners = faces.ravel()
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(len(corners))
    mesh.polygons.add(len(faces))
    mesh.loops.foreach_set("vertex_index", corners)
    mesh.polygons.foreach_set("loop_start", np.arange(0, len(corners), 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update(calc_edges=True)
    return mesh


def _assign_weights(figure: bpy.types.Object, bones: tuple[str, ...], weights: np.ndarray) -> None:
    """A vertex group for each bone. Vertices of equal weight are added in one call, as there are often few weights."""
    for bone, column in zip(bones, weights.T, strict=True):
        group = figure.vertex_groups.new(name=bone)
        vertices = np.flatnonzero(column > 0)
        vertices = vertices[np.argsort(column[vertices], kind="stable")]
        levels, starts = np.unique(column[vertices], return_index=True)
        ends = [*starts[1:], len(vertices)]
        for level, start, end in zip(levels, starts, ends, strict=False):
            group.add(vertices[start:end].tolist(), float(level), "REPLACE")
