"""Settings of the solver, and what each one costs."""

from __future__ import annotations

from dataclasses import dataclass

from ..motion.limits import MIN_FRAMES

_BEGIN, _END = 18, 27
"""Frames in which people speed up from rest, and come to rest."""
_LARGEST_SHARE = 0.3
"""Largest share of a clip for each of these times."""
_SHORTER = 0.35
"""A clip is drawn shorter by this share of these frames, in which people move more slowly."""


@dataclass(frozen=True)
class SolveSettings:
    """Which corrections ``solve`` makes after fitting a skeleton, and their limits. Metres, seconds, degrees."""

    bridge_root_teleports: bool = True
    """Remove jumps of the whole body that are faster than people move."""
    smooth: bool = True
    """Low-pass filter jitter. Decoded tokens jitter by 1 to 2 cm; captured motion does not, and stays as it is."""
    steady_positions: float = 0.0007
    """Jitter of a person's joints (standard deviation along one axis) up to which their paths are not filtered."""
    steady_bodies: float = 0.0015
    """The same for the whole person: amplitude of the pelvis above 6 Hz, metres."""
    steady_rotations: float = 0.6
    """The same for a local rotation, degrees."""

    straighten_legs: bool = True
    """Shorten leg bones that are up to 3 percent too long, so that a person who stands straight has straight knees."""
    feet: bool = True
    """Find the floor, lock standing feet in place, and bend legs and lower the pelvis to reach them."""
    ground: bool = True
    """Move the scene vertically so that the estimated floor is at height 0; never with a ``held`` person."""
    largest_grounding: float = 0.3
    """An estimated floor further than this from 0 is intended and stays."""
    foot_blend: float = 0.1
    """Seconds over which a foot lock fades in and out."""
    clearance: float = 0.055
    """Minimum height of the toe joint over the floor while a foot travels at the speed of a step; 0 leaves its path.

    Feet of captured dancers travel lower: every centimetre more changes good motion further."""
    largest_drop: float = 0.08
    """The most by which the pelvis is lowered for feet that the legs cannot reach."""

    keep_contacts: bool = True
    """Keep the distance of touching joints of two people (nearer than 12 cm): hands follow, legs yield."""
    close_contacts: bool = True
    """Bring hands that come to rest a little short of the partner's body into touch with it."""
    closing_distance: float = 0.15
    """The largest gap that is closed."""
    closing_blend: float = 0.27
    """Seconds over which a hand moves to its touch and back to its own path."""

    separate: bool = False
    """Push interpenetrating bodies apart. Off: captured couples interpenetrate too, and pushing costs naturalness."""
    allowed_depth: float = 0.03
    """Depth of interpenetration that stays: bodies are soft and embrace."""
    separation: float = 0.7
    """Fraction of the excess depth to remove."""

    held: int | None = None
    """Index of a person who is fitted but not corrected: the leader, whose motion the user owns."""


RAW_FIT = SolveSettings(
    bridge_root_teleports=False,
    smooth=False,
    straighten_legs=False,
    feet=False,
    keep_contacts=False,
    close_contacts=False,
)
"""Fits the skeleton and corrects nothing: for measurements, and for motion that needs no correction."""

FITTED = SolveSettings(straighten_legs=False, feet=False, keep_contacts=False, close_contacts=False)
"""Fits and smooths, but moves no joint on purpose: the reference for contacts and feet."""


@dataclass(frozen=True)
class Ends:
    """Which ends of a clip come to rest.

    Attributes:
        begin: start at rest.
        end: settle at the end.
    """

    begin: bool
    end: bool

    def lengths(self, frames: int) -> tuple[int, int]:
        """Frames at the beginning and at the end of a clip of ``frames`` frames in which the pace changes."""
        most = int(_LARGEST_SHARE * frames)
        return self.begin * min(_BEGIN, most), self.end * min(_END, most)

    def drawn_frames(self, frames: int) -> int:
        """Frames to draw for a clip that has ``frames`` frames once its ends are at rest."""
        return max(frames - round(_SHORTER * sum(self.lengths(frames))), min(frames, MIN_FRAMES))
