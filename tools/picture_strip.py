"""One picture of several clips, a row each: three moments of every clip that a batch rendered as pictures.

    python -m intermask_blender.batch --jobs jobs.csv --render png --resolution 480x300 --out clips/
    python tools/picture_strip.py docs/pictures/starter.png clips/a_frames clips/b_frames

Needs Pillow.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

MOMENTS = (0.25, 0.5, 0.75)
"""Shares of a clip."""
BAND = (0.02, 0.98)
"""Share of a frame's width that is kept: people stand in the middle."""


def strip(folders: Sequence[Path], columns: int = 2) -> Image.Image:
    """The picture: ``columns`` clips next to each other."""
    cells = []
    for folder in folders:
        frames = sorted(folder.glob("*.png"))
        if not frames:
            raise SystemExit(f"There are no pictures in {folder}; render with --render png.")
        cells.append([_cut(frames[round(share * (len(frames) - 1))]) for share in MOMENTS])
    width, height = cells[0][0].size
    rows = -(-len(cells) // columns)
    whole = Image.new("RGB", (columns * len(MOMENTS) * width, rows * height), "white")
    for number, cell in enumerate(cells):
        for moment, picture in enumerate(cell):
            left = (number % columns * len(MOMENTS) + moment) * width
            whole.paste(picture, (left, number // columns * height))
    return whole


def _cut(path: Path) -> Image.Image:
    picture = Image.open(path).convert("RGB")
    left, right = (round(share * picture.width) for share in BAND)
    return picture.crop((left, 0, right, picture.height)).resize(
        (round((right - left) * 0.7), round(picture.height * 0.7))
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    given = parser.parse_args()
    strip(given.folders).quantize(160).save(given.picture, optimize=True)
