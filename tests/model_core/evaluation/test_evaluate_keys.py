"""The report on key poses, of a saved clip."""

from __future__ import annotations

from generated_clips import generated

from model_core.evaluation.keys import KeysReport, KindKeys, measure_clip
from model_core.kinematics import solve


def test_the_report_compares_both_densities_of_keys() -> None:
    found = KindKeys()
    measure_clip(found, "bow to each other", solve(generated("bow")))
    assert found.clips == 1 and found.reduction > 8 and 0.001 < found.distance < 0.01 and 0.1 < found.degrees < 2
    assert found.seen == found.seen_with_key_poses
    report = KeysReport({"bow to each other": found}, 0.5)
    assert all(passed for _, _, passed in report.rows())
    assert "bow to each other" in report.table() and "NO" not in report.table()
    found.seen, report.seconds = found.seen_with_key_poses + 1, 1.5
    assert [passed for _, _, passed in report.rows()].count(False) == 2
