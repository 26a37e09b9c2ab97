"""Floor, light and a camera that sees both people in every frame, for scenes without a camera."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from .. import compat

TILE = 0.5
"""Metres; small enough to show sliding feet against an edge."""

FLOOR_MARGIN = 30.0
"""Metres of floor around the people."""

BODY_MARGIN = 0.25
"""Metres from a joint to the outermost skin, with some air."""

CLIP_RANGE = (0.1, 1000.0)
"""Metres from the camera."""

CAMERA_HEIGHT = np.radians(12.0)
TILE_COLOURS = ((0.32, 0.33, 0.35), (0.44, 0.45, 0.47))
BACKGROUND = (0.58, 0.62, 0.68)


@dataclass(frozen=True)
class Framing:
    """Where a camera is.

    Attributes:
        position: (3,) metres, Blender's axes.
        rotation: (3, 3) its axes as columns: right, up, backward.
    """

    position: np.ndarray
    rotation: np.ndarray


def build_stage(scene: bpy.types.Scene, joints: np.ndarray) -> None:
    """Add floor, light, background and a camera to a scene.

    Args:
        scene: its resolution decides how far away the camera stands.
        joints: (..., 3) of both people in all frames, Blender's axes, scene units.
    """
    metre = 1.0 / (scene.unit_settings.scale_length or 1.0)
    points = padded(joints, BODY_MARGIN * metre)
    collection = bpy.data.collections.new("Stage")
    scene.collection.children.link(collection)
    _floor(collection, points, metre)
    _light(scene, collection)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    collection.objects.link(camera)
    camera.data.lens = 50.0
    camera.data.clip_start, camera.data.clip_end = (distance * metre for distance in CLIP_RANGE)
    place_camera(scene, camera, points, view_direction(points))
    scene.camera = camera


def view_direction(points: np.ndarray) -> np.ndarray:
    """(3,) unit vector that the camera looks along: slightly downward, at right angles to the longer side of the ground
    that the people cover, so that neither hides the other for long."""
    ground = points[:, :2] - points[:, :2].mean(axis=0)
    _, _, axes = np.linalg.svd(ground, full_matrices=False)
    across = axes[-1] if axes[-1][1] > 0 else -axes[-1]
    return np.array((*(across * np.cos(CAMERA_HEIGHT)), -np.sin(CAMERA_HEIGHT)))


def place_camera(scene: bpy.types.Scene, camera: bpy.types.Object, points: np.ndarray, direction: np.ndarray) -> None:
    """Put the camera as near as possible with all points in the picture."""
    render = scene.render
    width, height = render.resolution_x * render.pixel_aspect_x, render.resolution_y * render.pixel_aspect_y
    half = 0.5 * camera.data.sensor_width / camera.data.lens
    tangents = half * np.array((width, height)) / max(width, height)
    framing = closest_framing(points, direction, tangents)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = framing.rotation, framing.position
    camera.matrix_world = Matrix(matrix.tolist())


def closest_framing(points: np.ndarray, direction: np.ndarray, tangents: np.ndarray) -> Framing:
    """The nearest camera that sees all points.

    Args:
        points: (N, 3).
        direction: (3,) unit vector that it looks along, not vertical.
        tangents: (2,) tangents of half the horizontal and half the vertical field of view.
    """
    right = np.cross(direction, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    rotation = np.stack((right, np.cross(right, direction), -direction), axis=1)
    seen = points @ rotation
    # A point is in view where |offset| <= tangent * distance: four planes, as near as the points allow.
    sides = seen[:, None, :2] / tangents
    high, low = (sides + seen[:, None, 2:])[:, 0].max(axis=0), (seen[:, None, 2:] - sides)[:, 0].max(axis=0)
    place = np.append(0.5 * (high - low) * tangents, (0.5 * (high + low)).max())
    for _ in range(10):
        # Where the picture is wider (or higher) than needed, centre the points.
        depth = place[2] - seen[:, 2:]
        share = (seen[:, :2] - place[:2]) / depth
        place[:2] += 0.5 * (share.max(axis=0) + share.min(axis=0)) * depth.mean()
    return Framing(rotation @ place, rotation)


def padded(joints: np.ndarray, margin: float) -> np.ndarray:
    """Six points (N * 6, 3) around each joint (..., 3), at a distance in the direction of each axis."""
    steps = margin * np.concatenate((np.eye(3), -np.eye(3)))
    return (joints.reshape(-1, 1, 3) + steps).reshape(-1, 3)


def _floor(collection: bpy.types.Collection, points: np.ndarray, metre: float) -> None:
    """A chequered floor at height zero with tiles in two materials (Workbench shows no textures of nodes).

    Args:
        collection: where it is linked.
        points: (N, 3) that lie over it.
        metre: in scene units.
    """
    tile = TILE * metre
    low = np.floor((points[:, :2].min(axis=0) - FLOOR_MARGIN * metre) / tile).astype(int)
    high = np.ceil((points[:, :2].max(axis=0) + FLOOR_MARGIN * metre) / tile).astype(int)
    columns, rows = (high - low + 1).tolist()
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    corners = np.stack((x.ravel() * tile, y.ravel() * tile, np.zeros(x.size)), axis=1)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    tiles = np.stack((first, first + 1, first + columns + 1, first + columns), axis=1)
    mesh = bpy.data.meshes.new("Floor")
    mesh.from_pydata(corners.tolist(), [], tiles.tolist())
    for index, colour in enumerate(TILE_COLOURS):
        material = bpy.data.materials.new(f"Floor {index + 1}")
        compat.paint_material(material, colour, roughness=0.9)
        mesh.materials.append(material)
    odd = (first // columns + first % columns) % 2
    mesh.polygons.foreach_set("material_index", odd.astype(np.int32))
    mesh.update()
    collection.objects.link(bpy.data.objects.new("Floor", mesh))


def _light(scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle = 2.5, np.radians(20.0)
    lamp = bpy.data.objects.new("Sun", sun)
    lamp.rotation_euler = np.radians((40.0, 15.0, 30.0))
    collection.objects.link(lamp)
    world = bpy.data.worlds.new("Stage")
    world.color = BACKGROUND
    background = next(node for node in compat.world_nodes(world) if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*BACKGROUND, 1.0)
    background.inputs["Strength"].default_value = 0.5
    scene.world = world
