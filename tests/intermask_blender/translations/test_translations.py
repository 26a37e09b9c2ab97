"""The tables of other languages against all that the add-on shows: what is registered, and what its code says."""

from __future__ import annotations

import ast
import inspect
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest

import intermask_blender
import model_core
from intermask_blender.core import BONE_LABELS, UserError, load_map
from intermask_blender.operators.attempt_mixin import failed
from intermask_blender.properties.bone_map import OBJECT_PROPERTIES
from intermask_blender.registration import CLASSES
from intermask_blender.translations import TABLES, core_errors, load_table
from intermask_blender.translations.core_errors import TEMPLATES, tr_error
from intermask_blender.ui.kinds import model_kinds
from model_core.generation.prompts import segments
from model_core.model_files.model_folder import bundled_model

assert blender_scene

CODE = Path(intermask_blender.__file__).parent
LANGUAGES = sorted(TABLES.glob("*.json"))
SPOKEN = {"tr": 0, "tr_noop": 0, "refuse": 1}
"""Our functions whose argument of that number is shown."""
NOT_SHOWN = {"InterMask"}
"""The name of the tab is a name."""


def properties() -> Iterator[dict[str, Any]]:
    """What every property of ours is declared with."""
    for owner in {base for cls in CLASSES for base in cls.__mro__ if base.__module__.startswith(CODE.name)}:
        for declared in inspect.get_annotations(owner).values():
            value = declared
            if isinstance(declared, str) and ("bpy.props." in declared or "_property(" in declared):
                value = eval(declared, vars(sys.modules[owner.__module__]))
            if hasattr(value, "keywords"):
                yield value.keywords
    for value in OBJECT_PROPERTIES.values():
        yield value.keywords


def of_blender() -> set[str]:
    """Labels and tooltips of what is registered: of classes, their properties, and the items of menus."""
    found: set[str] = set()
    for cls in CLASSES:
        if issubclass(cls, bpy.types.Operator | bpy.types.Panel | bpy.types.Menu):
            tooltip = getattr(cls, "bl_description", "") or cls.__doc__ if issubclass(cls, bpy.types.Operator) else ""
            found |= {cls.bl_label, tooltip or ""}
    for keywords in properties():
        found |= {keywords.get("name", ""), keywords.get("description", "")}
        items = keywords.get("items", ())
        found |= {words for item in items for words in item[1:3]} if isinstance(items, tuple) else set()
    return found


def of_code() -> Iterator[tuple[str, str]]:
    """(where, sentence) of all that code says, or draws as a constant; an f-string there cannot be translated."""
    for path in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            where = f"{path.relative_to(CODE)}:{node.lineno}"
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            words = {word.arg: word.value for word in node.keywords}
            shown: list[ast.expr] = []
            if name in SPOKEN and len(node.args) > SPOKEN[name]:
                shown.append(node.args[SPOKEN[name]])
            if path.parent.name == "panels" or path.name == "preferences.py":
                plain = isinstance(words.get("translate"), ast.Constant)
                shown += [words[word] for word in ("text", "placeholder") if word in words and not plain]
            if name in ("report", "status_text_set", "paragraph"):
                shown.append(node.args[-1 if name != "paragraph" else 2])
            for value in shown:
                assert not isinstance(value, ast.JoinedStr), f"{where} shows an f-string: use tr(...).format(...)"
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield where, value.value


def errors() -> Iterator[tuple[str, ast.expr]]:
    """(where, argument) of every error that the add-on can show; the batch command speaks English, as its help does."""
    for path in CODE.rglob("*.py"):
        if path.parent.name == "batch":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ("UserError", "self._fail"):
                yield f"{path.relative_to(CODE)}:{node.lineno}", node.args[0]


def all_shown() -> set[str]:
    spoken = {words for _, words in of_code()} | set(BONE_LABELS.values())
    return {words for words in spoken | of_blender() if any(letter.isalpha() for letter in words)} - NOT_SHOWN


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_there_are_tables() -> None:
    assert [path.stem for path in LANGUAGES] == ["de", "fr"]


def test_every_kind_of_the_bundled_model_has_its_own_name_in_every_language() -> None:
    kinds = {kind.name for group in model_kinds(bundled_model()) for kind in group.kinds}
    for path in LANGUAGES:
        names = load_table(TABLES / "kinds" / path.name)
        assert set(names) == kinds and len(set(names.values())) == len(kinds)


def test_every_error_of_the_add_on_goes_through_the_tables() -> None:
    found = list(errors())
    assert len(found) > 50
    for where, argument in found:
        texts = [
            part.value
            for part in ast.walk(argument)
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and any(map(str.isalpha, part.value))
        ]
        spoken = [
            call
            for call in ast.walk(argument)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SPOKEN
        ]
        # Without a text of its own it passes on what was said, and translated, elsewhere.
        assert not texts or spoken, f"{where} is not translated: use tr(...).format(...)"


def test_an_error_of_model_core_is_reported_as_it_is() -> None:
    """One that is not among the translated ones is English, and one readable sentence."""
    error = UserError("The file walk.bvh has no frames; choose another.")
    reports: list[tuple[set[str], str]] = []
    operator = type("Operator", (), {"report": lambda self, kind, text: reports.append((kind, text))})()
    assert failed(operator, error) == {"CANCELLED"}
    assert reports == [({"ERROR"}, str(error))]


def sentences_of_model_core() -> set[str]:
    """Sentences of the errors of ``model_core``, each value in them as ``{}``."""
    found = set()
    for path in Path(model_core.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "UserError" and node.args:
                text = node.args[0]
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts))
    return found


def test_the_templates_of_model_cores_errors_are_its_sentences() -> None:
    sentences = sentences_of_model_core()
    for template in TEMPLATES:
        blank = "".join(text + ("{}" if name else "") for text, name, _, _ in string.Formatter().parse(template))
        assert blank in sentences, template


def test_a_common_error_of_model_core_is_translated_with_its_values(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        load_map(tmp_path / "none: here.json")
    with pytest.raises(UserError) as unclear:
        segments("0-4 s: they bow; 6-8 s: they hug", 300, 30.0)
    monkeypatch.setattr(core_errors, "tr", lambda words: load_table(TABLES / "de.json").get(words, words))
    assert tr_error(str(caught.value)) == (
        f"Die Knochenzuordnung {tmp_path / 'none: here.json'} kann nicht gelesen werden: No such file or directory; "
        "prüfe den Pfad."
    )
    assert tr_error(str(unclear.value)).startswith("Der Teil „6-8 s: they hug“ des Prompts muss bei 4 s beginnen")
    assert tr_error("The file walk.bvh has no frames; choose another.").startswith("The file walk.bvh")


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_table_holds_all_that_is_shown_and_nothing_else(registered: None, path: Path) -> None:
    table, shown = load_table(path), all_shown()
    assert not sorted(shown - set(table)), "without a translation"
    assert not sorted(set(table) - shown), "no longer shown"
    for english, words in table.items():
        assert words.strip() and fields(words) == fields(english), english
        assert english.endswith(".") == words.endswith("."), english
