"""Places on a body: where they are in the T-pose, and that they move with their joint."""

from __future__ import annotations

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.motion.forward_kinematics import forward_kinematics, global_rotations
from model_core.motion.places import PLACES, place_points, size_of, swapped_side
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import matrix_from_quaternion
from model_core.motion.skeleton import SMPL


@pytest.mark.parametrize("size", [0.9, 1.1])
def test_places_lie_on_their_side_of_a_body_of_any_size(size: float) -> None:
    rotations = np.broadcast_to(np.eye(3), (1, 22, 3, 3))
    joints = forward_kinematics(rotations, np.zeros((1, 3)), size * SMPL_REST_OFFSETS, SMPL)
    assert size_of(joints) == pytest.approx(size)
    for name in PLACES:
        point, other = (place_points(place, joints, rotations)[0] for place in (name, swapped_side(name)))
        np.testing.assert_allclose(other, point * [-1, 1, 1], atol=1e-3, err_msg=name)
        assert (point[0] > 0) == ("left" in name) or point[0] == 0, name
    palm, wrist = place_points("left_hand", joints, rotations)[0], joints[0, SMPL.index("L_Wrist")]
    np.testing.assert_allclose(palm - wrist, [0.08 * size, 0, 0])


def test_places_move_with_their_joint() -> None:
    person = posed_person(5, frames=20)
    rotations = global_rotations(matrix_from_quaternion(person.rotations), SMPL)
    joints = person.joints()
    for name, (joint, local) in PLACES.items():
        distance = np.linalg.norm(place_points(name, joints, rotations) - joints[:, SMPL.index(joint)], axis=-1)
        np.testing.assert_allclose(distance, np.linalg.norm(local), rtol=1e-6, err_msg=name)
    forearm = place_points("left_forearm", joints, rotations) - joints[:, SMPL.index("L_Elbow")]
    bone = joints[:, SMPL.index("L_Wrist")] - joints[:, SMPL.index("L_Elbow")]
    assert ((forearm * bone).sum(-1) > 0.99 * np.linalg.norm(forearm, axis=-1) * np.linalg.norm(bone, axis=-1)).all()
