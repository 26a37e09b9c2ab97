"""Decides by a hash which captions and clips are held out, so that the split is the same on every machine."""

from __future__ import annotations

import zlib

_SHARE = 10
"""One in this many is held out."""


def caption_held_out(kind: str, caption: str) -> bool:
    """Whether a caption is held out."""
    return zlib.crc32(f"{kind}|{caption.lower()}".encode()) % _SHARE == 0


def instance_held_out(kind: str, seed: int) -> bool:
    """Whether a clip is held out."""
    return zlib.crc32(f"{kind}#{seed}".encode()) % _SHARE == 0
