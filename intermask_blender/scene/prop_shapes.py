"""Simple props: a bottle, a sword and a ball. Each stands along its own Z axis and is held at its origin."""

from __future__ import annotations

from itertools import pairwise

import bmesh
import bpy
import numpy as np

from .. import compat
from ..core import HANDLE_RADIUS

Profile = tuple[tuple[float, float], ...]

_BOTTLE: Profile = (
    (0.0, -0.11), (0.032, -0.11), (0.034, -0.1), (0.034, 0.09), (0.03, 0.115), (0.014, 0.145), (0.012, 0.18),
    (0.015, 0.185), (0.015, 0.2), (0.0, 0.2),
)  # fmt: skip
"""Radius and height of the outline, metres."""
_HANDLE: Profile = ((0.0, -0.1), (0.02, -0.1), (0.02, -0.085), (0.015, -0.08), (0.014, 0.07), (0.0, 0.07))
BALL_RADIUS = 0.11
"""Metres, of a football."""
_SLICES = (-0.03, 0.0, 0.03)
"""Metres along Z from the origin, in the width of a hand, at which a thing is measured."""
_GRASPED = (0.006, 0.15)
"""Smallest and largest radius in metres around which fingers are closed."""
_SIDES = 20
_COLOURS = {"BOTTLE": (0.1, 0.35, 0.15), "SWORD": (0.55, 0.56, 0.6), "BALL": (0.85, 0.85, 0.82)}


def new_prop(shape: str, name: str, collection: bpy.types.Collection, metres: float) -> bpy.types.Object:
    """A simple prop.

    Args:
        shape: ``BOTTLE``, ``SWORD`` or ``BALL``.
        name: of the object.
        collection: where it is linked.
        metres: per unit of the scene.
    """
    mesh = bpy.data.meshes.new(name)
    built = bmesh.new()
    if shape == "BOTTLE":
        _lathe(built, _BOTTLE)
    elif shape == "BALL":
        bmesh.ops.create_icosphere(built, subdivisions=3, radius=BALL_RADIUS)
    else:
        _lathe(built, _HANDLE)
        _box(built, (0.1, 0.016, 0.02), (0.0, 0.0, 0.08))
        _box(built, (0.04, 0.008, 0.78), (0.0, 0.0, 0.48))
    bmesh.ops.scale(built, vec=(1.0 / metres,) * 3, verts=built.verts)
    built.to_mesh(mesh)
    built.free()
    material = bpy.data.materials.new(name)
    compat.paint_material(material, _COLOURS[shape], roughness=0.3)
    mesh.materials.append(material)
    if shape != "SWORD":
        mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    thing = bpy.data.objects.new(name, mesh)
    collection.objects.link(thing)
    return thing


def handle_radius(thing: bpy.types.Object, metres: float) -> float:
    """Radius in metres of an object where it is held: about its Z axis, in slices near its origin.

    Args:
        thing: the object; what is no mesh, or has no surface there, counts as a handle of ``HANDLE_RADIUS``.
        metres: per unit of the scene.
    """
    if thing.type != "MESH" or not thing.data.edges:
        return HANDLE_RADIUS
    scale = np.abs(np.array(thing.matrix_basis.to_scale())) * metres
    points = np.empty(3 * len(thing.data.vertices))
    thing.data.vertices.foreach_get("co", points)
    edges = np.empty(2 * len(thing.data.edges), np.int32)
    thing.data.edges.foreach_get("vertices", edges)
    start, stop = np.moveaxis((points.reshape(-1, 3) * scale)[edges.reshape(-1, 2)], 1, 0)
    widest = 0.0
    for height in _SLICES:
        crossed = (start[:, 2] > height) != (stop[:, 2] > height)
        if crossed.any():
            a, b = start[crossed], stop[crossed]
            share = (height - a[:, 2]) / (b[:, 2] - a[:, 2])
            widest = max(widest, float(np.linalg.norm((a + share[:, None] * (b - a))[:, :2], axis=-1).mean()))
    return float(np.clip(widest, *_GRASPED)) if widest else HANDLE_RADIUS


def extent(thing: bpy.types.Object, metres: float) -> tuple[float, float]:
    """Lowest and highest place of an object along its Z axis, metres from its origin; zeros for what is no mesh."""
    if thing.type != "MESH" or not thing.data.vertices:
        return 0.0, 0.0
    points = np.empty(3 * len(thing.data.vertices))
    thing.data.vertices.foreach_get("co", points)
    heights = points[2::3] * abs(thing.matrix_basis.to_scale().z) * metres
    return float(heights.min()), float(heights.max())


def _lathe(built: bmesh.types.BMesh, profile: Profile) -> None:
    """The surface of an outline that is turned about Z."""
    angles = np.linspace(0.0, 2 * np.pi, _SIDES, endpoint=False)
    rings = [
        [built.verts.new((radius * np.cos(a), radius * np.sin(a), height)) for a in (angles if radius else angles[:1])]
        for radius, height in profile
    ]
    for below, above in pairwise(rings):
        for side in range(_SIDES):
            after = (side + 1) % _SIDES
            corners = [below[side % len(below)], below[after % len(below)], above[after % len(above)],
                       above[side % len(above)]]  # fmt: skip
            built.faces.new(list(dict.fromkeys(corners)))


def _box(built: bmesh.types.BMesh, size: tuple[float, float, float], at: tuple[float, float, float]) -> None:
    made = bmesh.ops.create_cube(built, size=1.0)["verts"]
    bmesh.ops.scale(built, vec=size, verts=made)
    bmesh.ops.translate(built, vec=at, verts=made)
