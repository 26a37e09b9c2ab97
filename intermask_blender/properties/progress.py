"""Properties of the window manager, which are never saved: the running generation, and the shown group of kinds."""

from __future__ import annotations

from functools import cache

import bpy

from ..ui.model_list import model_list


@cache
def _group_items(titles: tuple[str, ...]) -> list[tuple[str, str, str, int]]:
    """Cached because Blender keeps no reference to the strings of a dynamic enum."""
    return [(title, title, "", number) for number, title in enumerate(titles)]


def _groups(owner: InterMaskProgress, context: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    context = context or bpy.context
    groups = model_list(context).kinds.get(context.scene.intermask.model, ())
    return _group_items(tuple(group.title for group in groups))


def _shown_group(owner: InterMaskProgress) -> int:
    """Number of the chosen group; 0 if the chosen model has fewer groups."""
    return int(owner.kind_group_number) if owner.kind_group_number < len(_groups(owner, None)) else 0


def _show_group(owner: InterMaskProgress, number: int) -> None:
    owner.kind_group_number = number


class InterMaskProgress(bpy.types.PropertyGroup):
    """Progress of the running generation, which ``session`` keeps up to date, and the group that the browser shows."""

    running: bpy.props.BoolProperty()  # type: ignore[valid-type]
    count: bpy.props.IntProperty()  # type: ignore[valid-type]
    factor: bpy.props.FloatProperty(min=0.0, max=1.0)  # type: ignore[valid-type]
    text: bpy.props.StringProperty()  # type: ignore[valid-type]
    kind_group_number: bpy.props.IntProperty()  # type: ignore[valid-type]
    kind_group: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Group", description="Group of interactions to show", items=_groups, get=_shown_group, set=_show_group
    )
