"""Inter-X in Blender: people with fingers, generated, taken again, reacted to, changed and written as BVH."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import empty_scene
from published_files import clip_folder

from intermask_blender.rig.capture import capture_motion
from model_core.__main__ import main
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.kinematics import solve
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.motion import SMPLX, Motion, PosedSkeleton
from model_core.motion.bvh import read_bvh
from model_core.motion.rotations import about_y, angle_between

assert blender_scene
HANDS = range(22, len(SMPLX))
STEPS, FRAMES = 3, 30
PROMPT = "two people wave"


pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture(scope="module")
def model(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in the published layout of Inter-X, imported."""
    folder = tmp_path_factory.mktemp("models")
    clip = clip_folder(folder / "clip", 768)
    checkpoints = str(golden / "interx" / "checkpoints")
    assert main(["import-published", checkpoints, "--clip", str(clip), "--any-clip", "--out", str(folder / "x")]) == 0
    return folder / "x"


@pytest.fixture(scope="module")
def decoded(model: Path) -> list[list[PosedSkeleton]]:
    """Two takes as they come from the pipeline, without Blender."""
    takes = InterMask.load(model).generate(PROMPT, FRAMES, GenerateOptions(SamplingSettings(STEPS), 4, takes=2))
    return [solve(take.people) for take in takes]


def finger_turns(person: PosedSkeleton | Motion) -> np.ndarray:
    """(T, 33, 3, 3) local rotations of what is beyond the body."""
    motion = person.motion() if isinstance(person, PosedSkeleton) else person
    assert motion.rotations is not None
    return motion.rotations[:, 21:]


def directions(joints: np.ndarray) -> np.ndarray:
    """(T, 20, 3) where the fingers' bones point, from joints (T, 55, 3), with the first frame's left hip towards +X.

    A new pair faces along the 3D cursor's Y axis, wherever the model's pair faces.
    """
    across = joints[0, SMPLX.index("L_Hip")] - joints[0, SMPLX.index("R_Hip")]
    joints = joints @ about_y(np.array(np.arctan2(across[2], across[0]))).T
    bones = [(SMPLX.parents[joint], joint) for joint in HANDS if SMPLX.parents[joint] >= 25]
    vectors = np.stack([joints[:, below] - joints[:, above] for above, below in bones], axis=1)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def people() -> list[bpy.types.Object]:
    return sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda o: o.name)


@pytest.mark.slow
def test_fingers_are_keyed_as_decoded_taken_again_written_and_read(
    model: Path, decoded: list[list[PosedSkeleton]], tmp_path: Path
) -> None:
    scene = empty_scene()
    settings = scene.intermask
    settings.use_model_values, settings.steps, settings.takes_wanted = False, STEPS, 2
    settings.mask_temperature = 0.0
    settings.start_at_rest = settings.settle_at_end = False
    assert bpy.ops.intermask.generate(prompt=PROMPT, seconds=1.0, seed=4, model=str(model)) == {"FINISHED"}
    assert [len(owner.data.bones) for owner in people()] == [55, 55]
    for number, take in enumerate(decoded):
        settings.take_index = number
        for owner, wanted in zip(people(), take, strict=True):
            # The second take is keyed on the characters that the first one made.
            seen, _ = capture_motion(owner, scene)
            assert seen.skeleton == SMPLX and len(seen) == FRAMES
            np.testing.assert_allclose(directions(seen.joints), directions(wanted.joints()), atol=2e-3)
            assert angle_between(finger_turns(seen), finger_turns(wanted)).max() < 2e-3
        assert angle_between(finger_turns(take[0])[:-1], finger_turns(take[0])[1:]).max() > 0.05, "fingers that move"

    settings.take_index = 0
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "wave.bvh"), format="BVH") == {"FINISHED"}
    for number, wanted in enumerate(decoded[0], 1):
        clip = read_bvh(tmp_path / f"wave_{number}.bvh")
        assert set(clip.names) == set(SMPLX.joints)
        joints = clip.world_positions()[:, [clip.names.index(name) for name in SMPLX.joints]]
        np.testing.assert_allclose(directions(joints), directions(wanted.joints()), atol=2e-3)


@pytest.mark.slow
def test_a_partner_with_fingers_reacts_and_is_changed(model: Path) -> None:
    scene = empty_scene()
    settings = scene.intermask
    settings.use_model_values, settings.steps, settings.mask_temperature = False, STEPS, 0.0
    bpy.ops.intermask.generate(prompt=PROMPT, seconds=1.0, seed=5, model=str(model))
    leader, other = people()
    bpy.data.objects.remove(other)
    before, _ = capture_motion(leader, scene)
    settings.leader = leader
    assert bpy.ops.intermask.generate(prompt=PROMPT, seconds=1.0, seed=1, model=str(model)) == {"FINISHED"}
    (reactor,) = [owner for owner in people() if owner != leader]
    lead, _ = capture_motion(leader, scene)
    np.testing.assert_array_equal(lead.joints, before.joints)
    seen, _ = capture_motion(reactor, scene)
    # The network sees the leader's fingers, and what it answers is what is keyed.
    (pair,) = InterMask.load(model).react(PROMPT, lead, GenerateOptions(SamplingSettings(STEPS), 1))
    assert angle_between(finger_turns(seen), finger_turns(pair.people[1])).max() < 2e-3
    assert angle_between(finger_turns(seen)[:-1], finger_turns(seen)[1:]).max() > 0.05

    settings.take_index = len(settings.takes) - 1
    settings.edit_who, settings.strength = "SECOND", 1.0
    assert bpy.ops.intermask.edit(model=str(model), prompt=PROMPT, seed=9) == {"FINISHED"}
    changed, _ = capture_motion(reactor, scene)
    assert changed.skeleton == SMPLX and angle_between(finger_turns(changed), finger_turns(seen)).max() > 0.05
