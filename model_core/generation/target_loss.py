"""How far joints are from their targets, in torch: the loss of the latents, and the error of candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..constraints.targets import ContactTarget, Targets
from ..motion.places import PALM, PLACES, contact_gap
from ..motion.skeleton import SMPL
from ..networks.body_frame import facing, rotated
from .touches import Touches

_POSE, _PACE, _JERK, _PAIR = 0.3, 2.0, 16.0, 1.0
"""Weights, against 1 of a target: of changed poses, of their steps from frame to frame, of the third differences of the
change, and of a changed place of the partner."""
_TOUCH = 0.5
"""Weight of the touches of a draft, against 1 of each kind of target."""
_TINY = 1e-8
"""Squared metres that keep the gradient of a distance finite."""
_ALONG_BONE = {"L_Shoulder": "L_Elbow", "R_Shoulder": "R_Elbow", "L_Elbow": "L_Wrist", "R_Elbow": "R_Wrist"}
"""Joints of the arms, each with the one that its bone leads to."""


def asks_for_joints(targets: Targets) -> bool:
    """Whether joints are asked for that moving whole people does not bring to their targets."""
    weights = (targets.joint_weight, targets.shape_weight, *(contact.weight for contact in targets.contacts))
    return any(bool((weight > 0).any()) for weight in weights)


class TargetLoss:
    """The distance of two people from their targets, and from how they were.

    Args:
        targets: of each item; of at most as many frames as the joints have.
        start: (N, 2, T, 22, 3) joints to stay near to where nothing is asked.
        draft: (N, 2, T, 22, 3) joints before they were moved to the targets: hands that touch the other person in them
            touch again. None for no such hands.
    """

    def __init__(self, targets: Sequence[Targets], start: Tensor, draft: Tensor | None = None) -> None:
        frames = start.shape[2]

        def stacked(name: str) -> Tensor:
            arrays = [getattr(target, name) for target in targets]
            padded = [np.pad(a, [(0, 0), (0, frames - a.shape[1])] + [(0, 0)] * (a.ndim - 2)) for a in arrays]
            return torch.from_numpy(np.stack(padded)).to(start)

        self._ground, self._ground_weight = stacked("ground"), stacked("ground_weight")
        self._heading, self._heading_weight = stacked("heading"), stacked("heading_weight")
        self._joints, self._joint_weight = stacked("joints"), stacked("joint_weight")
        self._shape, self._shape_weight = stacked("shape"), stacked("shape_weight")
        self._contacts = [
            (number, contact, torch.from_numpy(np.pad(contact.weight, (0, frames - len(contact.weight)))).to(start))
            for number, target in enumerate(targets)
            for contact in target.contacts
        ]
        self._start = start.detach()
        self._touches = None if draft is None else Touches(draft.detach(), _apart(self._contacts, start))

    def error(self, joints: Tensor) -> Tensor:
        """(N,) mean distance of joints (N, 2, T, 22, 3) from all that is asked of them, metres."""
        total, count = self._asked(joints)
        return total / count.clamp_min(1e-6)

    def __call__(self, joints: Tensor) -> Tensor:
        """The loss of all items, to be minimised, of joints (N, 2, T, 22, 3)."""
        total, _ = self._asked(joints)
        change = joints - self._start
        own = change - change[..., :1, :]
        kept = 1 - torch.maximum(self._joint_weight, self._shape_weight)
        held = (
            _POSE * (_length(own) * kept).mean((1, 2, 3))
            + _PACE * _length(own.diff(dim=2)).mean((1, 2, 3))
            + _JERK * _length(change.diff(n=3, dim=2)).mean((1, 2, 3))
            + _PAIR * _length(change[..., 0, :].diff(dim=1)).mean((1, 2))
        )
        return (total + held).sum()

    def _asked(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) each: the sum of weighted distances in metres, and the sum of their weights.

        Each kind of target counts as much as the others, however many joints it has in a frame.
        """
        ahead = facing(joints)
        root = joints[..., 0, :]
        ground = _length(root[..., [0, 2]] - self._ground)
        asked = torch.stack((self._heading.sin(), self._heading.cos()), -1)
        heading = 0.3 * _length(ahead - asked)  # a shoulder is 0.3 m off at a radian
        shape = rotated(joints - root[..., None, :], ahead, -1.0)
        total, count = joints.new_zeros(len(joints)), joints.new_zeros(len(joints))
        for distance, weight in (
            (ground, self._ground_weight),
            (heading, self._heading_weight),
            (_length(joints - self._joints), self._joint_weight),
            (_length(shape - self._shape), self._shape_weight),
        ):
            amount = weight.flatten(1).sum(1)
            present = (amount > 0).to(amount)
            total = total + (distance * weight).flatten(1).sum(1) / amount.clamp_min(1e-6)
            count = count + present
        for number, contact, weight in self._contacts:
            if bool((weight > 0).any()):
                found = (contact_error(contact, joints[number]) * weight).sum() / weight.sum()
                total, count = total.index_add(0, _index(number, total), found[None]), count.clone()
                count[number] += 1
        if self._touches is not None:
            opened, present = self._touches.opened(joints)
            total, count = total + _TOUCH * opened, count + _TOUCH * present
        return total, count


def _apart(contacts: Sequence[tuple[int, ContactTarget, Tensor]], like: Tensor) -> Tensor:
    """(N, T) true for the frames in which two people are asked to keep places apart, of joints (N, 2, T, 22, 3)."""
    apart = torch.zeros(len(like), like.shape[2], dtype=torch.bool, device=like.device)
    for number, contact, weight in contacts:
        if contact.never_nearer is not None:
            apart[number] |= weight > 0
    return apart


def _index(number: int, like: Tensor) -> Tensor:
    return torch.tensor([number], device=like.device)


def contact_error(contact: ContactTarget, joints: Tensor) -> Tensor:
    """(T,) metres by which a contact of joints (2, T, 22, 3) is open, or a distance falls short of the smallest."""
    own = place(contact.place, joints[contact.person])
    if isinstance(contact.on, str):
        other = place(contact.on, joints[1 - contact.person])
    else:
        other = torch.from_numpy(np.asarray(contact.on, dtype=np.float64)).to(joints)
    distance = _length(own - other)
    if contact.never_nearer is not None:
        return (contact.never_nearer - distance).clamp_min(0)
    return (distance - contact_gap(contact.place, contact.on)).clamp_min(0)


def place(name: str, joints: Tensor) -> Tensor:
    """A place of ``PLACES`` (T, 3) from joints (T, 22, 3) alone: the trunk turns as hips and shoulders do.

    The solver, which knows the rotations, meets contacts exactly.
    """
    carrier, local = PLACES[name]
    index = SMPL.index(carrier)
    at = joints[:, index]
    if name in ("left_hand", "right_hand"):
        elbow = joints[:, SMPL.index("L_Elbow" if name == "left_hand" else "R_Elbow")]
        return at + PALM * normalize(at - elbow, dim=-1, eps=1e-6)
    if carrier in _ALONG_BONE:
        bone = joints[:, SMPL.index(_ALONG_BONE[carrier])] - at
        return at + abs(local[0]) * normalize(bone, dim=-1, eps=1e-6)
    if not any(local):
        return at
    up = normalize(joints[:, SMPL.index("Neck")] - joints[:, 0], dim=-1, eps=1e-6)
    ahead = facing(joints)
    forward = torch.stack((ahead[:, 0], torch.zeros_like(ahead[:, 0]), ahead[:, 1]), -1)
    side = normalize(torch.linalg.cross(up, forward), dim=-1, eps=1e-6)
    return at + local[0] * side + local[1] * up + local[2] * torch.linalg.cross(side, up)


def _length(vectors: Tensor) -> Tensor:
    """Lengths (...) of vectors (..., N), with a finite gradient at zero."""
    return (vectors.square().sum(-1) + _TINY).sqrt()
