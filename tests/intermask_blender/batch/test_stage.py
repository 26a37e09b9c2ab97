"""The stage of a rendered clip: the same picture in a scene of any unit."""

from __future__ import annotations

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene

from intermask_blender.batch.stage import build_stage
from intermask_blender.rig.axes import vectors_to_blender

assert blender_scene


def staged(metres: float) -> tuple[np.ndarray, int, float]:
    """Camera's position in metres, number of floor tiles, and far clip distance in metres, in a scene of that unit."""
    scene = empty_scene()
    scene.unit_settings.scale_length = metres
    build_stage(scene, vectors_to_blender(dancer(3).joints()) / metres)
    camera = scene.camera
    position = np.array(camera.matrix_world.translation) * metres
    return position, len(bpy.data.meshes["Floor"].polygons), camera.data.clip_end * metres


@pytest.mark.parametrize("metres", [0.01, 1000.0])
def test_camera_and_floor_are_the_same_in_a_scene_of_any_unit(metres: float) -> None:
    (position, tiles, far), (expected, expected_tiles, expected_far) = staged(metres), staged(1.0)
    np.testing.assert_allclose(position, expected, atol=1e-3)
    assert tiles == expected_tiles and far == pytest.approx(expected_far)
