"""Key poses: the few frames whose poses, joined by fitted Bezier curves, give a motion within tolerances."""

from __future__ import annotations
