"""From a prompt and known motion to new motion: one call chain from ``pipeline`` down to ``sampling``."""

from __future__ import annotations
