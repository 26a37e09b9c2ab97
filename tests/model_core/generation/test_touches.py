"""What the hands of two people touch in a draft pulls them together again where a constraint moves one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pair_example import pair

from model_core.constraints import Constraints, ContactConstraint, PinConstraint, Targets
from model_core.generation.target_loss import TargetLoss
from model_core.generation.touches import Touches
from model_core.motion import SMPL

FRAMES = 24
ARMS = [SMPL.index(f"{side}_{name}") for side in "LR" for name in ("Elbow", "Wrist")]
LEFT_ARM = [SMPL.index("L_Elbow"), SMPL.index("L_Wrist")]


def meeting(start: int = 8, stop: int = 16) -> torch.Tensor:
    """(1, 2, T, 22, 3): the left wrist of the first person meets the right one of the second in some frames."""
    joints = pair(1, FRAMES).double()
    goal = joints[0, 1, start:stop, SMPL.index("R_Wrist")] + torch.tensor((0.0, 0.0, -0.1))
    move = goal - joints[0, 0, start:stop, SMPL.index("L_Wrist")]
    joints[0, 0, start:stop, LEFT_ARM] += move[:, None]
    return joints


def free(joints: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(joints), joints.shape[2], dtype=torch.bool)


def test_touches_are_as_wide_as_they_are_opened() -> None:
    draft = meeting()
    touches = Touches(draft, free(draft))
    opened, present = touches.opened(draft)
    assert float(opened) == pytest.approx(0.0, abs=1e-6) and present.tolist() == [1.0]
    apart = draft.clone()
    apart[0, 1] += torch.tensor((0.0, 0.0, 0.3))
    assert 0.1 < float(touches.opened(apart)[0]) < 0.32
    both = draft + torch.tensor((0.4, 0.0, 1.0))
    assert float(touches.opened(both)[0]) == pytest.approx(0.0, abs=1e-6)  # together they may go anywhere
    far = pair(1, FRAMES).double()
    assert Touches(far, free(far)).opened(apart)[1].tolist() == [0.0]
    assert Touches(draft, ~free(draft)).opened(apart)[1].tolist() == [0.0]


@pytest.mark.slow
def test_the_hand_that_meets_a_pinned_one_follows_it() -> None:
    """A pin asks one hand to be elsewhere at the time at which hands meet; nothing asks for the other one."""
    draft, wrists = meeting(), [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]
    point = draft[0, 0, 8:16, wrists[0]].numpy() + np.array([0.0, 0.2, 0.1])
    pin = Targets.of(Constraints((PinConstraint(0, "L_Wrist", 8, 16, point, blend=0),)), FRAMES)

    def gap(kept: torch.Tensor | None) -> float:
        loss, moved = TargetLoss([pin], draft, kept), draft.clone().requires_grad_(True)
        adam = torch.optim.Adam([moved], lr=0.02)
        for _ in range(40):
            adam.zero_grad()
            loss(moved).backward()
            adam.step()
        found = moved.detach()[0, :, 10:14]
        assert float(np.linalg.norm(found[0, :, wrists[0]].numpy() - point[2:6], axis=-1).mean()) < 0.08
        return float((found[0, :, wrists[0]] - found[1, :, wrists[1]]).norm(dim=-1).mean())

    assert gap(draft) < 0.6 * gap(None)


def test_who_must_keep_apart_is_not_pulled_together() -> None:
    draft = meeting()
    away = ContactConstraint(0, "left_hand", "right_hand", 0, FRAMES, never_nearer=0.5, blend=0)
    targets = Targets.of(Constraints((away,)), FRAMES)
    apart = draft.clone()
    apart[0, 1] += torch.tensor((0.0, 0.0, 1.0))
    assert float(TargetLoss([targets], draft, draft).error(apart)) == pytest.approx(0.0, abs=1e-3)
    none = replace(targets, contacts=())
    assert float(TargetLoss([none], draft, draft).error(apart)) > 0.2
