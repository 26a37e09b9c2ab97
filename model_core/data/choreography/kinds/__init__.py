"""The scripts of all kinds, one function each, by name."""

from __future__ import annotations

from collections.abc import Callable

from ..scene import Scene
from . import (
    caring,
    dancing,
    fighting,
    gestures,
    greetings,
    helping,
    passing,
    playing,
    sharing,
    signals,
    sports,
    striking,
    together,
    touching,
)

Script = Callable[[Scene], None]

SCRIPTS: dict[str, Script] = {
    name: script
    for module in (
        greetings,
        touching,
        fighting,
        gestures,
        passing,
        together,
        signals,
        striking,
        sports,
        caring,
        helping,
        dancing,
        sharing,
        playing,
    )
    for name, script in module.SCRIPTS.items()
}
"""Script of each kind."""
