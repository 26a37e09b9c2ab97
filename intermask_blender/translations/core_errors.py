"""Translation of the most common errors of ``model_core``, whose sentences are English and complete when they arrive.

A sentence is compared with templates, and the values in it are put into the translated template. The values are not
translated, for example the system's reason why a file cannot be written.
"""

from __future__ import annotations

import re
import string
from functools import cache

from . import tr, tr_noop

TEMPLATES = (
    tr_noop("Cannot write to the folder {folder}: {reason}; choose another folder."),
    tr_noop("Cannot write {path}: {reason}; free some space or choose another place."),
    tr_noop("{seconds} seconds cannot be generated; choose {shortest} to {longest} seconds."),
    tr_noop(
        "The part '{part}' of the prompt must begin at {start} s and end later; write the parts in order, without gaps."
    ),
    tr_noop("The part '{part}' of the prompt is shorter than a frame of 1/{fps} s; make it longer."),
    tr_noop("The prompt's parts last {parts} s and the clip {clip} s; make it longer."),
    tr_noop("The times at the start of the prompt '{prompt}' are unclear; write '{example}'."),
    tr_noop("There is no model in {folder}: {file} is missing; choose a model folder."),
    tr_noop("{path} is missing; copy the model folder again."),
    tr_noop("{path} is cut short or damaged; copy the model folder again."),
    tr_noop("Cannot read the bone map {path}: {reason}; check the path."),
    tr_noop("This machine has no device '{device}'; choose auto or cpu."),
    tr_noop("{path}, line {line}: {reason}; correct it there."),
    tr_noop("{where}: this model has no kind '{kind}'; its kinds are {kinds}."),
    tr_noop("{path} cannot be read ({reason}); check the file."),
    tr_noop("{path} is not UTF-8 text; save it as UTF-8."),
)


def tr_error(sentence: str) -> str:
    """An error in the language of Blender's interface; English where there is no translation."""
    translated = tr(sentence)
    if translated != sentence:
        return translated
    for template in TEMPLATES:
        if match := _pattern(template).fullmatch(sentence):
            return tr(template).format(**match.groupdict())
    return sentence


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """What sentences of a template look like, with a group for each field."""
    parts = string.Formatter().parse(template)
    pattern = "".join(re.escape(text) + (f"(?P<{name}>.+)" if name else "") for text, name, _, _ in parts)
    return re.compile(pattern, re.DOTALL)
