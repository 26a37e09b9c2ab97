"""Motion that is faster or slower, so that what is asked for in a frame happens in it.

The first contact is brought to its frame. Poses and contacts of the two people are asked for in frames in which a drawn
motion may be in another phase of a step, or of its act: the frames that resemble them most are brought to theirs, so
that people do not have to change from one phase to another and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..constraints import Targets
from ..motion import FPS
from ..motion.canonical import facing
from ..motion.places import PLACES
from ..motion.rotations import about_y, rotate
from .target_loss import contact_error, place

_TOUCHES = 0.1
"""Metres between a hand or foot and a place of the other person that count as contact."""
_REACHING = ("left_hand", "right_hand", "left_foot", "right_foot")
_PACES = (0.4, 2.5)
"""How much slower and faster motion may become."""
_EASY_PACES = (0.6, 1.6)
"""The same for the sake of poses and contacts."""
_PACE_PRICE = 0.15
"""Metres between joints that a second at e times the pace is worth."""
_EARLIER = 16
"""Frames that may be left out at either end of a motion for the sake of poses and contacts."""
_OPEN, _GAP_SHARE = 0.4, 0.5
"""Metres from which on an open contact counts no more, and how much a metre counts against one of a pose."""
_LEVEL_SHARE = 0.3
"""How much a metre along the ground from a pin counts against one of height: people can be moved."""
_KNOT_STEP = 4
"""Frames between those of a held pose or contact that are compared."""


def first_contact(joints: Tensor) -> int | None:
    """The frame in which a hand or foot of one of two people (2, T, 22, 3) first touches the other; None if never."""
    places = [torch.stack([place(name, person) for name in PLACES]) for person in joints]
    reaching = [list(PLACES).index(name) for name in _REACHING]
    gaps = [(own[reaching][:, None] - other[None]).norm(dim=-1).amin((0, 1)) for own, other in (places, places[::-1])]
    touching = torch.minimum(*gaps) < _TOUCHES
    return int(touching.float().argmax()) if bool(touching.any()) else None


def time_map(frames: int, found: int, asked: int, start: int = 0) -> np.ndarray:
    """(T,) the times, in frames, from which the frames of a motion are taken so that something happens at another one.

    Args:
        frames: T.
        found: frame in which it happens.
        asked: frame in which it is to happen.
        start: frames before this one stay.
    """
    times = np.arange(frames, dtype=np.float64)
    last = frames - 1
    slowest, fastest = _PACES
    if not start < found < last:
        return times
    # The event moves as far as both parts can become faster or slower.
    earliest = max(start + (found - start) / fastest, last - (last - found) / slowest)
    latest = min(start + (found - start) / slowest, last - (last - found) / fastest)
    moved = float(np.clip(asked, earliest, latest))
    times[start:] = np.interp(times[start:], [start, moved, last], [start, found, last])
    return times


def retimed(features: Tensor, times: np.ndarray) -> Tensor:
    """Features (2, T, ...) at other times (T,), mixed from the two frames around each."""
    first = np.clip(np.floor(times).astype(int), 0, features.shape[1] - 1)
    second = np.minimum(first + 1, features.shape[1] - 1)
    share = torch.from_numpy(times - first).to(features).view(-1, *[1] * (features.ndim - 2))
    return torch.lerp(features[:, first], features[:, second], share)


@dataclass(frozen=True)
class Retiming:
    """When a motion resembles what it is asked for.

    Attributes:
        times: (T,) the times, in frames, from which its frames are taken.
        gap: mean distance in metres, in asked frames, of what is asked for from what the retimed motion does, and the
            price of its changed paces.
    """

    times: np.ndarray
    gap: float


def retiming_to_targets(joints: np.ndarray, targets: Targets, start: int = 0) -> Retiming | None:
    """The times at which a motion resembles the poses and contacts that are asked of it; None if none are.

    A dynamic programme over the asked frames: the time of each, in whole frames, so that poses, relative to the pelvis
    and where the person faces, are near, contacts closed and pinned joints high enough, at paces that change little.

    Args:
        joints: (2, T, 22, 3) metres.
        targets: of at least T frames, in the frame of the joints.
        start: frames before this one stay.
    """
    frames = joints.shape[1]
    costs = _asked_costs(joints, targets)
    costs = {frame: cost for frame, cost in costs.items() if start < frame < frames - 1}
    if not costs:
        return None
    weight = 1.0 / len(costs)
    at = np.arange(frames, dtype=np.float64)
    last = frames - 1
    begin = np.full(frames, np.inf)
    begin[start : start + 1 + (0 if start else _EARLIER)] = 0.0
    end = np.full(frames, np.inf)
    end[last - _EARLIER :] = 0.0
    knots = [start, *sorted(costs), last]
    best, came_from = begin, []
    for frame, following in pairwise(knots):
        span = following - frame
        pace = np.maximum(at[None, :] - at[:, None], 1e-9) / span
        price = weight * _PACE_PRICE * span / FPS * np.log(pace) ** 2
        allowed = (pace >= _EASY_PACES[0]) & (pace <= _EASY_PACES[1])
        total = best[:, None] + np.where(allowed, price, np.inf)
        came_from.append(total.argmin(0))
        best = total.min(0) + (end if following == last else weight * costs[following])
    found = [int(best.argmin())]
    if not np.isfinite(best[found[0]]):
        return None
    for back in reversed(came_from):
        found.append(int(back[found[-1]]))
    times = at.copy()
    times[start:] = smooth_interpolation(at[start:], np.array(knots), np.array(found[::-1]))
    return Retiming(times, float(best[found[0]]))


def _asked_costs(joints: np.ndarray, targets: Targets) -> dict[int, np.ndarray]:
    """For each compared frame the metres (T,) by which each frame of a motion differs from what is asked in it."""
    frames = joints.shape[1]
    costs: dict[int, np.ndarray] = {}

    def add(frame: int, cost: np.ndarray) -> None:
        costs[frame] = costs.get(frame, np.zeros(frames)) + cost

    shapes = rotate(about_y(-facing(joints))[:, :, None], joints - joints[:, :, :1])
    for person in (0, 1):
        placed = (targets.joint_weight[person, :frames, 0] > 0) & (targets.heading_weight[person, :frames] > 0)
        anywhere = (targets.shape_weight[person, :frames] > 0).any(-1) & ~placed
        for frame in _compared(placed | anywhere):
            if placed[frame]:
                weight = targets.joint_weight[person, frame]
                away = targets.joints[person, frame] - targets.joints[person, frame, 0]
                asked = rotate(about_y(np.asarray(-targets.heading[person, frame])), away)
            else:
                weight, asked = targets.shape_weight[person, frame], targets.shape[person, frame]
            distance = np.linalg.norm(shapes[person] - asked, axis=-1)
            add(frame, (distance * weight).sum(-1) / max(float(weight[1:].sum()), 1e-6))
        pinned = targets.joint_weight[person, :frames] * ~placed[:, None]
        for frame in _compared((pinned >= 1).any(-1)):
            missing = np.abs(joints[person] - targets.joints[person, frame])[:, pinned[frame] >= 1]
            level = np.hypot(missing[..., 0], missing[..., 2])
            add(frame, _GAP_SHARE * np.minimum(missing[..., 1] + _LEVEL_SHARE * level, _OPEN).mean(-1))
    for contact in targets.contacts:
        if isinstance(contact.on, str) and contact.never_nearer is None:
            open_ = contact_error(contact, torch.from_numpy(joints)).numpy()
            for frame in _compared(contact.weight[:frames] >= 1):
                add(frame, _GAP_SHARE * np.minimum(open_, _OPEN))
    return costs


def _compared(asked: np.ndarray) -> list[int]:
    """The frames of (T,) asked ones that are compared: all single ones, and of runs the ends and some between."""
    frames = np.flatnonzero(asked)
    ends = [f for f in frames if f == 0 or f == len(asked) - 1 or not (asked[f - 1] and asked[f + 1])]
    return [int(frame) for frame in frames if frame in ends or frame % _KNOT_STEP == 0]


def smooth_interpolation(at: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A rising curve through values at knots whose slope has no jumps (Fritsch and Carlson 1980).

    Args:
        at: (N,) within the knots.
        knots: (K,) rising.
        values: (K,) rising.
    """
    width = np.diff(knots).astype(np.float64)
    slope = np.diff(values) / width
    inner = 2 * slope[:-1] * slope[1:] / np.maximum(slope[:-1] + slope[1:], 1e-9)
    tangent = np.concatenate((slope[:1], inner, slope[-1:]))
    index = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(width) - 1)
    share = (at - knots[index]) / width[index]
    square, cube = share**2, share**3
    return np.asarray(
        (2 * cube - 3 * square + 1) * values[index]
        + (cube - 2 * square + share) * width[index] * tangent[index]
        + (3 * square - 2 * cube) * values[index + 1]
        + (cube - square) * width[index] * tangent[index + 1]
    )
