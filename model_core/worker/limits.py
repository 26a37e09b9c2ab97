"""Limits of requests; this module imports nothing, so that clients can use it too."""

from __future__ import annotations

SHORTEST_SECONDS = 0.5
MAX_TAKES = 64
"""Takes of one request, or items of a batched one."""
MAX_SEED = 2**63 - 1
