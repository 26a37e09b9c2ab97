"""Exports are read again and compared joint by joint; names, full disks and missing exporters."""

from __future__ import annotations

import os
import struct
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import dancer, empty_scene

from intermask_blender.generator.generation import GenerationSettings
from intermask_blender.operators.export import INTERMASK_OT_export
from intermask_blender.rig.detect import detect_rig
from intermask_blender.scene.export import files_of, missing_exporter, path_with_suffix
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.spots import Spot
from model_core.motion import SMPL
from model_core.motion.bvh import read_bvh
from model_core.motion.capture import motion_from_bvh
from model_core.motion.interaction_file import load_npz
from model_core.worker.limits import MAX_SEED

assert blender_scene

SAME = 1e-4
"""Metres that a joint may be off in a file."""


pytestmark = pytest.mark.usefixtures("blender_exporters", "registered")


def generated(takes: int = 1, fps: float = 30.0, characters: tuple[str, str] = ("", "")) -> bpy.types.Scene:
    """The current scene, a new one where no characters are named, with takes of a second of lively people."""
    scene = bpy.context.scene if characters[0] else empty_scene(fps)
    pairs = [(dancer(2 * number, 30), dancer(2 * number + 1, 30)) for number in range(takes)]
    placement = Placement(scene.name, 1, characters=characters, spot=Spot((0.5, 0.0, 0.0), 0.7))
    place_takes(pairs, placement, GenerationSettings("they hug", Path("small"), seed=MAX_SEED))
    return scene


def armatures() -> list[bpy.types.Object]:
    return sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda o: o.name)


def joints_over(frames: range, names: dict[str, tuple[str, ...]] | None = None) -> np.ndarray:
    """(people, T, 22, 3) where bones begin in the world; by default those that carry SMPL's names."""
    result = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        heads = [
            [tuple(o.matrix_world @ o.pose.bones[name].head) for name in (names or {}).get(o.name, SMPL.joints)]
            for o in armatures()
        ]
        result.append(heads)
    return np.array(result).swapaxes(0, 1)


def read_again(file: Path, fps: float, count: int, names: dict[str, tuple[str, ...]] | None = None) -> np.ndarray:
    """(people, T, 22, 3) what Blender's importer makes of a file; its animation may start at another frame."""
    empty_scene(fps)
    if file.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(file))
    elif file.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(file))
    else:
        bpy.ops.wm.usd_import(filepath=str(file))
    assert len(armatures()) == 2
    first = min(round(o.animation_data.action.frame_range[0]) for o in armatures())
    return joints_over(range(first, first + count), names)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [24.0, 60.0])
@pytest.mark.parametrize("kind", ["FBX", "GLTF", "USD"])
def test_both_people_move_in_blenders_formats_as_in_the_scene_which_is_as_before(
    tmp_path: Path, kind: str, fps: float
) -> None:
    scene = generated(2, fps)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(cube)
    for item in scene.objects:
        item.select_set(item == cube)
    bpy.context.view_layer.objects.active = cube
    scene.frame_set(7)
    before = scene.frame_start, scene.frame_end, scene.frame_current
    scene.intermask.export_format = kind
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "pair.x")) == {"FINISHED"}
    (made,) = tmp_path.iterdir()
    assert made.name == "pair.x" + {"FBX": ".fbx", "GLTF": ".glb", "USD": ".usdc"}[kind]
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == before
    assert [o.name for o in scene.objects if o.select_get()] == ["Cube"]
    assert bpy.context.view_layer.objects.active == cube
    count = round(fps)
    shown = joints_over(range(1, count + 1))
    found = read_again(made, fps, count)
    assert len([o for o in bpy.data.objects if o.type == "MESH"]) >= 2
    assert np.linalg.norm(found - shown, axis=-1).max() < SAME
    assert np.linalg.norm(shown - shown[:, :1], axis=-1).max() > 0.5, "people move"


def test_rigs_of_centimetres_move_in_fbx_as_in_the_scene(tmp_path: Path) -> None:
    scene = empty_scene()
    rigs = [build_rig(KINDS["mixamo bare"], scene, name) for name in ("Ann", "Ben")]
    names = {rig.name: tuple(detect_rig(rig).bones[joint] for joint in SMPL.joints) for rig in rigs}
    generated(characters=("Ann", "Ben"))
    shown = joints_over(range(1, 31), names)
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "rigs"), format="FBX") == {"FINISHED"}
    found = read_again(tmp_path / "rigs.fbx", 30.0, 30, names)
    assert np.linalg.norm(found - shown, axis=-1).max() < SAME


@pytest.mark.slow
@pytest.mark.parametrize(("root_motion", "kind"), [("PAIR", "FBX"), ("PERSON", "FBX"), ("LEFT_OUT", "FBX"),
                                                   ("PAIR", "GLTF")])  # fmt: skip
def test_a_root_bone_carries_the_travel_and_the_scene_is_as_before(tmp_path: Path, root_motion: str, kind: str) -> None:
    generated()

    def names() -> list[str]:
        return sorted(thing.name for kind in (bpy.data.objects, bpy.data.actions, bpy.data.armatures) for thing in kind)

    before = names()
    shown = joints_over(range(1, 31))
    path = tmp_path / "pair"
    assert bpy.ops.intermask.export(filepath=str(path), format=kind, root_motion=root_motion) == {"FINISHED"}
    assert before == names()
    np.testing.assert_array_equal(joints_over(range(1, 31)), shown)
    found = read_again(path.with_suffix(".fbx" if kind == "FBX" else ".glb"), 30.0, 30)
    if root_motion == "LEFT_OUT":
        np.testing.assert_allclose(found[0] - found[1], shown[0] - shown[1], atol=SAME)
        middle = found[:, :, 0].mean(0)
        assert (
            np.abs(middle - middle[0])[:, :2].max()
            < 0.1
            < np.abs(shown[:, :, 0].mean(0) - shown[:, 0, 0].mean(0)).max()
        )
        assert all("root" not in owner.data.bones for owner in armatures())
        return
    assert np.linalg.norm(found - shown, axis=-1).max() < SAME
    first = min(round(owner.animation_data.action.frame_range[0]) for owner in armatures())
    moved = []
    for owner in armatures():
        places = []
        for frame in (first, first + 29):
            bpy.context.scene.frame_set(frame)
            places.append(np.array(owner.matrix_world @ owner.pose.bones["root"].head))
        moved.append(places[1] - places[0])
    own = shown[:, -1, 0] - shown[:, 0, 0]
    wanted = own if root_motion == "PERSON" else np.stack([own.mean(0)] * 2)
    np.testing.assert_allclose(np.array(moved)[:, :2], wanted[:, :2], atol=1e-3)


@pytest.mark.slow
def test_fbx_files_in_metres_say_so_and_move_as_in_the_scene(tmp_path: Path) -> None:
    generated()
    shown = joints_over(range(1, 31))
    for units in ("CENTIMETRES", "METRES"):
        path = str(tmp_path / units)
        assert bpy.ops.intermask.export(filepath=path, format="FBX", fbx_units=units) == {"FINISHED"}
    files = [(tmp_path / f"{units}.fbx").read_bytes() for units in ("CENTIMETRES", "METRES")]
    # The value of a property of GlobalSettings follows its name and three texts: double, D and eight bytes.
    factors = []
    for content in files:
        place = content.index(b"UnitScaleFactor")
        value = content.index(b"D", place + 40)
        factors.append(struct.unpack("<d", content[value + 1 : value + 9])[0])
    assert factors == [1.0, 100.0]
    assert np.linalg.norm(read_again(tmp_path / "METRES.fbx", 30.0, 30) - shown, axis=-1).max() < SAME


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_our_own_formats_hold_every_frame_of_the_scene(tmp_path: Path, fps: float) -> None:
    generated(1, fps)
    frames = range(1, round(fps) + 1)
    shown = joints_over(frames)
    shown = np.stack((shown[..., 0], shown[..., 2], -shown[..., 1]), axis=-1)
    for kind in ("BVH", "NPZ"):
        assert bpy.ops.intermask.export(filepath=str(tmp_path / "pair"), format=kind) == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pair.npz", "pair_1.bvh", "pair_2.bvh"]
    saved = load_npz(tmp_path / "pair.npz")
    assert (
        saved.text == "they hug"
        and saved.model == "small"
        and saved.seed == MAX_SEED
        and {person.fps for person in saved.people} == {fps}
    )
    np.testing.assert_allclose(np.stack([person.joints() for person in saved.people]), shown, atol=2e-4)
    for number in (1, 2):
        clip = read_bvh(tmp_path / f"pair_{number}.bvh")
        assert round(clip.fps, 3) == fps and len(clip.local_positions()) == len(frames)
        if fps == 30.0:
            np.testing.assert_allclose(motion_from_bvh(clip).joints[:, 0], shown[number - 1, :, 0], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "kind", "file"),
    [
        ("shot.fbx", "GLTF", "shot.glb"),
        ("shot.010", "FBX", "shot.010.fbx"),
        ("shot.010.fbx", "FBX", "shot.010.fbx"),
        ("Shot.FBX", "USD", "Shot.usdc"),
        ("shot", "NPZ", "shot.npz"),
        ("v1.2 hug", "BVH", "v1.2 hug.bvh"),
    ],
)
def test_only_a_formats_suffix_is_replaced(name: str, kind: str, file: str) -> None:
    assert path_with_suffix(Path("folder") / name, kind) == Path("folder") / file


def test_a_bvh_file_for_each_person_is_named_by_its_number() -> None:
    both = [Path("hug_1.bvh"), Path("hug_2.bvh")]
    assert files_of(Path("hug.bvh"), "BVH", 2) == files_of(Path("hug_1.bvh"), "BVH", 2) == both
    assert files_of(Path("hug.bvh"), "BVH", 1) == [Path("hug.bvh")]


def test_the_name_in_the_browser_follows_the_format() -> None:
    generated()
    browser = SimpleNamespace(filepath=str(Path("folder", "shot.010.fbx")), filter_glob="*.fbx", format="FBX")
    browser._first_file = partial(INTERMASK_OT_export._first_file, browser)
    assert not INTERMASK_OT_export.check(browser, bpy.context)
    for kind, name in (("GLTF", "shot.010.glb"), ("BVH", "shot.010_1.bvh"), ("NPZ", "shot.010.npz")):
        browser.format = kind
        assert INTERMASK_OT_export.check(browser, bpy.context) and Path(browser.filepath).name == name
        assert browser.filter_glob == f"*{Path(name).suffix}"
        assert not INTERMASK_OT_export.check(browser, bpy.context)


def test_another_shot_is_not_overwritten(tmp_path: Path) -> None:
    generated()
    (tmp_path / "shot.fbx").write_text("keep")
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "shot.010"), format="FBX") == {"FINISHED"}
    assert (tmp_path / "shot.fbx").read_text() == "keep" and (tmp_path / "shot.010.fbx").stat().st_size > 1000


def test_a_blender_without_usd_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_exporter("USD") == ""
    options = SimpleNamespace(build_options=SimpleNamespace(usd=False))
    monkeypatch.setattr("intermask_blender.scene.export.bpy", SimpleNamespace(app=options, context=bpy.context))
    assert missing_exporter("USD") == "This Blender was built without USD"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    generated()
    tmp_path.chmod(0o500)
    with pytest.raises(RuntimeError, match="Cannot write to the folder"):
        bpy.ops.intermask.export(filepath=str(tmp_path / "pair.bvh"), format="BVH")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("kind", ["BVH", "NPZ", "FBX", "GLTF", "USD"])
def test_a_disk_that_fills_up_in_mid_file_is_reported_and_leaves_no_file(tmp_path: Path, kind: str) -> None:
    import resource

    generated()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(RuntimeError, match=r"Cannot write|could not|wrote nothing"):
            bpy.ops.intermask.export(filepath=str(tmp_path / "pair"), format=kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
