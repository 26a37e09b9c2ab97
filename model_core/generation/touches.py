"""Hands that touch the other person in a draft, and how far they are from touching in another motion.

Constraints move one of two people, or one of their hands. What the two do together, such as hands that meet, must come
along, although no constraint asks for it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..motion.places import PALM
from ..motion.skeleton import SMPL

_NEAR = (0.18, 0.3)
"""Metres from a palm to a palm or a joint of the other person: they touch up to the first, and do not from the second
on. A palm on a shoulder is this far from the joint inside it."""
_TOUCHED = tuple(
    SMPL.index(name)
    for name in (
        "Spine1", "Spine2", "Spine3", "Neck", "Head", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow",
        "L_Wrist", "R_Wrist",
    )
)  # fmt: skip
_WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))
_ELBOWS = (SMPL.index("L_Elbow"), SMPL.index("R_Elbow"))
_TINY = 1e-8
"""Squared metres that keep the gradient of a distance finite."""


class Touches:
    """The touches of the hands of two people.

    Args:
        draft: (N, 2, T, 22, 3) metres.
        apart: (N, T) true for frames in which the two are asked to keep apart, whose touches do not count.
    """

    def __init__(self, draft: Tensor, apart: Tensor) -> None:
        distance, self._nearest = _distances(draft).min(-1)
        near, far = _NEAR
        share = ((far - distance) / (far - near)).clamp(0.0, 1.0)
        self._weight = share * share * (3 - 2 * share) * ~apart[:, None, :, None]
        self._distance = distance.clamp_min(near * 0.5)
        self._amount = self._weight.flatten(1).sum(1)

    def opened(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) mean metres by which touches of joints (N, 2, T, 22, 3) are wider, and (N,) 1 where there are any."""
        distance = _distances(joints).gather(-1, self._nearest[..., None])[..., 0]
        wider = (distance - self._distance).clamp_min(0.0)
        return (wider * self._weight).flatten(1).sum(1) / self._amount.clamp_min(1.0), (self._amount > 0).to(joints)


def _distances(joints: Tensor) -> Tensor:
    """(N, 2, T, 2, K) metres from the two palms of each person to K points of the other one."""
    wrists, elbows = joints[..., _WRISTS, :], joints[..., _ELBOWS, :]
    along = wrists - elbows
    palms = wrists + PALM * along / (along.square().sum(-1, keepdim=True) + _TINY).sqrt()
    points = torch.cat((palms, joints[..., _TOUCHED, :]), -2).flip(1)
    return ((palms[..., :, None, :] - points[..., None, :, :]).square().sum(-1) + _TINY).sqrt()
