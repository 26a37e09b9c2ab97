"""Help with the two fields that people think about: a prompt from the list, and another seed."""

from __future__ import annotations

import random

import bpy

LARGEST_SEED = 2**31 - 1


class INTERMASK_OT_use_prompt(bpy.types.Operator):
    """Write this prompt into the field"""

    bl_idname = "intermask.use_prompt"
    bl_label = "Use Prompt"
    bl_description = "Write this prompt into the field"
    bl_options = {"UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it over."""
        context.scene.intermask.prompt = self.prompt
        return {"FINISHED"}


class INTERMASK_OT_roll_seed(bpy.types.Operator):
    """Another seed, so that the same prompt gives another motion"""

    bl_idname = "intermask.roll_seed"
    bl_label = "Roll Seed"
    bl_description = "Another seed, so that the same prompt gives another motion"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Roll."""
        context.scene.intermask.seed = random.randint(0, LARGEST_SEED)
        return {"FINISHED"}
