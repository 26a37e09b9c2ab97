"""Armatures and motion: building, keying and capturing characters. Only this package converts to Blender's axes."""

from __future__ import annotations
