"""The lengths of motion that can be generated."""

from __future__ import annotations

MIN_FRAMES = 16
"""Shortest clip: four columns of tokens."""
MAX_FRAMES = 1800
"""Longest clip, one minute; clips longer than the model's longest are generated window by window."""
