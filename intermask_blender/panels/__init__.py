"""The InterMask tab in the sidebar of the 3D view, one panel a file."""

from __future__ import annotations
