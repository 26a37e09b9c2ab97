"""The bundled model and prompts of writers who never saw the phrases that it learnt."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from repository import REPOSITORY
from taught_model import BOW, HUG, save_taught_model

from model_core.errors import UserError
from model_core.evaluation.words import PROMPTS, evaluate_words, read_prompts
from model_core.model_files.model_folder import bundled_model
from model_core.training.prompt_classifier_training import HELD_OUT

WORDS = REPOSITORY / "assets" / "words"


def _letters(text: str) -> str:
    """A text without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.lower()))


def test_no_test_prompt_is_among_the_phrases_that_were_learnt() -> None:
    learnt: set[str] = set()
    for path in WORDS.glob("*.json"):
        if path.name != HELD_OUT:
            values = json.loads(path.read_text(encoding="utf-8"))
            groups = values.values() if isinstance(values, dict) else [values]
            learnt |= {_letters(text) for group in groups for text in group}
    tests = read_prompts(PROMPTS)
    misspelt = read_prompts(PROMPTS.with_name("misspelt"))
    assert not {_letters(test.prompt) for test in (*tests, *misspelt)} & learnt
    held_out = json.loads((WORDS / HELD_OUT).read_text(encoding="utf-8"))
    assert not {_letters(text) for group in held_out.values() for text in group} & learnt
    counts = [sum(test.kind == kind for test in tests) for kind in {test.kind for test in tests} - {""}]
    assert len(counts) == 40 and min(counts) >= 5 and sum(not test.kind for test in tests) >= 80


@pytest.mark.slow
def test_the_bundled_model_understands_prompts_in_anyones_words() -> None:
    report = evaluate_words(bundled_model(), None, 0, None)
    assert report.first >= 0.92 and report.offered >= 0.98, report.table()
    assert report.facts >= 0.9, report.table()
    assert report.reported >= 0.85 and report.wrongly_reported <= 0.08, report.table()


def test_a_folder_without_prompts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no test prompts"):
        read_prompts(tmp_path)


def test_a_stopped_run_continues_with_the_prompts_that_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, prompts = save_taught_model(tmp_path / "model"), tmp_path / "prompts"
    prompts.mkdir()
    tests = [("they bend at the waist", BOW), ("a long cuddle", HUG), ("a man cooks", "")]
    entries = [{"prompt": prompt, "kind": kind} for prompt, kind in tests]
    (prompts / "a.json").write_text(json.dumps(entries), encoding="utf-8")
    capsys.readouterr()
    evaluate_words(model, prompts, 1, tmp_path / "out", [HUG])
    assert capsys.readouterr().out.startswith("1/1 hug: ")
    kept = tmp_path / "out" / "prompts.json"
    (measured,) = json.loads(kept.read_text(encoding="utf-8"))
    measured["success"], measured["single"] = [True], [False]  # as this model's clips are not
    kept.write_text(json.dumps([measured]), encoding="utf-8")
    report = evaluate_words(model, prompts, 1, tmp_path / "out")
    assert capsys.readouterr().out.startswith("1/2 bow to each other: ")  # the hug is not measured again
    assert report.by_kind[HUG] == (1.0, 1.0) and report.single == 0.0
    evaluate_words(model, prompts, 1, tmp_path / "out")
    assert capsys.readouterr().out == ""
    kept.write_text(kept.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    with pytest.raises(UserError, match=r"prompts\.json cannot be read .* delete it"):
        evaluate_words(model, prompts, 1, tmp_path / "out")
