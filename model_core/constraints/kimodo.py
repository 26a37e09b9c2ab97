"""Names of constrained joints in Kimodo's constraint files."""

from __future__ import annotations

GROUPS = {"Hips": (0,), "LeftHand": (20,), "RightHand": (21,), "LeftFoot": (7, 10), "RightFoot": (8, 11)}
"""Joints of each name in ``joint_names``; the hips are always constrained."""
SINGLE = {"left-hand": "LeftHand", "right-hand": "RightHand", "left-foot": "LeftFoot", "right-foot": "RightFoot"}
"""Types that are short for ``end-effector`` with one name."""
