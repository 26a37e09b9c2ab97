"""What holds for a Blender session: preferences, the generations under way, services and the prompt's lines."""

from __future__ import annotations
