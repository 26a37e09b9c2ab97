"""Armatures and motion: building characters, keying them, capturing them. Blender's axes exist only in here."""

from __future__ import annotations
