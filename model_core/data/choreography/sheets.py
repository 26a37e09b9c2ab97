"""Contact sheets: a clip as stick figures from the front, the side and above, for visual checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files import atomic_write
from ...motion.skeleton import SMPL
from .scene import ChoreographedClip

_CELL = 240
_COLOURS = (((205, 60, 40), (120, 20, 10)), ((40, 100, 205), (10, 40, 120)))
"""Colours of the right side and the middle, and of the left side, of each person."""


def contact_sheet(clip: ChoreographedClip, path: Path, frames: int = 8) -> None:
    """Write a PNG with ``frames`` evenly spaced frames from three sides; contacts are ringed.

    Needs Pillow.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (frames * _CELL, 3 * _CELL), (250, 250, 248))
    draw = ImageDraw.Draw(image)
    joints = clip.joints.astype(np.float64)
    picked = np.linspace(0, len(clip) - 1, frames).round().astype(int)
    if clip.schedule:
        # Contacts must be visible: the nearest pictures move to the middle of contacts.
        for contact in clip.schedule[:: max(1, len(clip.schedule) // 3)]:
            middle = (contact.start + contact.stop - 1) // 2
            picked[np.abs(picked - middle).argmin()] = middle
    centre = joints[:, picked, 0].mean(0)
    spread = np.abs(joints[:, picked][..., [0, 2]] - centre[None, :, None, [0, 2]]).max()
    scale = 0.46 * _CELL / max(float(spread), 1.0)
    scale = max(scale, 0.2 * _CELL)
    for column, frame in enumerate(picked):
        for row, (across, up) in enumerate(((0, 1), (2, 1), (0, 2))):
            left, top = column * _CELL, row * _CELL
            draw.rectangle((left, top, left + _CELL - 2, top + _CELL - 2), outline=(200, 200, 200))
            flat = np.empty((2, 22, 2))
            flat[..., 0] = left + _CELL / 2 + scale * (joints[:, frame, :, across] - centre[column, across])
            if up == 1:
                floor = top + _CELL / 2 + scale * 0.85
                flat[..., 1] = floor - scale * joints[:, frame, :, 1]
                draw.line((left, floor, left + _CELL, floor), fill=(210, 205, 190))
            else:
                flat[..., 1] = top + _CELL / 2 + scale * (joints[:, frame, :, 2] - centre[column, 2])
            for person in (0, 1):
                _figure(draw, flat[person], _COLOURS[person], scale)
            for contact in clip.schedule:
                if contact.start <= frame < contact.stop:
                    x, y = flat[contact.person, SMPL.index(contact.part[0].upper() + "_Wrist")]
                    draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=(230, 160, 0), width=2)
        draw.text((column * _CELL + 6, 4), f"{frame / 30:.2f} s", fill=(60, 60, 60))
    words = ", ".join(f"{key}={value}" for key, value in clip.facts.items() if value)
    draw.text((6, _CELL - 16), f"{clip.kind}  seed {clip.seed}  {words}", fill=(20, 20, 20))
    with atomic_write(path) as temporary:
        image.save(temporary)


def _figure(
    draw: object, points: np.ndarray, colours: tuple[tuple[int, int, int], tuple[int, int, int]], scale: float
) -> None:
    for joint in range(1, len(SMPL)):
        parent = SMPL.parents[joint]
        colour = colours[1] if SMPL.joints[joint].startswith("L_") else colours[0]
        draw.line((*points[parent], *points[joint]), fill=colour, width=3)  # type: ignore[attr-defined]
    x, y = points[SMPL.index("Head")]
    radius = 0.1 * scale
    draw.ellipse((x - radius, y - radius * 1.2, x + radius, y + radius * 0.9), outline=colours[0], width=2)  # type: ignore[attr-defined]
