"""Features in torch: the joints are those of the motions, and moved features are those of moved motions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from motion_examples import posed_person

from model_core.generation.feature_space import FEATURE_SPACES
from model_core.generation.representations import REPRESENTATIONS
from model_core.motion import Motion
from model_core.motion.interx import interx_from_motion, motion_from_interx
from model_core.motion.rotations import about_y

MOVE, TURN = np.array([0.4, -0.7]), 1.1


def features_of(dataset: str) -> np.ndarray:
    representation = REPRESENTATIONS[dataset]
    return representation.features(representation.prepared(posed_person(3, 20).motion()))


@pytest.mark.parametrize("dataset", ["interhuman", "interx"])
def test_joints_are_those_of_the_motion(dataset: str) -> None:
    features = features_of(dataset)
    joints = FEATURE_SPACES[dataset].joints(torch.from_numpy(features)).numpy()
    assert np.allclose(joints, REPRESENTATIONS[dataset].motion(features).joints[:, :22], atol=1e-5)


@pytest.mark.parametrize("dataset", ["interhuman", "interx"])
def test_moved_features_are_those_of_the_moved_motion(dataset: str) -> None:
    features = features_of(dataset)
    motion = motion_from_interx(features) if dataset == "interx" else posed_person(3, 20).motion()
    root = motion.joints[:, :1].copy()
    turn = about_y(np.asarray(TURN))
    joints = (motion.joints - root) @ turn.T + root + [MOVE[0], 0.0, MOVE[1]]
    assert motion.root_orientation is not None
    moved: Motion = replace(motion, joints=joints, root_orientation=turn @ motion.root_orientation)
    expected = interx_from_motion(moved) if dataset == "interx" else REPRESENTATIONS[dataset].features(moved)
    found = FEATURE_SPACES[dataset].moved(
        torch.from_numpy(features), torch.from_numpy(MOVE).float().expand(20, 2), torch.full((20,), TURN)
    )
    columns = slice(None) if dataset == "interx" else slice(0, 258)
    assert np.allclose(found.numpy()[:-1, ..., columns], expected[:-1, ..., columns], atol=1e-4)
