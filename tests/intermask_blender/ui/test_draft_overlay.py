"""The draft of a running generation is drawn where the result will be, and not in the scene."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, joints_in_blender

from intermask_blender.rig.axes import vectors_to_blender
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.request import prepare
from intermask_blender.ui.draft_overlay import GHOSTS, DraftOverlay, drawn_lines

assert blender_scene
pytestmark = pytest.mark.usefixtures("registered")


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_draft_is_where_the_result_will_be(model: Path, scale: float) -> None:
    scene = empty_scene()
    scene.unit_settings.scale_length = scale
    scene.cursor.location, scene.cursor.rotation_euler = (3.0, -2.0, 0.0), (0.0, 0.0, 0.7)
    pair = dancer(1, 60), dancer(2, 60)
    settings, placement = prepare(scene, "they dance", 2.0, 0, model)
    overlay, before = DraftOverlay(), len(bpy.data.objects)
    joints = np.stack([person.joints() for person in pair])
    overlay.show(joints, 0, placement)
    assert len(bpy.data.objects) == before and overlay.places is not None and overlay.first == scene.frame_start
    place_takes([pair], placement, settings)
    take = scene.intermask.takes[0]
    scene.frame_set(scene.frame_start + 20)
    for owner, drawn in zip((take.character_1, take.character_2), overlay.places, strict=True):
        there = vectors_to_blender(joints_in_blender(owner))
        # The result stands on the soles of its body.
        np.testing.assert_allclose(drawn[20][:, :2] * scale, there[:, :2] * scale, atol=2e-3)
        assert np.abs(drawn[20][:, 2] - there[:, 2]).max() * scale < 0.08
    overlay.close()
    assert overlay.places is None


def test_both_people_are_drawn_now_and_thinly_over_time() -> None:
    places = np.arange(2 * 30 * 22 * 3, dtype=float).reshape(2, 30, 22, 3)
    lines = drawn_lines(places, 12.2)
    assert [(len(line), alpha) for line, _, alpha, _ in lines] == [(42 * GHOSTS, 0.25), (42, 1.0)] * 2
    np.testing.assert_array_equal(lines[1][0][1], places[0, 12, 1])
    np.testing.assert_array_equal(drawn_lines(places, 99.0)[3][0][1], places[1, 29, 1])
