"""In a Python that has no Blender module, a sentence names the Pythons that have one."""

from __future__ import annotations

import sys

import pytest

from intermask_blender.batch.__main__ import main, require_blender
from intermask_blender.core import UserError


def test_the_pythons_that_have_blender_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "bpy", None)
    assert main(["--prompt", "two people hug"]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith("intermask: Blender's Python module") and sentence.count("\n") == 1
    with pytest.raises(UserError, match=r"not made for Python 3\.12: .* 3\.11 \(bpy 5\.0\) or 3\.13 \(bpy 5\.2 LTS\)"):
        require_blender("3.12")
    with pytest.raises(UserError, match=r"pip install -e '\.\[blender\]'"):
        require_blender("3.13")
