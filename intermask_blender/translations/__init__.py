"""The add-on in other languages: a table a language of what it shows, handed to Blender's own translations.

Blender itself translates labels and tooltips of what is registered with it, and constants that are drawn. What is put
together from values goes through ``tr`` as a template, so that a language can order its words as it likes:
``tr("Wrote {files}").format(files=names)``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TABLES = Path(__file__).parent
TRANSLATION_CONTEXT = "InterMask"
"""The context of words that mean something else elsewhere in Blender, whose own translations come first: its Characters
are letters, and its Second is a part of a minute."""

CONTEXTS = ("*", "Operator", TRANSLATION_CONTEXT)
"""Blender looks names of buttons up in the second and all else in the first; ours mean the same everywhere."""

KINDS = "InterMask kinds"
"""The context of names of kinds of interaction; ``kinds/de.json`` and others have them."""

_OWNER = __package__


def tr(sentence: str, context: str = "*") -> str:
    """A sentence or a template in the language of Blender's interface; unchanged where there is no translation.

    Args:
        sentence: English.
        context: of Blender's translations; ``TRANSLATION_CONTEXT`` for a word that means something else in Blender.
    """
    # Never imported here: code that talks to the generator runs without Blender, where there is no such language.
    blender = sys.modules.get("bpy")
    return sentence if blender is None else str(blender.app.translations.pgettext_iface(sentence, context))


def kind_name(kind: str) -> str:
    """The name of a kind of interaction in the language of Blender's interface; unchanged if it has no translation."""
    return tr(kind, KINDS)


def capitalised(name: str) -> str:
    """The name with a capital first letter, for a button."""
    return name[:1].upper() + name[1:]


def tr_noop(sentence: str) -> str:
    """The sentence as it is: it is kept somewhere and goes through ``tr`` when it is shown."""
    return sentence


def load_table(path: Path) -> dict[str, str]:
    """What one language calls what: English to translation."""
    table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table


def register() -> None:
    """Make the tables known to Blender. A file is named by its language: ``de.json`` serves German everywhere."""
    import bpy

    tables = {
        path.stem: {(context, english): words for english, words in load_table(path).items() for context in CONTEXTS}
        for path in sorted(TABLES.glob("*.json"))
    }
    for path in sorted((TABLES / "kinds").glob("*.json")):
        tables[path.stem] |= {(KINDS, english): words for english, words in load_table(path).items()}
    bpy.app.translations.register(_OWNER, tables)


def unregister() -> None:
    """Take them back."""
    import bpy

    bpy.app.translations.unregister(_OWNER)
