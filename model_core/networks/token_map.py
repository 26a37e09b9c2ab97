"""The shape of a token map, body parts by columns of frames; this module does not import torch."""

from __future__ import annotations

PARTS = 5
"""Body parts of a map, listed in ``docs/body-parts.md``."""
FRAMES_PER_TOKEN = 4
"""Frames that one column of a map covers."""
