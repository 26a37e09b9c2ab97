"""Training data, losses and loops."""

from __future__ import annotations
