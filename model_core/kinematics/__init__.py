"""Fits posed skeletons to decoded joints and rotations, and corrects feet and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import FITTED, RAW_FIT, SolveSettings

if TYPE_CHECKING:
    from .solver import solve

__all__ = ["FITTED", "RAW_FIT", "SolveSettings", "solve"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """``solve``, whose modules are imported when it is first used: importing the package takes no time."""
        if name != "solve":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .solver import solve

        return solve
