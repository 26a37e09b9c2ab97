"""How Kimodo's constraint files name the joints that a pose binds."""

from __future__ import annotations

GROUPS = {"Hips": (0,), "LeftHand": (20,), "RightHand": (21,), "LeftFoot": (7, 10), "RightFoot": (8, 11)}
"""Names in ``joint_names`` with the joints that each binds; the hips are always bound."""
SINGLE = {"left-hand": "LeftHand", "right-hand": "RightHand", "left-foot": "LeftFoot", "right-foot": "RightFoot"}
"""Types that stand for ``end-effector`` with one name."""
