"""Generate Interaction, with progress in a window and at once in background mode; and its Cancel."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..client import Request
from ..core import UserError
from ..generation import progress_text, submit, takes_of
from ..models import find_model
from ..placing import Placement, place, prepare
from ..preferences import current_preferences
from ..properties import NO_MODEL
from ..services import worker_client

LOOKS = 0.05
"""Seconds between two looks at the worker while it works."""

ALLOWED_MODES = ("OBJECT", "POSE")
"""In other modes Blender's undo knows one data-block only, and would not take the characters back."""

LEAVE_MODE = "Go back to Object Mode or Pose Mode: new characters cannot be undone in this mode"


class INTERMASK_OT_generate(bpy.types.Operator):
    """Generate two people who do what the prompt says, or one who reacts to the leader"""

    bl_idname = "intermask.generate"
    bl_label = "Generate Interaction"
    bl_description = "Generate two people who do what the prompt says, or one who reacts to the leader"
    bl_options = {"REGISTER", "UNDO"}

    prompt: bpy.props.StringProperty(name="Prompt", description="What the two people do")  # type: ignore[valid-type]
    seconds: bpy.props.FloatProperty(name="Seconds", default=4.0, min=0.5, max=60.0)  # type: ignore[valid-type]
    seed: bpy.props.IntProperty(name="Seed", default=0, min=0)  # type: ignore[valid-type]
    model: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Model", description="Name or folder; empty means the first one"
    )
    leader: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Leader", description="Name of the armature that the new character reacts to; empty generates both"
    )
    character_1: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="First Character", description="Name of the armature to key the first person on; empty makes a new one"
    )
    character_2: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Second Character", description="Name of the armature to key the second person on; empty makes a new one"
    )

    SETTINGS: ClassVar[tuple[str, ...]] = ("prompt", "seconds", "seed")
    OBJECTS: ClassVar[tuple[str, ...]] = ("leader", "character_1", "character_2")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can run now; the reason is shown on the grey button."""
        if context.window_manager.intermask.running:
            cls.poll_message_set("A generation is running; wait for it or cancel it")
            return False
        if context.mode not in ALLOWED_MODES:
            cls.poll_message_set(LEAVE_MODE)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take over the scene's settings where the caller gave none, and work beside the user."""
        self._take_settings(context)
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if not self._begin(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(LOOKS, window=context.window)
        manager.intermask.running, manager.intermask.cancel = True, False
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Generate and wait for it: from scripts and in background mode, where there is no event loop."""
        self._take_settings(context)
        if not self._begin(context):
            return {"CANCELLED"}
        worker_client(context).wait(self._request)
        return self._finish()

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the worker; everything else goes on to Blender."""
        progress = context.window_manager.intermask
        if progress.cancel or (event.type == "ESC" and event.value == "PRESS"):
            self._leave(context)
            self.report({"INFO"}, "The generation was cancelled")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        worker_client(context).poll()
        if not self._request.done:
            self._show(context, progress_text(self._request), self._request.factor)
            return {"PASS_THROUGH"}
        if self._request.reply is not None and context.mode not in ALLOWED_MODES:
            self._show(context, LEAVE_MODE, 1.0)
            return {"PASS_THROUGH"}
        self._leave(context)
        return self._finish()

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator, such as when another file is opened."""
        self._leave(context)

    def _take_settings(self, context: bpy.types.Context) -> None:
        """Properties that the caller did not set come from the panel."""
        settings = context.scene.intermask
        for name in self.SETTINGS:
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))
        if not self.properties.is_property_set("model"):
            self.model = "" if settings.model == NO_MODEL else settings.model
        for name in self.OBJECTS:
            if not self.properties.is_property_set(name):
                chosen = getattr(settings, name)
                setattr(self, name, chosen.name if chosen is not None else "")

    def _begin(self, context: bpy.types.Context) -> bool:
        """Send the request; false, and a report, where it cannot be."""
        try:
            leader, first, second = (self._object(context.scene, name) for name in self.OBJECTS)
            model = find_model(self.model, current_preferences(context).model_folders)
            settings, self._placement = prepare(
                context.scene, self.prompt, self.seconds, self.seed, model, leader, (first, second)
            )
            self._request = submit(worker_client(context), settings)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return False
        return True

    def _object(self, scene: bpy.types.Scene, role: str) -> bpy.types.Object | None:
        """The object that was named for a role, None where none was."""
        name = getattr(self, role)
        if name and name not in scene.objects:
            what = "leader" if role == "leader" else "character"
            raise UserError(f"There is no object called {name} in this scene; choose another {what}.")
        return scene.objects[name] if name else None

    def _finish(self) -> set[str]:
        """Key the result: the one moment in which the file changes, so that one undo takes it back."""
        try:
            place(takes_of(self._request)[0], self._placement, self.prompt.strip())
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _show(self, context: bpy.types.Context, text: str, factor: float) -> None:
        progress = context.window_manager.intermask
        if (progress.text, progress.factor) == (text, factor):
            return
        progress.text, progress.factor = text, factor
        context.workspace.status_text_set(f"{text}   (Esc cancels)")
        _redraw_panels(context)

    def _leave(self, context: bpy.types.Context) -> None:
        """Take down everything that runs while the worker works."""
        manager = context.window_manager
        worker_client(context).cancel(self._request)
        manager.event_timer_remove(self._timer)
        manager.intermask.running, manager.intermask.text, manager.intermask.factor = False, "", 0.0
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        _redraw_panels(context)

    _timer: bpy.types.Timer
    _request: Request
    _placement: Placement


class INTERMASK_OT_cancel(bpy.types.Operator):
    """Stop the running generation"""

    bl_idname = "intermask.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the running generation"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything to cancel."""
        if not context.window_manager.intermask.running:
            cls.poll_message_set("Nothing is being generated")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Tell the running operator."""
        context.window_manager.intermask.cancel = True
        return {"FINISHED"}


def _redraw_panels(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
