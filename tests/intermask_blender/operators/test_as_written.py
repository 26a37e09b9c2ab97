"""The lock next to the prompt: the panel, Generate, Regenerate and Extend take the words as they are."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import empty_scene
from small_model import CAPTIONS

assert blender_scene

WORDS = "a long cuddle"

pytestmark = pytest.mark.usefixtures("registered")


def pose() -> np.ndarray:
    """(2, 22, 3) heads of the bones of both people, in the middle of their take."""
    settings = bpy.context.scene.intermask
    take = settings.takes[settings.take_index]
    bpy.context.scene.frame_set(bpy.context.scene.frame_start + int(take.action_2.frame_range[1]) - 10)
    people = (take.character_1, take.character_2)
    return np.array([[bone.head for bone in person.pose.bones] for person in people])


def generated(model: Path, prompt: str, **arguments: object) -> np.ndarray:
    scene = empty_scene()
    done = bpy.ops.intermask.generate(prompt=prompt, seconds=1.0, seed=3, model=str(model), **arguments)
    assert done == {"FINISHED"} and scene.intermask.takes
    return pose()


@pytest.mark.slow
def test_generate_takes_the_words_as_they_are_where_it_or_the_panel_says_so(taught: Path) -> None:
    caption, words = generated(taught, CAPTIONS[0]), generated(taught, WORDS)
    written = generated(taught, WORDS, as_written=True)
    assert np.allclose(caption, words, atol=1e-5) and not np.allclose(words, written, atol=1e-4)
    scene = empty_scene()
    scene.intermask.as_written = True
    assert bpy.ops.intermask.generate(prompt=WORDS, seconds=1.0, seed=3, model=str(taught)) == {"FINISHED"}
    assert np.allclose(pose(), written, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda **given: bpy.ops.intermask.edit(part="ALL", strength=1.0, **given),
                                    lambda **given: bpy.ops.intermask.extend(seconds=1.0, **given)])  # fmt: skip
def test_edits_and_extensions_take_the_words_as_they_are(taught: Path, change: object) -> None:
    poses = []
    for given in ({"prompt": CAPTIONS[0]}, {"prompt": WORDS}, {"prompt": WORDS, "as_written": True}):
        generated(taught, CAPTIONS[1])
        assert change(seed=5, model=str(taught), **given) == {"FINISHED"}  # type: ignore[operator]
        poses.append(pose())
    caption, words, written = poses
    assert np.allclose(caption, words, atol=1e-5) and not np.allclose(words, written, atol=1e-4)
