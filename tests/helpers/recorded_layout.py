"""A layout that lists what panels draw, in place of Blender's."""

from __future__ import annotations

from typing import Any


class Button:
    """An operator's properties; the prompt that is set is listed with the button's text."""

    def __init__(self, drawn: list[str], text: str) -> None:
        object.__setattr__(self, "drawn", drawn)
        object.__setattr__(self, "text", text)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "prompt":
            self.drawn.append(f"button {self.text} < {value}")


class Recorder:
    """A layout that lists what is drawn, in order."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **words: self

    def prop(self, owner: object, name: str, **words: object) -> None:
        self.drawn.append(name)

    def operator(self, name: str, **words: object) -> Any:
        self.drawn.append(name)
        return Button(self.drawn, str(words.get("text")))

    def label(self, **words: object) -> None:
        self.drawn.append(f"label {words.get('text')}")
