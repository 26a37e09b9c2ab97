"""Generation behind standard input and output: ``python -m model_core.worker``."""

from __future__ import annotations
