"""The shape of a token map, body parts by columns of frames; this module does not import torch."""

from __future__ import annotations

PARTS = 5
"""Body parts of a map, listed in ``docs/body-parts.md``."""
FRAMES_PER_TOKEN = 4
"""Frames that one column of a map covers."""


def token_columns(frames: int) -> int:
    """Number of columns (time steps) of a token map of ``frames`` frames."""
    return -(-frames // FRAMES_PER_TOKEN)
