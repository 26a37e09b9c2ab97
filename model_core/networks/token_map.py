"""The shape of a token map, free of torch: body parts by columns of frames."""

from __future__ import annotations

PARTS = 5
"""Body parts of a map; ``docs/body-parts.md`` says which."""
FRAMES_PER_TOKEN = 4
"""Frames that one column of a map covers."""
