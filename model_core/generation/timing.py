"""When two people first touch, and motion that is faster or slower so that they do so at another time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..motion.places import PLACES
from .target_loss import place

_TOUCHES = 0.1
"""Metres between a hand or foot and a place of the other person that count as contact."""
_REACHING = ("left_hand", "right_hand", "left_foot", "right_foot")
_PACES = (0.4, 2.5)
"""How much slower and faster motion may become."""


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
