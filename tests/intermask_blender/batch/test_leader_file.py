"""Leaders from files that Blender imports: made by our own export, read again joint by joint."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene

from intermask_blender.batch.leader_file import read_leader_file
from intermask_blender.core import UserError
from intermask_blender.generator.generation import GenerationSettings
from intermask_blender.rig.capture import capture
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.placement import Placement

assert blender_scene

pytestmark = pytest.mark.usefixtures("blender_exporters", "registered")


@pytest.mark.parametrize("kind", ["FBX", "GLTF"])
def test_a_person_leads_as_in_the_scene_that_the_file_is_of(tmp_path: Path, kind: str) -> None:
    scene = empty_scene(30.0)
    place_takes([(dancer(0, 60), dancer(1, 60))], Placement(scene.name, 1), GenerationSettings("they hug", Path("m")))
    there = capture(bpy.data.objects["Person 1"], scene, (1, 60)).motion
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "pair"), format=kind) == {"FINISHED"}
    (file,) = tmp_path.iterdir()
    read = read_leader_file(str(file))
    assert read.assumed == "Person 1 leads; the file has 2 animated armatures"
    assert read.motion.fps == there.fps and len(read.motion) == len(there)
    assert np.linalg.norm(read.motion.joints - there.joints, axis=-1).max() < 0.0005
    assert np.ptp(there.joints[:, 0], axis=0).max() > 0.3, "the leader moves"


def test_a_file_without_a_persons_motion_is_named(tmp_path: Path) -> None:
    for suffix in (".fbx", ".glb"):
        damaged = tmp_path / f"damaged{suffix}"
        damaged.write_bytes(b"Kaydara FBX Binary  \0 not really")
        with pytest.raises(UserError, match=rf"damaged\{suffix} cannot be imported"):
            read_leader_file(str(damaged))
    with pytest.raises(UserError, match=r"There is no leader missing\.fbx"):
        read_leader_file(str(tmp_path / "missing.fbx"))
    empty_scene()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "cube.glb"))
    with pytest.raises(UserError, match=r"cube\.glb has no animated armature"):
        read_leader_file(str(tmp_path / "cube.glb"))
