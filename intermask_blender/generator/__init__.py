"""The generator's process, runtime and models, as the add-on uses them. Nothing here imports bpy."""

from __future__ import annotations
