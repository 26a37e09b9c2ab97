"""Small pictures of a clip, made without a renderer: both people as stick figures.

One is a PNG file with a few moments. The other is the motion as a script that the report's page loads and draws.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..core import SKELETONS, PosedSkeleton

MOMENTS = 5
SIDE = 96
"""Pixels of the side of each moment's square."""

COLOURS = np.array(((0.80, 0.42, 0.10), (0.10, 0.36, 0.72)))
GROUND, PAPER = 0.62, 0.96
MARGIN = 0.3
"""Metres around the people."""

PREVIEW_FPS = 15.0
"""About the frames per second of the motion on the report's page."""

THICKNESS = 0.9
"""Pixels from a bone's middle to where its line begins to fade."""


def contact_sheet(people: tuple[PosedSkeleton, PosedSkeleton]) -> np.ndarray:
    """Both people at evenly spaced moments, side by side.

    Returns:
        (SIDE, MOMENTS * SIDE, 3) colours 0 to 1, the first row at the top.
    """
    view = side_view(people)
    moments = np.linspace(0, view.points.shape[1] - 1, MOMENTS).round().astype(int)
    floor = view.floor * SIDE
    squares = [_square(view.points[:, moment] * SIDE, floor, people) for moment in moments]
    return np.concatenate(squares, axis=1)


@dataclass(frozen=True)
class SideView:
    """Both people on a square picture, in the view in which they hide each other least.

    Attributes:
        points: (2, T, J, 2) joints in sides of the square, right and up from its lower left corner.
        floor: height of the ground, in sides of the square.
    """

    points: np.ndarray
    floor: float


def side_view(people: tuple[PosedSkeleton, PosedSkeleton]) -> SideView:
    """See both people at right angles to the longer side of the ground that they cover."""
    joints = np.stack([person.joints() for person in people])
    ground = joints[..., (0, 2)].reshape(-1, 2)
    _, _, axes = np.linalg.svd(ground - ground.mean(axis=0), full_matrices=False)
    seen = np.stack((joints[..., (0, 2)] @ axes[0], joints[..., 1]), axis=-1)
    low, high = seen.reshape(-1, 2).min(axis=0) - MARGIN, seen.reshape(-1, 2).max(axis=0) + MARGIN
    low[1] = min(low[1], -MARGIN)
    side = (high - low).max()
    corner = 0.5 * (low + high) - 0.5 * side
    corner[1] = low[1]
    return SideView((seen - corner) / side, float(-corner[1] / side))


def write_motion_script(people: tuple[PosedSkeleton, PosedSkeleton], name: str, path: Path) -> None:
    """Write the motion for the report's page: a script, since a page without a server can load no other data.

    Args:
        people: of the clip.
        name: of the row.
        path: of the file.
    """
    view, skeleton = side_view(people), SKELETONS[people[0].skeleton.name]
    step = max(1, round(people[0].fps / PREVIEW_FPS))
    points = view.points[:, ::step].swapaxes(0, 1)
    bytes_of_points = np.clip(255 * np.stack((points[..., 0], 1 - points[..., 1]), axis=-1), 0, 255).round()
    motion = {
        "fps": people[0].fps / step,
        "frames": len(points),
        "parents": list(skeleton.parents),
        "floor": round(255 * (1 - view.floor), 1),
        "points": base64.b64encode(bytes_of_points.astype(np.uint8).tobytes()).decode("ascii"),
    }
    path.write_text(f"intermaskMotion({json.dumps(name)}, {json.dumps(motion)});\n", encoding="utf-8")


def write_contact_sheet(people: tuple[PosedSkeleton, PosedSkeleton], path: Path) -> None:
    """Write the picture as a PNG file."""
    sheet = contact_sheet(people)
    height, width, _ = sheet.shape
    image = bpy.data.images.new("Contact Sheet", width, height)
    try:
        pixels = np.ones((height, width, 4), np.float32)
        pixels[..., :3] = sheet[::-1]
        image.pixels.foreach_set(pixels.ravel())
        image.file_format = "PNG"
        image.save(filepath=str(path.resolve()))
    finally:
        bpy.data.images.remove(image)


def _square(places: np.ndarray, floor: float, people: tuple[PosedSkeleton, PosedSkeleton]) -> np.ndarray:
    """One moment. ``places`` is (2, J, 2) in pixels, right and up; ``floor`` the ground's height in pixels."""
    right, up = np.meshgrid(np.arange(SIDE) + 0.5, SIDE - np.arange(SIDE) - 0.5)
    picture = np.full((SIDE, SIDE, 3), PAPER)
    picture[np.abs(up - floor) < 0.6] = GROUND
    picture[:, -1:] = GROUND
    pixels = np.stack((right, up), axis=-1)[:, :, None]
    for joints, person, colour in zip(places, people, COLOURS, strict=True):
        parents = np.array(SKELETONS[person.skeleton.name].parents[1:])
        start, bone = joints[parents], joints[1:] - joints[parents]
        length = np.maximum((bone**2).sum(-1), 1e-9)
        along = np.clip(((pixels - start) * bone).sum(-1) / length, 0.0, 1.0)
        away = np.linalg.norm(pixels - start - along[..., None] * bone, axis=-1).min(axis=-1)
        ink = np.clip(1.0 + THICKNESS - away, 0.0, 1.0)[..., None]
        picture = picture * (1.0 - ink) + colour * ink
    return picture
