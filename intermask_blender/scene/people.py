"""Generated people are marked, so that deleting a take removes them with it and never a rig of the user."""

from __future__ import annotations

from collections.abc import Iterable

import bpy


def mark_generated(things: Iterable[bpy.types.Object | bpy.types.Collection]) -> None:
    """Mark objects and collections as made by the add-on; does nothing if the add-on is not registered."""
    for thing in things:
        if hasattr(thing, "intermask_generated"):
            thing.intermask_generated = True


def is_generated(thing: bpy.types.Object | bpy.types.Collection) -> bool:
    """Whether the add-on made it."""
    return bool(getattr(thing, "intermask_generated", False))


def body_of(owner: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that were generated with a person."""
    return [child for child in owner.children if is_generated(child)]


def set_hidden(owner: bpy.types.Object, hidden: bool) -> None:
    """Disable a person with everything parented to it in viewports and renders, or enable it."""
    for thing in (owner, *owner.children_recursive):
        thing.hide_viewport = thing.hide_render = hidden


def remove_person(owner: bpy.types.Object) -> None:
    """Remove a generated person, its body, and its collection if that is then empty.

    Objects that the user parented to the person keep their place in the world.
    """
    for child in owner.children:
        if not is_generated(child):
            place = child.matrix_world.copy()
            child.parent = None
            child.matrix_world = place
    collections = list(owner.users_collection)
    for figure in body_of(owner):
        mesh, materials = figure.data, list(figure.data.materials)
        bpy.data.objects.remove(figure)
        if not mesh.users:
            bpy.data.meshes.remove(mesh)
        for material in materials:
            if material is not None and not material.users:
                bpy.data.materials.remove(material)
    armature = owner.data
    bpy.data.objects.remove(owner)
    if not armature.users:
        bpy.data.armatures.remove(armature)
    for collection in collections:
        if is_generated(collection) and not collection.all_objects and not collection.children:
            bpy.data.collections.remove(collection)
