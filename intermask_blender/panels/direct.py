"""Direct: what is asked of the two people beyond the prompt."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..operators.direct import (
    NEW,
    INTERMASK_OT_add_constraint,
    INTERMASK_OT_remove_constraint,
    INTERMASK_OT_select_constraint,
    can_anchor,
)
from ..translations import TRANSLATION_CONTEXT, tr
from ..ui.property_column import property_column
from ..ui.wrapping import paragraph
from .generate import TAB

ICONS = {
    "PATH": "CURVE_PATH",
    "WAYPOINT": "EMPTY_ARROWS",
    "PIN": "PINNED",
    "POSE": "ARMATURE_DATA",
    "CONTACT": "LINKED",
    "TIMING": "TIME",
    "FROM_POSE": "TRIA_LEFT_BAR",
    "TO_POSE": "TRIA_RIGHT_BAR",
}


class INTERMASK_UL_constraints(bpy.types.UIList):
    """The constraints of the scene"""

    bl_idname = "INTERMASK_UL_constraints"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int,
    ) -> None:
        """Name, person, how far the chosen take is from it, else its frames, and Mute."""
        row = layout.row(align=True)
        row.active = not item.mute
        row.prop(item, "name", text="", emboss=False, icon=ICONS[item.kind])
        sub = row.row(align=True)
        sub.alignment = "RIGHT"
        who = {"FIRST": "P1", "SECOND": "P2"}[item.person] if item.kind != "TIMING" else ""
        error = error_of(data, item.name)
        sub.alert = error is not None and error.missed
        sub.label(text=f"{who}  {error_text(data, item.name) or _frames_text(item)}", translate=False)
        row.prop(item, "mute", text="", emboss=False, icon="HIDE_ON" if item.mute else "HIDE_OFF")


class INTERMASK_MT_add_constraint(bpy.types.Menu):
    """What can be asked for"""

    bl_idname = "INTERMASK_MT_add_constraint"
    bl_label = "Add Constraint"

    def draw(self, context: bpy.types.Context) -> None:
        """All kinds; what concerns the active object or the selected bones only where there are such."""
        layout, active = self.layout, context.active_object
        for kind, title, _ in NEW:
            if kind == "FROM_POSE":
                layout.separator()
            layout.operator(INTERMASK_OT_add_constraint.bl_idname, text=title, icon=ICONS[kind]).kind = kind
            if kind == "POSE" and context.mode == "POSE":
                button = layout.operator(
                    INTERMASK_OT_add_constraint.bl_idname, text="Hold the Selected Bones", icon="BONE_DATA"
                )
                button.kind, button.selected_bones = "POSE", True
        if can_anchor(context):
            layout.separator()
            for kind, template in (
                ("PIN", tr("Pin to {name}")),
                ("CONTACT", tr("Contact with {name}")),
                ("WAYPOINT", tr("Waypoint at {name}")),
            ):
                button = layout.operator(
                    INTERMASK_OT_add_constraint.bl_idname,
                    text=template.format(name=active.name),
                    icon=ICONS[kind],
                    translate=False,
                )
                button.kind, button.at_active = kind, True


class INTERMASK_PT_direct(bpy.types.Panel):
    """What is asked of the two people beyond the prompt"""

    bl_idname = "INTERMASK_PT_direct"
    bl_parent_id = "INTERMASK_PT_generate"
    bl_label = "Direct"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The person that new constraints bind, the list, and the chosen constraint."""
        settings, layout = context.scene.intermask, self.layout
        row = layout.row(align=True)
        row.prop(settings, "constraint_person", expand=True)
        row.menu(INTERMASK_MT_add_constraint.bl_idname, text="", icon="ADD")
        if not settings.constraints:
            paragraph(layout, context, tr("Add a path, a pose or a pin with +"), "INFO")
            return
        row = layout.row()
        row.template_list("INTERMASK_UL_constraints", "", settings, "constraints", settings, "constraint_index", rows=3)
        side = row.column(align=True)
        side.operator(INTERMASK_OT_remove_constraint.bl_idname, text="", icon="REMOVE")
        side.separator()
        side.operator(INTERMASK_OT_select_constraint.bl_idname, text="", icon="RESTRICT_SELECT_OFF")
        if 0 <= settings.constraint_index < len(settings.constraints):
            column = property_column(layout)
            chosen = settings.constraints[settings.constraint_index]
            _draw_entry(column, chosen)
            for pin in pins_over(chosen, settings.constraints):
                column.label(text=tr("The pinned limb follows {name}").format(name=pin), icon="PINNED", translate=False)
        layout.prop(settings, "begin_in_place")
        layout.prop(settings, "meet_partly")


def _draw_entry(column: bpy.types.UILayout, entry: bpy.types.PropertyGroup) -> None:
    """All that one constraint says."""
    if entry.kind == "TIMING":
        column.prop(entry, "start")
        column.prop(entry, "weight", slider=True)
        return
    column.prop(entry, "person")
    column.prop(entry, "whole_clip")
    frames = column.column(align=True)
    frames.active = not entry.whole_clip
    frames.prop(entry, "start")
    frames.prop(entry, "end")
    if entry.kind != "CONTACT":
        column.prop(entry, "object")
    if entry.kind == "PATH":
        column.prop(entry, "timing")
        column.prop(entry, "face_along")
    elif entry.kind == "WAYPOINT":
        column.prop(entry, "use_heading")
    elif entry.kind == "PIN":
        column.prop(entry, "joint")
        column.prop(entry, "use_rotation")
        column.prop(entry, "blend")
    elif entry.kind == "POSE":
        column.prop(entry, "in_place")
    else:
        column.prop(entry, "place")
        column.prop(entry, "target")
        column.prop(entry, "other_place" if entry.target == "PARTNER" else "object")
        column.prop(entry, "use_distance")
        if entry.use_distance:
            column.prop(entry, "distance")
        column.prop(entry, "blend")
    column.prop(entry, "weight", slider=True)


def pins_over(pose: bpy.types.PropertyGroup, entries: Iterable[bpy.types.PropertyGroup]) -> list[str]:
    """Names of the pins, and of the contacts with points, to which a pose leaves an arm or a leg."""
    if pose.kind != "POSE":
        return []
    return [
        entry.name
        for entry in entries
        if (entry.kind == "PIN" and entry.joint not in ("Pelvis", "Head"))
        or (entry.kind == "CONTACT" and entry.target == "POINT" and entry.place in _ENDS)
        if not entry.mute and entry.person == pose.person and entry.weight >= pose.weight
        if entry.start <= pose.end and pose.start <= entry.end
    ]


_ENDS = ("left_hand", "right_hand", "left_foot", "right_foot")


def _frames_text(entry: bpy.types.PropertyGroup) -> str:
    """The frames that a constraint binds; empty where it is the whole clip."""
    if entry.whole_clip:
        return ""
    alone = entry.kind == "TIMING" or entry.start == entry.end
    return str(entry.start) if alone else f"{entry.start}-{entry.end}"


def error_of(settings: bpy.types.PropertyGroup, name: str) -> bpy.types.PropertyGroup | None:
    """The error of a constraint in the chosen take; None where it is not known."""
    if not 0 <= settings.take_index < len(settings.takes):
        return None
    found: bpy.types.PropertyGroup | None = settings.takes[settings.take_index].constraint_errors.get(name)
    return found


def error_text(settings: bpy.types.PropertyGroup, name: str) -> str:
    """How far the chosen take is from what a constraint asks; empty where that is not known."""
    error = error_of(settings, name)
    if error is None:
        return ""
    parts = []
    if error.metres >= 0.0:
        parts.append(f"{100 * error.metres:.1f} cm")
    if error.degrees >= 0.0:
        parts.append(f"{error.degrees:.0f}°")
    if error.seconds >= 0.0:
        parts.append(f"{error.seconds:.1f} s")
    if error.missed:
        parts.insert(0, tr("not met"))
    return " ".join(parts)
