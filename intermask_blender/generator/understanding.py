"""How a model understands a prompt: the request to the worker, and its reply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..translations import tr_noop
from .client import Request, WorkerClient

SECOND_ACTS = tr_noop("{caption} (person 2 acts)")
_NUMBERS = re.compile(r"\b(?:first|second)\b")
_MORE_THAN_TWO = re.compile(
    r"\b(?:three|four|five|six|seven|eight|nine|ten|drei|vier|fünf|sechs|trois|quatre|cinq|[3-9]|[1-9]\d+|"
    r"(?:group|crowd|team|gruppe|groupe)(?: of| von| de)?)\s(?:\w+\s){0,2}?"
    r"(?:people|persons|men|women|guys|girls|boys|friends|dancers|fighters|players|kids|children|characters|figures|"
    r"strangers|leute|personen|menschen|männer|frauen|freunde|kinder|tänzer|figuren|"
    r"personnes|gens|hommes|femmes|amis|amies|enfants|danseurs|personnages)\b",
    re.IGNORECASE,
)
"""How prompts name more people than two, in the languages of the interface."""


@dataclass(frozen=True)
class Match:
    """A kind of interaction that a prompt may name.

    Attributes:
        kind: its name.
        caption: the training caption of this kind that is closest to the prompt.
    """

    kind: str
    caption: str


@dataclass(frozen=True)
class UnderstoodPart:
    """How one part of a prompt is understood; a prompt without times has one part.

    Attributes:
        prompt: as written.
        matches: at least one kind, the most probable one first.
        known: whether the part names a kind that the model knows.
        exchanged: whether the second person acts on the first.
        acts: the part's acts in order, if it names several different ones, of which only the first is used; else empty.
    """

    prompt: str
    matches: tuple[Match, ...]
    known: bool
    exchanged: bool = False
    acts: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """The training caption that replaces the part."""
        return self.matches[0].caption

    def description(self, second_acts: str = SECOND_ACTS) -> str:
        """The caption, with exchanged roles if the second person acts.

        Args:
            second_acts: template for a caption that does not number the people.
        """
        if not self.exchanged:
            return self.caption
        exchanged = _NUMBERS.sub(lambda found: "second" if found[0] == "first" else "first", self.caption)
        return exchanged if exchanged != self.caption else second_acts.format(caption=self.caption)

    def timed_acts(self, seconds: float) -> str:
        """A prompt that gives each of the acts an equal time; empty for a part with one act.

        Args:
            seconds: length of the clip.
        """
        borders = [f"{seconds * number / len(self.acts):.1f}".removesuffix(".0") for number in range(len(self.acts))]
        times = zip(borders, [*(f"{border} s" for border in borders[1:]), "end"], strict=True) if self.acts else ()
        return "; ".join(f"{start}-{stop}: {act}" for (start, stop), act in zip(times, self.acts, strict=True))

    @property
    def names_more_than_two(self) -> bool:
        """Whether the part asks for three people or more, of whom two are animated."""
        return _MORE_THAN_TWO.search(self.prompt) is not None

    @property
    def is_caption(self) -> bool:
        """Whether the part is a training caption itself."""
        return _normalised(self.prompt) == _normalised(self.caption)


@dataclass(frozen=True)
class Understanding:
    """How a model understands a prompt.

    Attributes:
        parts: in order; empty for a model without a prompt classifier.
        nearest: the training caption that is closest to the prompt, for a model without a prompt classifier; empty
            if the model has no captions.
        distance: of ``nearest``, 1 - cosine similarity.
        words_error: why the user's ``words.json`` is not used, as a sentence; empty if it is used or missing.
    """

    parts: tuple[UnderstoodPart, ...] = ()
    nearest: str = ""
    distance: float = 0.0
    words_error: str = ""


def submit_understand(client: WorkerClient, model: Path, prompt: str, seconds: float, words: Path | None) -> Request:
    """Ask how a model understands a prompt; returns at once. ``understanding_of`` reads the reply.

    Args:
        client: its process is started if it does not run.
        model: the model's folder.
        prompt: a sentence, or parts with times.
        seconds: length of the clip, not shorter than the start of the last part.
        words: path of the user's ``words.json``, which need not exist; None for none.

    Raises:
        UserError: the process cannot be started.
    """
    values = {"model": str(model), "prompt": prompt, "seconds": seconds, "words": None if words is None else str(words)}
    return client.submit("understand", values)


def understanding_of(values: Mapping[str, Any]) -> Understanding:
    """Read an ``understood`` reply.

    Args:
        values: of the message (see ``docs/worker.md``).
    """
    nearest = values["nearest"] or {"caption": "", "distance": 0.0}
    return Understanding(
        parts_of(values["parts"]), str(nearest["caption"]), float(nearest["distance"]), str(values["words_error"])
    )


def parts_of(values: Sequence[Mapping[str, Any]]) -> tuple[UnderstoodPart, ...]:
    """Read the parts of a prompt from a message."""
    return tuple(
        UnderstoodPart(
            str(part["prompt"]),
            tuple(Match(str(match["kind"]), str(match["caption"])) for match in part["matches"]),
            bool(part["known"]),
            bool(part["exchanged"]),
            tuple(str(act) for act in part.get("acts", ())),
        )
        for part in values
    )


def _normalised(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!")
