"""Constraints in the list of a scene, for the tests in Blender."""

from __future__ import annotations

import bpy


def add_constraint(kind: str, person: str = "FIRST", **options: object) -> bpy.types.PropertyGroup:
    """A new constraint, which is chosen then."""
    assert bpy.ops.intermask.add_constraint(kind=kind, person=person, **options) == {"FINISHED"}
    settings = bpy.context.scene.intermask
    return settings.constraints[settings.constraint_index]


def add_constraints(*added: tuple[str, str]) -> list[bpy.types.PropertyGroup]:
    """New constraints, each with its kind and person. They are read after the last one, since each moves the others
    in memory."""
    for kind, person in added:
        add_constraint(kind, person)
    return list(bpy.context.scene.intermask.constraints)[-len(added) :]
