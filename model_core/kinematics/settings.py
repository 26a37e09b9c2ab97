"""Every choice of the solver, with what it costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SolveSettings:
    """What ``solve`` does beyond fitting a skeleton, and how far it may go. Metres, seconds, degrees."""

    bridge_root_teleports: bool = True
    """Bring back people who leap through space faster than anybody moves."""
    smooth: bool = True
    """Low-pass what jitters. Decoded tokens jitter by a centimetre or two; captured motion does not and passes."""
    steady_positions: float = 0.0007
    """Jitter of a person's joints (standard deviation along one axis) up to which their paths are left as they are."""
    steady_bodies: float = 0.0015
    """The same for a person as a whole: how far his pelvis may go to and fro faster than six times a second, metres."""
    steady_rotations: float = 0.6
    """The same for a local rotation, degrees."""

    straighten_legs: bool = True
    """Shorten leg bones that are a little too long, so that those who stand straight stand on straight knees."""
    feet: bool = True
    """Find the floor, hold standing feet in place, bend legs and lower the pelvis to reach them."""
    ground: bool = True
    """Move the scene up or down so that the floor found is at height 0; never with a ``held`` person."""
    largest_grounding: float = 0.3
    """A floor found further than this from 0 is taken to be meant."""
    foot_blend: float = 0.1
    """Seconds in which a foot comes into and out of its hold."""
    clearance: float = 0.055
    """Height of the toe joint over its stand that a foot travelling at a step's speed is given; 0 leaves its path.

    Captured dancers' feet travel lower: every centimetre more moves sound motion farther from what it was."""
    largest_drop: float = 0.08
    """The pelvis is lowered by no more than this for feet that the legs cannot reach."""

    keep_contacts: bool = True
    """Joints of two people that touch (12 cm) stay as far from each other as they were: hands follow, legs give in."""
    close_contacts: bool = True
    """Hands that come to rest a little short of the partner's body are brought to touch it."""
    closing_distance: float = 0.15
    """The gap that is closed at most."""
    closing_blend: float = 0.27
    """Seconds in which a hand gets to its touch and back to its own path."""

    separate: bool = False
    """Move bodies out of each other. Off: captured couples interpenetrate too, and pushing costs naturalness."""
    allowed_depth: float = 0.03
    """Bodies are soft and embrace: up to this depth nothing is done."""
    separation: float = 0.7
    """Share of what is deeper that is taken away."""

    held: int | None = None
    """Index of a person who is only fitted and never cleaned up: the leader, whose motion the user owns."""


RAW_FIT = SolveSettings(
    bridge_root_teleports=False,
    smooth=False,
    straighten_legs=False,
    feet=False,
    keep_contacts=False,
    close_contacts=False,
)
"""The skeleton fitted and nothing cleaned up: for measuring, and for motion that is good already."""

FITTED = SolveSettings(straighten_legs=False, feet=False, keep_contacts=False, close_contacts=False)
"""Fitted and smoothed, but nobody moved: what contacts and feet are to be compared with."""
