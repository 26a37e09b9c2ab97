"""What each window and part of a clip is conditioned on, from its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..constraints import Constraints, Targets
from ..model_files.model_folder import Model
from ..motion import FPS
from ..motion.limits import MIN_FRAMES
from .acts import seen_kind
from .caption_facts import facts_of
from .completion import Window
from .completion import windows as clip_windows
from .constrained import part_frames, targets_of_part
from .prompt_reader import PromptReader
from .prompts import begun_at, segments
from .reranking import TextCondition
from .sequence import frames_to_draw
from .understanding import Understanding
from .windowed import PartTexts, WindowText


class ClipTexts:
    """Divides clips into windows and parts, each with the vectors of its text."""

    def __init__(self, model: Model, reader: PromptReader, once: frozenset[str], detectors: bool) -> None:
        """Create it.

        Args:
            model: the networks.
            reader: of prompts.
            once: names of kinds of interaction that are done once, however long a clip is.
            detectors: whether the detector of the prompt's kind helps to choose among candidates.
        """
        self._model = model
        self._reader = reader
        self._once = once
        self._detectors = detectors

    @torch.inference_mode()
    def condition(self, prompt: str) -> TextCondition:
        """The vectors of a prompt that the networks are conditioned on."""
        features = self._reader.encoder.encode([prompt])
        condition = self._model.transformer.text_layers(features.hidden, features.mask, features.end)
        return TextCondition(condition, features.pooled)

    def windows(
        self, prompt: str, frames: int, done: int, as_written: bool, constraints: Constraints | None = None
    ) -> list[WindowText]:
        """The windows of a clip whose first ``done`` frames exist already, each with its text."""
        result: list[WindowText] = []
        for segment in begun_at(segments(prompt, frames, FPS), part_frames(constraints)):
            text, found = self.understood(segment.prompt, as_written)
            exchanged, role = found is not None and found.exchanged, found.role if found and found.roles else None
            own = clip_windows(segment.stop, self._model.config.longest, done, exchanged, role)
            result += _with_text(own, text)
            done = max(done, segment.stop)
        return result

    def parts(self, prompt: str, frames: int, as_written: bool, constraints: Constraints | None) -> list[PartTexts]:
        """The parts of a new clip, each of which is drawn as a clip of its own.

        Of several parts, one that no constraint binds is drawn with frames to spare, of which the best ones are kept.
        """
        timed = begun_at(segments(prompt, frames, FPS), part_frames(constraints))
        starts = [0, *(part.stop for part in timed)]
        lengths = [part.stop - start for part, start in zip(timed, starts, strict=False)]
        targets = None if constraints is None else Targets.of(constraints, frames)
        bound = [targets_of_part(targets, start, part.stop) is not None
                 for part, start in zip(timed, starts, strict=False)]  # fmt: skip
        if min(lengths) < MIN_FRAMES or bound == [True]:
            return [PartTexts(frames, self.windows(prompt, frames, 0, as_written, constraints))]
        parts = []
        for part, length, exact in zip(timed, lengths, bound, strict=True):
            text, found = self.understood(part.prompt, as_written)
            # Window by window, an act would be done again in each window.
            once = found is not None and found.known and found.best.kind in self._once and not exact
            drawn = min(length, self._model.config.longest) if once else length
            if len(timed) > 1 and self._model.reranker is not None and not exact:
                drawn = frames_to_draw(drawn, self._model.config.shortest, self._model.config.longest)
            own = clip_windows(drawn, self._model.config.longest, 0, found is not None and found.exchanged)
            role = None if exact or found is None else found.role
            parts.append(PartTexts(length, _with_text(own, text), (role,)))
        return parts

    def understood(self, prompt: str, as_written: bool) -> tuple[TextCondition, Understanding | None]:
        """The vectors of a prompt without times, and how it is understood; None if it is used as written."""
        if self._reader.matcher is None or as_written:
            return self.condition(prompt), None
        found = self._reader.matcher.understand(prompt)
        kind = seen_kind(found.best.kind) if found.known and self._detectors else None
        stated = [facts_of(sentence) for sentence in (prompt, found.best.caption)]
        either = not any(facts.side or facts.direction for facts in stated)
        return replace(self.condition(found.best.caption), kinds=(kind,), either_side=(either,)), found


def _with_text(own: Sequence[Window], text: TextCondition) -> list[WindowText]:
    """The windows of a text; of several windows none has to show the whole act."""
    text = text if len(own) == 1 else replace(text, kinds=(None,))
    return [(window, text) for window in own]


def stacked(parts: Sequence[PartTexts]) -> PartTexts:
    """The same part of several prompts, with the texts of all of them."""
    windows_of = zip(*(part.windows for part in parts), strict=True)
    texts = [(same[0][0], TextCondition.stacked([text for _, text in same])) for same in windows_of]
    roles = tuple(role for part in parts for role in part.roles)
    return PartTexts(parts[0].frames, texts, roles)
