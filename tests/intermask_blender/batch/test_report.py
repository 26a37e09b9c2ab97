"""The report of a batch, and what a run does where files cannot be removed."""

from __future__ import annotations

import csv
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest

from intermask_blender.batch import page, report
from intermask_blender.batch.page import PageColumn
from intermask_blender.batch.records import FAILED, Record, RowResult
from intermask_blender.batch.report import write_report
from intermask_blender.batch.row_maker import _empty, _remove
from model_core.errors import UserError

assert blender_scene

HUG = Record("hug", "they <hug>", "line 2", files=["hug.npz", "pictures/hug 1.png"], seconds=1.5, novelty=0.25)
RESULTS = [RowResult(HUG, skipped=True), RowResult(Record("bow", "they bow", "line 3", FAILED, "No <leader>."))]


def test_a_column_is_in_both_files_once_it_is_in_their_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(report.COLUMNS, "loud", lambda row: row.record.job.upper())
    monkeypatch.setitem(page.COLUMNS, "loud", PageColumn("Loud", "4em", lambda row: f"<b>{row.record.job.upper()}</b>"))
    write_report(tmp_path, "report", RESULTS)
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        hug, bow = csv.DictReader(file)
    assert (hug["loud"], hug["outcome"], hug["seconds"], hug["novelty"]) == ("HUG", "skipped", "1.50", "0.25")
    assert (bow["loud"], bow["outcome"], bow["prompt"], bow["novelty"]) == ("BOW", "failed", "they bow", "")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>HUG</b></td>" in html and "they &lt;hug&gt;" in html and 'src="pictures/hug%201.png"' in html
    assert '<tr class="failed"' in html and ">No &lt;leader&gt;.</td>" in html
    assert "//" not in html.replace("// ", ""), "nothing on the page names a server"


def test_a_file_that_cannot_be_deleted_does_not_fail_the_row(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse)  # as on Windows, where another program has it open
        _remove(tmp_path, ["old", "gone"])
    assert (tmp_path / "old").exists()


def test_a_work_folder_that_cannot_be_emptied_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file in the way")
    with pytest.raises(UserError, match=r"close what uses files"):
        _empty(tmp_path / "files")


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")
