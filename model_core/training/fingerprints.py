"""Digests of the inputs of a cache, so that a later run knows whether the cache is still valid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import fields

import numpy as np
import torch
from torch import nn

from .crops import Crops


def digest(*parts: object) -> str:
    """A hexadecimal digest of settings, crops, arrays and networks.

    Args:
        parts: ``Crops`` (with all that decides what is drawn from them), networks (by their weights), arrays (by their
            contents); anything else by its ``repr``.
    """
    hashing = hashlib.blake2b(digest_size=16)
    for part in parts:
        for piece in _pieces(part):
            hashing.update(len(piece).to_bytes(8, "little") + piece)
    return hashing.hexdigest()


def _pieces(part: object) -> Iterable[bytes]:
    if isinstance(part, Crops):
        yield repr(
            [(one.name, getattr(part, one.name)) for one in fields(part) if one.compare and one.name != "clips"]
        ).encode()
        for clip in part.clips:
            yield repr((clip.captions, clip.weight, clip.event_span, clip.kind)).encode()
            yield from _pieces(clip.features)
    elif isinstance(part, nn.Module):
        for name, tensor in part.state_dict().items():
            yield name.encode()
            values = tensor.detach().cpu().contiguous().flatten()
            yield repr((tuple(tensor.shape), tensor.dtype)).encode()
            yield values.view(torch.uint8).numpy().tobytes()  # numpy has no bfloat16
    elif isinstance(part, np.ndarray):
        yield repr((part.shape, part.dtype.str)).encode()
        yield np.ascontiguousarray(part).tobytes()
    else:
        yield repr(part).encode()
