"""A short moving picture of a clip that a batch rendered as pictures, as an animated WebP, which pages show as it is.

    python -m intermask_blender.batch --prompt "two friends hug each other" --name hug --render png \\
        --resolution 480x270 --out clips/
    python tools/picture_clip.py docs/pictures/clip.webp clips/hug

Needs Pillow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

LARGEST = 2_000_000
"""Bytes: a page that many open should stay light."""
QUALITIES = (80, 60, 40, 20)


def clip(folder: Path, picture: Path, fps: float = 30.0, every: int = 2) -> None:
    """Write the moving picture, in the best quality that stays under ``LARGEST``.

    Args:
        folder: with a PNG file a frame.
        picture: the WebP file.
        fps: of the frames.
        every: number of frames per picture.
    """
    frames = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))[::every]]
    if not frames:
        raise SystemExit(f"There are no pictures in {folder}; render with --render png.")
    for quality in QUALITIES:
        frames[0].save(
            picture,
            format="WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 * every / fps),
            loop=0,
            quality=quality,
            method=4,
        )
        if picture.stat().st_size <= LARGEST:
            return
    picture.unlink()
    raise SystemExit(f"{picture.name} would be larger than {LARGEST / 1e6:g} MB; render fewer or smaller pictures.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fps", type=float, default=30.0, help="of the frames (30)")
    parser.add_argument("--every", type=int, default=2, help="number of frames per picture (2)")
    given = parser.parse_args()
    clip(given.folder, given.picture, given.fps, given.every)
