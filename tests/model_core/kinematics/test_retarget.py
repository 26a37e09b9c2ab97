"""Rest differences without Blender: bones at rest in any pose and roll turn as the motion does, and give it back."""

from __future__ import annotations

import numpy as np
import pytest
from motion_examples import arms_lowered, posed_person, truth_of

from model_core.kinematics.retarget import bone_rotations, fit_rest, motion_of_bones, person_hip_height
from model_core.motion import SMPL
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import angle_between, matrix_from_axis_angle
from model_core.recognition import Humanoid


@pytest.mark.parametrize("lowered", [0.0, 30.0, 60.0])
def test_turns_of_bones_are_the_motions_whatever_rest_and_roll(lowered: float) -> None:
    rng, person, rest_turns = np.random.default_rng(0), posed_person(5, 20), arms_lowered(lowered)
    positions = np.zeros((len(SMPL), 3))
    for joint, parent in enumerate(SMPL.parents[1:], 1):
        positions[joint] = positions[parent] + rest_turns[parent] @ SMPL_REST_OFFSETS[joint]
    rolls = matrix_from_axis_angle(rng.normal(size=(len(SMPL), 3)))
    spine = ("Spine1", "Spine2", "Spine3")
    joints = {name: index for index, name in enumerate(SMPL.joints) if name not in spine}
    humanoid = Humanoid(joints, tuple(SMPL.index(name) for name in spine))
    floor = np.array((0.0, positions[:, 1].min() - 0.03, 0.0))
    rest = fit_rest(humanoid, rolls, positions, np.zeros_like(positions), floor)
    assert rest.hip_height == pytest.approx(person_hip_height(SMPL_REST_OFFSETS)) and rest.sole == pytest.approx(0.03)
    turns = bone_rotations(person, rest)
    assert sorted(turns) == list(range(len(SMPL)))
    truth = truth_of(person)
    for joint, children in enumerate(SMPL.children):
        for child in children if len(children) == 1 else ():
            along = turns[joint] @ (positions[child] - positions[joint])
            np.testing.assert_allclose(along, truth[:, joint] @ person.offsets[child], atol=1e-6)
        # The smallest turn from rest to T-pose need not be the very one that lowered the arms: some roll is free.
        roll = angle_between(turns[joint] @ rest_turns[joint], truth[:, joint]).max()
        assert roll < (0.1 if lowered else 1e-5), SMPL.joints[joint]
    rotations = np.stack([turns[joint] @ rolls[joint] for joint in range(len(SMPL))], axis=1)
    motion = motion_of_bones(rest, rotations, person.joints())
    np.testing.assert_allclose(motion.joints, person.joints(), atol=1e-5)
