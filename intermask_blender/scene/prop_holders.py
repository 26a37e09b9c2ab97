"""The empties that carry props, and what goes with the people whose hands they follow."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from .people import is_generated

NAME = "InterMask Prop Holder"
"""Of a holder, and of the constraint of a prop to its holder."""


def remove_props_of(people: Collection[bpy.types.Object]) -> None:
    """Remove the props that only these people have, before the people are removed.

    A simple prop is removed. An object of the user's stays, without its constraint to the holder.

    Args:
        people: generated armatures.
    """
    collections = {collection for owner in people for collection in owner.users_collection if is_generated(collection)}
    for holder in [thing for collection in collections for thing in collection.objects if _is_holder(thing)]:
        targets = {constraint.target for constraint in holder.constraints if constraint.type == "CHILD_OF"}
        others = [thing for collection in holder.users_collection for thing in collection.objects]
        left = {thing for thing in others if thing.type == "ARMATURE"} - set(people)
        # A ball that is kicked follows no hand.
        if not targets <= set(people) or (not targets and left):
            continue
        for prop in [thing for thing in bpy.data.objects if _constraint_to(thing, holder) is not None]:
            if is_generated(prop):
                _remove(prop)
            else:
                prop.constraints.remove(_constraint_to(prop, holder))
        _remove(holder)


def is_carried(thing: bpy.types.Object) -> bool:
    """Whether an object is a prop that has a holder."""
    return any(one.type == "CHILD_OF" and one.name == NAME and one.target is not None for one in thing.constraints)


def _is_holder(thing: bpy.types.Object) -> bool:
    return thing.type == "EMPTY" and is_generated(thing) and thing.name.startswith(NAME)


def _constraint_to(prop: bpy.types.Object, holder: bpy.types.Object) -> bpy.types.Constraint | None:
    found = (one for one in prop.constraints if one.type == "CHILD_OF" and one.target == holder)
    return next(found, None)


def _remove(thing: bpy.types.Object) -> None:
    """Remove an object with its mesh and its action, if nothing else uses them."""
    mesh = thing.data
    action = thing.animation_data.action if thing.animation_data is not None else None
    bpy.data.objects.remove(thing)
    if mesh is not None and not mesh.users:
        bpy.data.meshes.remove(mesh)
    if action is not None and not action.users:
        bpy.data.actions.remove(action)
