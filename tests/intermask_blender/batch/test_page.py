"""The report's page in a real browser without a window: Chromium, driven by playwright, with pages as local files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import pytest
from blender_scene import dancer
from farm_runs import farm_environment, good, write_jobs

from intermask_blender.batch.contact_sheet import write_contact_sheet, write_motion_script
from intermask_blender.batch.jobs import Job
from intermask_blender.batch.marks import read_marks
from intermask_blender.batch.records import FAILED, Record, RowResult
from intermask_blender.batch.report import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

assert blender_scene
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox refuses root, as which CI often runs.
        arguments = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        yield driver.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that may reach no network, and must report no error."""
    context = browser.new_context(viewport={"width": 1500, "height": 900}, offline=True)
    context.set_default_timeout(300_000)  # milliseconds; a busy machine takes its time
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if request.url.startswith("http") else None)
    yield page
    context.close()
    assert errors == []


def run_batch(*arguments: str) -> None:
    """A run in a process of its own, as users start it: a scene that is open already would be a part of the rows."""
    command = [sys.executable, "-m", "intermask_blender.batch", *arguments]
    done = subprocess.run(command, env=farm_environment(), timeout=900)
    assert done.returncode == 0


def shown(page: Any) -> list[str]:
    """The names of the rows that can be seen, in their order."""
    names: list[str] = page.eval_on_selector_all(
        "tbody tr", "rows => rows.filter(row => row.offsetParent !== null).map(row => row.dataset.name)"
    )
    return names


def picture(page: Any, name: str) -> None:
    """Keep a picture of the page, if the developer names a folder for them."""
    if folder := os.environ.get("INTERMASK_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


ROWS = 1000
KINDS = ("hug", "bow", "box")


def thousand_rows(out: Path) -> list[RowResult]:
    """Rows of three kinds with increasing novelty; every tenth has failed."""
    people = (dancer(1, frames=40), dancer(2, frames=40))
    (out / "pictures").mkdir(parents=True)
    results = []
    for number in range(ROWS):
        name, kind = f"row {number}", KINDS[number % 3]
        record = Record(name, f"they {kind} {number}", f"line {number}", kinds=[kind], novelty=number / ROWS)
        if number % 10 == 9:
            results.append(RowResult(replace(record, outcome=FAILED, error="No <leader>.", kinds=[], novelty=None)))
            continue
        files = [f"pictures/{name}.png", f"pictures/{name}.js"]
        if number < 3:
            write_contact_sheet(people, out / files[0])
        else:
            shutil.copyfile(out / "pictures" / "row 0.png", out / files[0])
        write_motion_script(people, name, out / files[1])
        results.append(RowResult(replace(record, files=files, understood=[f"both {kind}"]), skipped=number % 2 == 0))
    return results


def test_a_thousand_rows_are_sorted_filtered_and_marked(page: Any, tmp_path: Path) -> None:
    results = thousand_rows(tmp_path / "out")
    write_report(tmp_path / "out", "report", results)
    address = (tmp_path / "out" / "report.html").as_uri()
    page.goto(address)
    names = [result.record.job for result in results]
    assert shown(page) == names and page.inner_text("#count") == "1000 rows"
    picture(page, "report")
    loaded = page.eval_on_selector_all("img.still", "all => all.filter(one => one.complete && one.naturalWidth).length")
    assert 0 < loaded < ROWS / 5, "pictures far below are not loaded"

    page.fill("#text", "BOW 1")
    assert shown(page) == [name for name, result in zip(names, results, strict=True) if "bow 1" in result.record.prompt
                           or ("bow" in result.record.prompt and "1" in name)]  # fmt: skip
    page.fill("#text", "")
    page.select_option("#outcome", "failed")
    assert shown(page) == names[9::10] and page.inner_text("#count") == "100 of 1000 rows"
    page.select_option("#outcome", "")
    page.select_option("#kind", "box")
    page.eval_on_selector("#novelty", "one => { one.value = 0.9; one.dispatchEvent(new Event('input')) }")
    assert shown(page) == [name for number, name in enumerate(names) if number >= 900 and number % 3 == 2
                           and number % 10 != 9]  # fmt: skip
    picture(page, "filtered")
    page.select_option("#kind", "")
    page.eval_on_selector("#novelty", "one => { one.value = 0; one.dispatchEvent(new Event('input')) }")

    for _ in range(2):
        page.click("th[data-column=novelty] button")
    ordered = [name for number, name in enumerate(names) if number % 10 != 9][::-1] + names[9::10]
    assert shown(page) == ordered, "the greatest novelty first, and rows without one last"
    page.click("th[data-column=name] button")
    assert shown(page) == names, "row 2 is before row 10"

    for name in ("row 4", "row 2"):
        page.check(f'tr[data-name="{name}"] .mark')
    assert page.inner_text("#state") == "2 marked, not saved"
    page.reload()
    page.check("#only")
    assert shown(page) == ["row 2", "row 4"], "the browser keeps the marks until they are saved"
    page.evaluate("delete window.showSaveFilePicker")  # its dialog needs a window; other browsers lack it
    with page.expect_download() as download:
        page.click("#save")
    assert page.inner_text("#state") == "2 marked, saved" and download.value.suggested_filename == "marks.json"
    marks = tmp_path / "out" / "marks.json"
    download.value.save_as(marks)
    assert read_marks(marks, [Job("", name=name) for name in names]) == {"row 2", "row 4"}

    marks.write_text('{"marked": ["row 7"]}', encoding="utf-8")
    write_report(tmp_path / "out", "report", results)
    page.goto(address)
    page.check("#only")
    assert shown(page) == ["row 7"], "the file has changed since"


def test_films_pictures_and_motions_play_while_the_pointer_is_over_them(page: Any, model: Path, tmp_path: Path) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good("film", "pictured", "draft")), tmp_path / "out"
    arguments = ["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--resolution", "320x180"]
    run_batch(*arguments, "--render", "none")
    for name, render in (("film", "mp4"), ("pictured", "png")):
        (out / "marks.json").write_text(f'{{"marked": ["{name}"]}}', encoding="utf-8")
        run_batch(*arguments, "--render", render, "--marked")
    page.goto((out / "report.html").as_uri())
    assert shown(page) == ["pictured", "film", "draft"]

    page.hover('tr[data-name="film"] .clip')
    page.wait_for_function("() => document.querySelector('video')?.currentTime > 0.1")
    picture(page, "film")
    page.hover('tr[data-name="pictured"] .clip')
    page.wait_for_function("() => /frame_00(0[5-9]|1[0-8])/.test(document.querySelector('img.playing')?.src)")
    assert page.query_selector("video") is None
    page.hover('tr[data-name="draft"] .clip')
    page.wait_for_function("() => document.querySelector('canvas.playing')")
    # This small model's two people stand in one place: the second one's colour covers the first one's.
    colours = """() => {
        const canvas = document.querySelector('canvas.playing');
        if (!canvas) return 0;
        const data = canvas.getContext('2d').getImageData(0, 0, 192, 192).data;
        const seen = new Set();
        for (let at = 0; at < data.length; at += 4) seen.add(`${data.slice(at, at + 3)}`);
        return ['26,92,184', '153,153,153'].filter((one) => seen.has(one)).length;
    }"""
    page.wait_for_function(f"() => ({colours})() === 2")
    picture(page, "draft")
    page.hover("#count")
    assert page.query_selector(".playing") is None
