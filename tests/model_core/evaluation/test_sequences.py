"""``evaluate sequences``: its prompts, its figures, and a run with a small model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_model import save_small_model

from model_core.errors import UserError
from model_core.evaluation.sequences import (
    PROMPTS,
    MeasuredPart,
    PromptPart,
    evaluate_sequences,
    measured,
    read_prompts,
    timed_prompt,
)
from model_core.generation.prompt_reader import PromptReader
from model_core.generation.prompts import segments
from model_core.metrics.detectors import DETECTORS
from model_core.model_files.kinds import listed_kinds
from model_core.model_files.model_folder import bundled_model
from model_core.motion import FPS, SMPL
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import about_y


def test_the_prompts_name_each_kind_at_least_twice() -> None:
    prompts = read_prompts(PROMPTS)
    kinds = Counter(part.kind for parts in prompts for part in parts)
    assert len(prompts) == 40 and {len(parts) for parts in prompts} == {2, 3}
    assert set(kinds) == listed_kinds(bundled_model()) <= set(DETECTORS) and min(kinds.values()) >= 2
    for parts in prompts:
        frames = [part.frames for part in parts]
        stops = [segment.stop for segment in segments(timed_prompt(parts), sum(frames), FPS)]
        assert stops == np.cumsum(frames).tolist()


@pytest.mark.slow
def test_the_prompts_are_understood() -> None:
    matcher = PromptReader.load(bundled_model()).matcher
    assert matcher is not None
    prompts = read_prompts(PROMPTS)
    for kind, prompt in {(part.kind, part.prompt) for parts in prompts for part in parts}:
        assert matcher.understand(prompt).best.kind == kind


def people(frames: int, turned: float = np.pi, jump: int | None = None) -> np.ndarray:
    """Joints (2, T, 22, 3) of two people who stand and move slowly, the second turned by ``turned`` radians."""
    still = np.broadcast_to(np.eye(3), (1, 22, 3, 3))
    pose = forward_kinematics(still, np.array([[0.0, 0.95, 0.0]]), SMPL_REST_OFFSETS, SMPL)
    first = pose + 0.01 * np.arange(frames)[:, None, None] * np.array([1.0, 0.0, 0.0])
    second = pose @ about_y(np.asarray(turned)).T + np.array([0.0, 0.0, 1.5]) + first[:, :1] * np.array([1.0, 0.0, 0.0])
    joints = np.stack((first, second))
    if jump is not None:
        joints[0, jump:, 20] += 0.5
    return joints


def test_facing_and_the_speed_of_joins_are_measured() -> None:
    parts = (PromptPart("box", "they box", 2), PromptPart("shake hands", "they shake hands", 3))
    alone = [people(60), people(90, np.pi + 0.6)]

    def second_part(joints: np.ndarray) -> MeasuredPart:
        first, second = measured(timed_prompt(parts), parts, joints, alone).parts
        assert first.faces is None and first.join is None and not first.seen
        return second

    part = second_part(people(150))
    assert part.faces and not part.faces_alone and part.join == pytest.approx(1.0)
    assert not second_part(people(150, np.pi + 0.6)).faces
    jumped = second_part(people(150, jump=65)).join
    assert jumped is not None and jumped > 10


@pytest.mark.slow
def test_parts_that_are_drawn_already_are_not_drawn_again(tmp_path: Path) -> None:
    model = save_small_model(tmp_path / "small")
    prompts = tmp_path / "prompts.json"
    part = {"kind": "hug", "prompt": "they hug", "seconds": 2}
    prompts.write_text(
        json.dumps([[part, {**part, "kind": "bow to each other", "prompt": "they bow", "seconds": 1.5}]])
    )
    report = evaluate_sequences(model, prompts, out=tmp_path / "out")
    assert [clip.joints.shape for clip in report.clips] == [(2, 105, 22, 3)]
    assert [single.shape[1] for single in report.clips[0].alone] == [60, 45]
    assert "every part seen" in report.table() and (tmp_path / "out" / "sequences.json").exists()
    assert "not measured independently" in report.table()
    alone = evaluate_sequences(model, prompts, out=tmp_path / "out", detectors=False)
    assert "no say" in alone.table() and len(list((tmp_path / "out").glob("parts*"))) == 2
    again = evaluate_sequences(model, prompts, out=tmp_path / "out")
    np.testing.assert_allclose(again.clips[0].joints, report.clips[0].joints, atol=1e-4)


def test_a_kind_without_a_detector_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps([[{"kind": "juggle", "prompt": "they juggle", "seconds": 2}]]))
    with pytest.raises(UserError, match="juggle"):
        read_prompts(path)
