"""The command line: nothing that a file or an argument holds controls the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_core.__main__ import main

ESCAPE = "\x1b]0;title\x07\x9b31m"


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", f"gone{ESCAPE}"],
        ["benchmark", f"sec{ESCAPE}"],
        ["evaluate", "starter", "--data", f"gone{ESCAPE}", "--kinds", ESCAPE],
        ["import-published", f"gone{ESCAPE}", "--clip", "x", "--out", "y"],
        ["train", "tokenizer", "--config", f"gone{ESCAPE}", "--data", "x", "--out", "y"],
        ["evaluate", ESCAPE],
        ["verify", "here", ESCAPE],
    ],
)
def test_arguments_are_escaped_in_messages(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert main(arguments) == 1
    except SystemExit as end:
        assert end.code == 2
    shown = capsys.readouterr()
    assert shown.err and all(char.isprintable() or char == "\n" for char in shown.out + shown.err)


def test_texts_of_files_are_escaped_in_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = {"file": f"a{ESCAPE}.bvh", "text": ESCAPE, "kind": ESCAPE}
    (tmp_path / "manifest.json").write_text(json.dumps({"clips": [entry], ESCAPE: 1}))
    (tmp_path / "config.toml").write_text('name = "a\\u001b[31m"\n"\\u001b[2J" = 3\n')
    (tmp_path / "config.json").write_text(json.dumps({"name": ESCAPE, ESCAPE: {}}))
    data, out = str(tmp_path), str(tmp_path / "out")
    for arguments in (
        ["choreograph", "--data", data, "--out", out, "--kinds", ESCAPE],
        ["choreograph", "--data", data, "--out", out],
        ["train", "tokenizer", "--config", str(tmp_path / "config.toml"), "--data", data, "--out", out],
        ["evaluate", "parts", "--model", data],
    ):
        assert main(arguments) == 1
        shown = capsys.readouterr()
        assert shown.err and all(char.isprintable() or char == "\n" for char in shown.out + shown.err)
