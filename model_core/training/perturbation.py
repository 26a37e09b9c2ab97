"""Perturbs pairs with errors like those of decoded tokens: people are displaced and turned, and their arms bent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..kinematics.limbs import ARMS
from ..networks.body_frame import rotated


@dataclass(frozen=True)
class Perturbation:
    """Standard deviations of the perturbations at strength 1; each pair gets a random strength.

    Attributes:
        place: metres along the floor by which a person is displaced for the whole clip.
        drift, sway: metres of a displacement that changes in about two seconds, and in half a second.
        rise: fraction of these displacements that also applies vertically.
        turn, veer: radians about the vertical for the whole clip, and changing in about two seconds.
        bend, wave: radians at shoulders and elbows for the whole clip, and changing in about a second.
        strongest: highest strength of a pair.
        spared: fraction of the pairs that are not perturbed.
    """

    place: float = 0.18
    drift: float = 0.15
    sway: float = 0.075
    rise: float = 0.1
    turn: float = 0.15
    veer: float = 0.12
    bend: float = 0.12
    wave: float = 0.12
    strongest: float = 1.6
    spared: float = 0.1

    def apply(self, joints: Tensor) -> Tensor:
        """Perturb the joints (B, 2, T, 22, 3) of pairs, metres, Y up; the shape stays the same."""
        B, _, T = joints.shape[:3]
        device = joints.device
        strength = torch.rand(B, device=device) * self.strongest * (torch.rand(B, device=device) >= self.spared)
        strength = strength[:, None, None, None]

        def noise(steady: float, slow: float, frames: float, count: int) -> Tensor:
            """(B, 2, T, count)"""
            whole = steady * torch.randn(B, 2, 1, count, device=device)
            return (whole + slow * smooth_noise((B, 2, T, count), frames, device)) * strength

        offset = noise(self.place, self.drift, 20, 3) + noise(0.0, self.sway, 6, 3)
        offset = offset * torch.tensor((1.0, self.rise, 1.0), device=device)
        angle = noise(self.turn, self.veer, 20, 1)
        pelvis = joints[..., :1, :]
        result = rotated(joints - pelvis, torch.cat((angle.sin(), angle.cos()), -1), 1.0)
        for arm in ARMS:
            for at, moved in ((arm.upper, [arm.hinge, arm.end]), (arm.hinge, [arm.end])):
                axis = noise(self.bend, self.wave, 12, 3)[..., None, :]
                base = result[..., [at], :]
                swung = base + _swung(result[..., moved, :] - base, axis)
                result = result.index_copy(-2, torch.tensor(moved, device=device), swung)
        return result + pelvis + offset[..., None, :]


def smooth_noise(shape: tuple[int, ...], frames: float, device: torch.device | str = "cpu") -> Tensor:
    """Noise (..., T, C) with standard deviation 1 whose values last for about ``frames`` frames."""
    *before, T, C = shape
    reach = round(3 * frames)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=device) / frames) ** 2)
    values = torch.randn(*before, C, T + 2 * reach, device=device).flatten(0, -2)[:, None]
    return functional.conv1d(values, (bell / bell.norm())[None, None]).view(*before, C, T).transpose(-1, -2)


def _swung(vectors: Tensor, axis: Tensor) -> Tensor:
    """Vectors (..., 3) rotated about axes (..., 3) by the axes' lengths in radians (Rodrigues' formula)."""
    angle = axis.norm(dim=-1, keepdim=True).clamp_min(1e-8)
    axis = (axis / angle).expand_as(vectors)
    along = (axis * vectors).sum(-1, keepdim=True)
    return vectors * angle.cos() + torch.cross(axis, vectors, dim=-1) * angle.sin() + axis * along * (1 - angle.cos())
