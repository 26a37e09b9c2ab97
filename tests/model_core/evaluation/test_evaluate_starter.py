"""``evaluate starter`` on synthetic clips: measurements, files and errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from gliding import gliding_people, line, save_gliding

from model_core.errors import UserError
from model_core.evaluation.starter import evaluate_starter
from model_core.model_files.evaluator_folder import PairEmbeddingConfig, save_evaluator
from model_core.model_files.model_folder import bundled_model
from model_core.networks.small_evaluator import SmallEvaluator, SmallEvaluatorConfig


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of people who walk past each other, one of them held out."""
    folder = tmp_path_factory.mktemp("clips")
    joints = gliding_people((line(0, -2, 1.1), line(0.8, 2, -1.1)), (0, np.pi))
    path = folder / "walk_towards_and_pass.npz"
    save_gliding(path, "walk towards and pass", [joints] * 2, [False, True], "two people walk past each other")
    return folder


@pytest.mark.slow
def test_a_model_is_measured_and_the_figures_are_written(data: Path, tmp_path: Path) -> None:
    network = SmallEvaluatorConfig(embedding=4, width=8, entry=8)
    save_evaluator(tmp_path, SmallEvaluator(network), PairEmbeddingConfig(network, "all-MiniLM-L6-v2"))
    kinds = ["walk towards and pass", "salsa"]
    report = evaluate_starter(bundled_model(), data, tmp_path, kinds, seeds=1, evaluator=tmp_path)
    walk, salsa = report.kinds
    assert walk.data == 1.0 and salsa.data is None and salsa.reaction is None
    # People gliding with stiff legs are nothing that a model of salsa could rebuild well.
    assert report.world_mm > report.aligned_mm > 25
    assert walk.diversity > 10 and 0 < report.seconds < report.loading and report.memory > 50
    # One kind with captions is too few for R-precision, and one clip for a spread.
    assert [row.what for row in report.evaluator] == ["held-out clips", "generated", "generated and solved"]
    assert all(row.precision is None and row.frechet is None for row in report.evaluator)
    assert len({row.distance for row in report.evaluator}) == 3
    written = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert [check["passed"] for check in written["checks"]] == [passed for _, _, passed in report.checks()]
    with (tmp_path / "kinds.csv").open(encoding="utf-8") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["walk towards and pass", "salsa"]
    assert "FAIL joint error in the world" in report.table()


def test_impossible_measurements_are_refused_in_one_sentence(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no kind 'juggle'"):
        evaluate_starter(bundled_model(), data, kinds=["juggle"])
    with pytest.raises(UserError, match="no choreographed clips"):
        evaluate_starter(bundled_model(), tmp_path)
