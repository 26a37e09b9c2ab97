"""Buttons next to the prompt and the seed: use a listed prompt, and a new seed."""

from __future__ import annotations

import random

import bpy

from ..translations import tr

MAX_RANDOM_SEED = 2**31 - 1


class INTERMASK_OT_use_prompt(bpy.types.Operator):
    """Use this prompt"""

    bl_idname = "intermask.use_prompt"
    bl_label = "Use Prompt"
    bl_description = "Use this prompt"
    bl_options = {"UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty()  # type: ignore[valid-type]

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip shows the whole prompt."""
        return tr("Use the prompt “{prompt}”").format(prompt=properties.prompt)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it into the prompt field."""
        context.scene.intermask.prompt = self.prompt
        return {"FINISHED"}


class INTERMASK_OT_new_seed(bpy.types.Operator):
    """Choose another seed at random, so that the same prompt gives another motion"""

    bl_idname = "intermask.new_seed"
    bl_label = "New Seed"
    bl_description = "Choose another seed at random, so that the same prompt gives another motion"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Draw it."""
        context.scene.intermask.seed = random.randint(0, MAX_RANDOM_SEED)
        return {"FINISHED"}
