"""Which captions and which instances are held out: by hash, so that it is the same everywhere and for ever."""

from __future__ import annotations

import zlib

_SHARE = 10
"""One in so many is held out."""


def caption_held_out(kind: str, caption: str) -> bool:
    """Whether a caption only measures."""
    return zlib.crc32(f"{kind}|{caption.lower()}".encode()) % _SHARE == 0


def instance_held_out(kind: str, seed: int) -> bool:
    """Whether a clip only measures."""
    return zlib.crc32(f"{kind}#{seed}".encode()) % _SHARE == 0
