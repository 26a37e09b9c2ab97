"""The finger classifier in a model folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.errors import UserError
from model_core.fingers.states import FINGER_STATES
from model_core.generation.finger_poses import finger_probabilities
from model_core.model_files.finger_classifier_file import load_finger_classifier, save_finger_classifier
from model_core.networks.finger_classifier import FingerClassifier, FingerClassifierConfig

SMALL = FingerClassifierConfig(width=8, dilations=(1,), text_width=6)


def test_a_classifier_comes_back_with_its_shape_and_answers_clips_of_odd_length(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = FingerClassifier(SMALL).eval()
    save_finger_classifier(tmp_path, network)
    loaded = load_finger_classifier(tmp_path)
    assert loaded is not None and loaded.config == SMALL
    joints = np.random.default_rng(0).normal(size=(2, 31, 22, 3))
    probabilities = finger_probabilities(loaded, joints, torch.randn(1, 6))
    assert probabilities.shape == (2, 31, 2, len(FINGER_STATES))
    np.testing.assert_allclose(probabilities.sum(-1), 1.0, atol=1e-5)


def test_a_folder_without_one_has_none_and_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    assert load_finger_classifier(tmp_path) is None
    (tmp_path / "finger_classifier.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match="delete this file for hands without finger poses"):
        load_finger_classifier(tmp_path)
