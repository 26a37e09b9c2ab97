"""The generator from Blender's side: its process, its runtime and its models. Knows no bpy."""

from __future__ import annotations
