"""A character with an SMPL or SMPL-X body of the user: armature, skin weights, and shape keys for the body's shapes."""

from __future__ import annotations

import bpy
import numpy as np

from .. import compat, core
from .axes import vectors_to_blender
from .build import Colour, armature_of, skinned, surface

MAX_SHAPE_VALUE = 5.0
"""Shape coefficients are standard deviations; bodies are within a few of them from the mean."""


def build_smpl_body(
    model: core.SmplModel, name: str, collection: bpy.types.Collection, colour: Colour, size: float = 1.0
) -> bpy.types.Object:
    """The body in its mean shape, soles on the floor at the world's origin, facing -Y; its armature.

    Shape keys move the surface but not the bones, which keep the mean shape's positions.

    Args:
        model: the body.
        name: of the armature.
        collection: where both objects are linked.
        colour: linear RGB of the body.
        size: scene units per metre of the model.
    """
    root = np.array((model.joints[0, 0], model.vertices[:, 1].min(), model.joints[0, 2]))
    owner = armature_of(name, vectors_to_blender(model.joints - root), collection, model.skeleton)
    mesh = surface(f"{owner.name} Body", vectors_to_blender(model.vertices - root), model.faces)
    material = bpy.data.materials.new(f"{owner.name} Skin")
    compat.paint_material(material, colour, roughness=0.6)
    mesh.materials.append(material)
    figure = skinned(owner, mesh, model.skeleton.joints, model.weights)
    figure.shape_key_add(name="Mean", from_mix=False)
    for number in range(model.shapes.shape[2]):
        key = figure.shape_key_add(name=f"Shape {number + 1}", from_mix=False)
        key.slider_min, key.slider_max = -MAX_SHAPE_VALUE, MAX_SHAPE_VALUE
        moved = vectors_to_blender(model.vertices - root + model.shapes[..., number])
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
        key.value = 0.0
    owner.scale = (size, size, size)
    return owner


def remove_body(owner: bpy.types.Object) -> None:
    """Remove a body and everything that was made for it."""
    for figure in list(owner.children):
        mesh = figure.data
        materials = list(mesh.materials)
        bpy.data.objects.remove(figure)
        bpy.data.meshes.remove(mesh)
        for material in materials:
            bpy.data.materials.remove(material)
    armature = owner.data
    bpy.data.objects.remove(owner)
    bpy.data.armatures.remove(armature)
