"""What each state of the fingers looks like."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .states import FINGER_STATES

_SHAPES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    # Index, middle, pinky, ring: flexion of three joints, spread; thumb: opposition, adduction, two flexions. Degrees.
    "relaxed": ((14, 22, 10, -3), (18, 27, 13, 1), (26, 32, 16, 16), (22, 30, 15, 5), (14, 14, 8, 14)),
    "flat": ((3, 4, 2, -5), (3, 4, 2, 0), (4, 5, 3, 20), (3, 4, 2, 6), (4, 26, 0, 2)),
    "fist": ((78, 98, 58, -4), (82, 100, 60, 3), (80, 94, 58, 20), (82, 98, 60, 8), (24, -10, 70, 52)),
    "grip": ((34, 42, 24, -2), (38, 46, 26, 1), (42, 44, 26, 14), (40, 46, 26, 5), (42, 6, 10, 16)),
    "clasp": ((26, 38, 20, -2), (30, 40, 22, 1), (36, 42, 24, 16), (34, 42, 24, 6), (34, 2, 4, 14)),
    # Found by closing each finger around a rod of 29 mm where props put it, and the thumb from the other side.
    "handle": ((39, 75, 24, -3), (48, 75, 42, 2), (0, 70, 36, 18), (42, 65, 48, 7), (24, -6, 24, 40)),
    "pointing": ((2, 4, 2, -2), (74, 98, 58, 3), (78, 92, 56, 20), (78, 98, 58, 8), (24, 26, 36, 13)),
    "open": ((-2, 4, 2, 6), (-2, 4, 2, 2), (0, 5, 3, -4), (-1, 4, 2, -1), (2, -8, 0, 2)),
}

SHAPES = np.array([np.ravel(_SHAPES[name]) for name in FINGER_STATES], dtype=np.float64)
"""(S, 20) angles of each state, degrees; see ``hand_pose``."""
