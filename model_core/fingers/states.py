"""The states that the fingers of a hand can be in."""

from __future__ import annotations

FINGER_STATES = ("relaxed", "flat", "fist", "grip", "clasp", "handle", "pointing", "open")
"""In the order of the finger classifier's classes.

``flat``: straight, side by side; ``grip``: bent around a limb of the partner; ``clasp``: holding the partner's hand;
``handle``: around a handle; ``open``: straight and spread.
"""

RELAXED, FLAT, FIST, GRIP, CLASP, HANDLE, POINTING, OPEN = range(len(FINGER_STATES))
