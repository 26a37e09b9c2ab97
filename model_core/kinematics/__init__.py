"""From decoded joints and rotations to posed skeletons: fitting, feet, hands that touch."""

from __future__ import annotations

from .settings import FITTED, RAW_FIT, SolveSettings
from .solver import solve

__all__ = ["FITTED", "RAW_FIT", "SolveSettings", "solve"]
