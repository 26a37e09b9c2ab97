"""The report of a batch, and what a run does where files cannot be removed."""

from __future__ import annotations

import csv
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest
from blender_scene import empty_scene

from intermask_blender.batch import report
from intermask_blender.batch.records import FAILED, Record
from intermask_blender.batch.report import Column, write_report
from intermask_blender.batch.run import _empty, _remove
from model_core.errors import UserError

assert blender_scene and empty_scene

RECORDS = [
    Record("hug", "they <hug>", "line 2", files=["hug.npz", "pictures/hug 1.png"], seconds=1.5),
    Record("bow", "they bow", "line 3", FAILED, "No <leader>."),
]


def test_a_column_is_in_both_files_once_it_is_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    column = Column(lambda row: row.record.job.upper(), lambda row: f"<b>{row.record.job.upper()}</b>")
    monkeypatch.setitem(report.COLUMNS, "loud", column)
    write_report(tmp_path, "report", RECORDS, {"hug"})
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        hug, bow = csv.DictReader(file)
    assert (hug["loud"], hug["outcome"], hug["seconds"]) == ("HUG", "skipped", "1.50")
    assert (bow["loud"], bow["outcome"], bow["prompt"]) == ("BOW", "failed", "they bow")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<td><b>HUG</b></td>" in page and "they &lt;hug&gt;" in page and 'src="pictures/hug%201.png"' in page
    assert '<tr class="failed">' in page and "<td>No &lt;leader&gt;.</td>" in page


def test_a_file_that_cannot_be_deleted_does_not_fail_the_row(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse)  # as on Windows, where another program has it open
        _remove(tmp_path, ["old", "gone"])
    assert (tmp_path / "old").exists()


def test_a_work_folder_that_cannot_be_emptied_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".making-hug").write_text("a file in the way")
    with pytest.raises(UserError, match=r"close what uses .making-hug"):
        _empty(tmp_path / ".making-hug")


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")
