"""A small picture of a clip: both people as stick figures at a few moments, drawn without a renderer."""

from __future__ import annotations

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

THICKNESS = 0.9
"""Pixels from a bone's middle to where its line begins to fade."""


def contact_sheet(people: tuple[PosedSkeleton, PosedSkeleton]) -> np.ndarray:
    """Both people at evenly spaced moments, side by side.

    The view is the one in which they hide each other least: at right angles to the longer side of the ground that they
    cover.

    Returns:
        (SIDE, MOMENTS * SIDE, 3) colours 0 to 1, the first row at the top.
    """
    joints = np.stack([person.joints() for person in people])
    moments = np.linspace(0, joints.shape[1] - 1, MOMENTS).round().astype(int)
    ground = joints[..., (0, 2)].reshape(-1, 2)
    _, _, axes = np.linalg.svd(ground - ground.mean(axis=0), full_matrices=False)
    seen = np.stack((joints[..., (0, 2)] @ axes[0], joints[..., 1]), axis=-1)
    low, high = seen.reshape(-1, 2).min(axis=0) - MARGIN, seen.reshape(-1, 2).max(axis=0) + MARGIN
    low[1] = min(low[1], -MARGIN)
    scale = SIDE / (high - low).max()
    corner = 0.5 * (low + high) - 0.5 * SIDE / scale
    corner[1] = low[1]
    squares = [_square((seen[:, moment] - corner) * scale, -corner[1] * scale, people) for moment in moments]
    return np.concatenate(squares, axis=1)


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
