"""Every choice of the solver, with what it costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SolveSettings:
    """What ``solve`` does beyond fitting a skeleton, and how far it may go. Lengths in metres, times in seconds."""

    smooth: bool = True
    """Low-pass what jitters. Decoded tokens jitter by a centimetre or two; captured motion does not and passes."""
    steady_positions: float = 0.001
    """Jitter of a person's joints (standard deviation along one axis) up to which their paths are left as they are."""
    steady_rotations: float = 0.6
    """The same for a local rotation, degrees."""


RAW_FIT = SolveSettings(smooth=False)
"""The skeleton fitted and nothing cleaned up: for measuring, and for motion that is good already."""
