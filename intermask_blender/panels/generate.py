"""Generate Interaction: prompt, duration, seed, model and leader, and the running generations."""

from __future__ import annotations

import textwrap

import bpy

from .. import compat
from ..core import ASSETS
from ..generator.generation import length_problem
from ..operators.generate import INTERMASK_OT_cancel, INTERMASK_OT_generate
from ..operators.prompt import INTERMASK_OT_new_seed, INTERMASK_OT_use_prompt
from ..properties import known_prompts, model_is_missing
from ..translations import tr, tr_noop
from ..ui.model_list import model_list
from ..ui.preferences import ADDON, runtime_problem
from ..ui.prompt_understanding import warm_generator
from ..ui.property_column import property_column
from ..ui.session import pending, session
from ..ui.wrapping import letters_across, paragraph
from .kinds import INTERMASK_PT_kinds
from .prompt_understanding import draw_understanding
from .rig_line import draw_rig_line

TAB = "InterMask"
MAX_MENU_PROMPTS = 12
SHOWN_LETTERS = 160
"""Of a prompt that is longer than its field: some six lines, so that the buttons below stay in sight."""
DICE = ASSETS / "icons" / "dice.png"
"""Blender has no such icon."""


class INTERMASK_MT_prompts(bpy.types.Menu):
    """Earlier prompts, and examples of the chosen model"""

    bl_idname = "INTERMASK_MT_prompts"
    bl_label = "Prompts"
    bl_description = "Earlier prompts, and examples of the chosen model"

    def draw(self, context: bpy.types.Context) -> None:
        """Both lists."""
        past, examples = known_prompts(context.scene.intermask, context)
        for title, prompts in ((tr_noop("Earlier Prompts"), past[:MAX_MENU_PROMPTS]), (tr_noop("Examples"), examples)):
            if not prompts:
                continue
            self.layout.label(text=title)
            for prompt in prompts:
                shown = prompt if len(prompt) <= 70 else prompt[:69] + "…"
                self.layout.operator(INTERMASK_OT_use_prompt.bl_idname, text=shown, translate=False).prompt = prompt
            self.layout.separator()


class INTERMASK_PT_generate(bpy.types.Panel):
    """Prompt in, two people out"""

    bl_idname = "INTERMASK_PT_generate"
    bl_label = "Generate Interaction"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: bpy.types.Context) -> None:
        """Settings, then the button. What comes and goes is below the button, so that it keeps its place."""
        settings, layout = context.scene.intermask, self.layout
        session().draw_cache.begin_redraw()
        row = layout.row(align=True)
        compat.text_field(row, settings, "prompt", tr("Two people …"))
        # A box of several lines is as wide as the panel.
        row = layout.row(align=True) if compat.has_text_boxes() else row
        row.alignment = "RIGHT" if compat.has_text_boxes() else "EXPAND"
        row.prop(settings, "as_written", text="", icon="LOCKED" if settings.as_written else "UNLOCKED")
        row.popover(INTERMASK_PT_kinds.bl_idname, text="", icon="IMGDISPLAY")
        row.menu(INTERMASK_MT_prompts.bl_idname, text="", icon="DOWNARROW_HLT")
        column = property_column(layout)
        row = column.row()
        row.active = not settings.use_scene_range
        row.prop(settings, "seconds")
        column.prop(settings, "use_scene_range")
        new = column.column(align=True)
        new.active = settings.leader is None
        rest = new.column(align=True)
        rest.active = not settings.loop
        rest.prop(settings, "start_at_rest")
        rest.prop(settings, "settle_at_end")
        new.prop(settings, "loop")
        new.prop(settings, "in_place")
        row = column.row()
        row.active = bool(context.scene.timeline_markers)
        row.prop(settings, "use_markers")
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator(INTERMASK_OT_new_seed.bl_idname, text="", icon_value=session().previews.icon(DICE))
        column.prop(settings, "takes_wanted")
        column.prop(settings, "model")
        column.prop(settings, "leader", placeholder=tr("None"))
        row = column.row()
        row.active = bool(settings.takes)
        row.prop(settings, "new_pair")
        problem = runtime_problem(context)
        if not problem:
            warm_generator(context)
        reason = "" if problem else self._blocking_reason(settings)
        row = layout.row()
        row.scale_y = 1.5
        # Where PyTorch is missing the operator's poll disables the button, and the tooltip says why.
        row.enabled = not reason
        text = tr_noop("Generate") if not pending() else tr_noop("Add to Queue")
        row.operator(INTERMASK_OT_generate.bl_idname, text=text, icon="PLAY")
        self._draw_pending(layout)
        if problem:
            _draw_runtime(layout, context)
        if reason:
            paragraph(layout, context, reason, "INFO")
        draw_rig_line(layout, context, settings.leader)
        if len(settings.prompt) > letters_across(context) + 2 and not compat.has_text_boxes():
            paragraph(layout, context, textwrap.shorten(settings.prompt, SHOWN_LETTERS, placeholder=" …"), "TEXT")
        draw_understanding(layout, context)

    @staticmethod
    def _draw_pending(layout: bpy.types.UILayout) -> None:
        """A line for the running generation and for each one in the queue, each with its Cancel."""
        for number, item in enumerate(pending()):
            row = layout.row(align=True)
            if number == 0:
                row.progress(factor=item.generation.factor, text=item.generation.text)
            else:
                row.label(text=tr("Waiting: {prompt}").format(prompt=item.title[:60]), icon="TIME", translate=False)
            row.operator(INTERMASK_OT_cancel.bl_idname, text="", icon="X").number = number

    @staticmethod
    def _blocking_reason(settings: bpy.types.PropertyGroup) -> str:
        """Why Generate cannot be pressed yet; empty if it can."""
        if not settings.prompt.strip():
            return tr("Write what the two people do")
        if too_long := length_problem(settings.prompt.strip()):
            return too_long
        if not model_list(bpy.context).folders:
            return tr("No model is installed")
        if model_is_missing(settings):
            return tr("The model {model} was deleted: choose another").format(model=settings.model_name)
        return ""


def _draw_runtime(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is missing before anything can be generated, and the buttons that help."""
    box = layout.box()
    job = session().job
    if job is not None:
        box.progress(factor=job.factor, text=tr(job.text))
        box.operator("intermask.stop_runtime_job", icon="X")
        return
    paragraph(box, context, tr("PyTorch, which generates the motion, is not installed yet."), "ERROR")
    box.operator("intermask.install_runtime", icon="IMPORT")
    box.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES").module = ADDON
    if not bpy.app.online_access:
        paragraph(box, context, tr("Blender is offline: allow online access in Preferences > System."), "INFO")
