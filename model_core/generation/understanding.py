"""Understanding a prompt: the kind of interaction that it names, and the training caption closest to it.

The networks were trained on the sentence vectors of a few thousand captions, and do poorly with other vectors. So a
classifier finds the kind that a prompt names, and the caption of this kind that agrees best with the prompt in hand,
manner and direction conditions the networks instead of the prompt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UserError
from ..model_files.prompt_classifier_file import LoadedClassifier, load_prompt_classifier
from ..model_files.training_captions import TrainingCaptions, unit_vectors
from ..model_files.words import read_phrases
from ..text_encoders.batches import pooled
from ..text_encoders.encoder import TowerEncoder
from .caption_facts import Facts, agreement, facts_of
from .roles import Role

OFFERED = 3
"""Number of kinds offered for a prompt, including the best one."""
_AGREEMENT_WEIGHT = 0.3
"""Weight of ``agreement``, relative to cosine similarity, in the choice of a caption."""
_MAX_CHARACTERS = 500
"""Characters of a prompt; the rest is ignored."""
_PHRASE_THRESHOLD = 0.75
"""Cosine similarity of a prompt and a user's phrase from which on the phrase decides the kind."""

_THEN = re.compile(
    r"(?:,\s*)?\b(?:and\s+)?(?:then|afterwards|after that)\b|,?\s*\bfollowed by\b"
    r"|(?:,\s*)?\b(?:und\s+)(?:dann|danach|anschließend)\b|,\s*(?:dann|danach|anschließend)\b"
    r"|(?:,\s*)?\b(?:et\s+)?(?:puis|ensuite)\b",
    re.IGNORECASE,
)
"""Between two acts of a prompt."""
_MAX_ACTS = 6
_MEMORY = 256
"""Number of prompts whose understanding is kept: the report of a clip asks for what its generation has found."""


@dataclass(frozen=True)
class Match:
    """A kind that a prompt may name.

    Attributes:
        kind: its name.
        caption: the training caption of this kind that is closest to the prompt.
        probability: that the prompt names this kind.
    """

    kind: str
    caption: str
    probability: float


@dataclass(frozen=True)
class Understanding:
    """How a prompt is understood.

    Attributes:
        prompt: as written.
        matches: ``OFFERED`` kinds, the most probable one first.
        known: whether the prompt names a kind that the model knows.
        exchanged: whether the second person acts on the first.
        roles: whether the prompt says who of the two acts.
        acts: the prompt's acts in order, if it names several different ones, of which only the first is used; else
            empty.
    """

    prompt: str
    matches: tuple[Match, ...]
    known: bool
    exchanged: bool = False
    roles: bool = False
    acts: tuple[str, ...] = ()

    @property
    def role(self) -> Role:
        """Who acts: the first person unless the prompt says that the second one does."""
        return Role(self.best.kind, int(self.exchanged))

    @property
    def best(self) -> Match:
        """The kind that is used."""
        return self.matches[0]


class PromptMatcher:
    """Matches prompts to the kinds and training captions of a model."""

    def __init__(self, classifier: LoadedClassifier, captions: TrainingCaptions, encoder: TowerEncoder) -> None:
        """Create the matcher.

        Args:
            classifier: of prompts; its kinds are among those of the captions.
            captions: the model's training captions, with their kinds.
            encoder: the model's own.
        """
        self._classifier, self._captions, self._encoder = classifier, captions, encoder
        self._facts = [facts_of(text) for text in captions.texts]
        self._caption_index = {text.lower(): number for number, text in enumerate(captions.texts)}
        members = [captions.kind == captions.kinds.index(kind) for kind in classifier.kinds]
        self._captions_by_kind = [torch.nonzero(member)[:, 0].tolist() for member in members]
        self._phrases: Tensor | None = None
        self._phrase_kinds = torch.empty(0, dtype=torch.long)
        self._words_state: tuple[object, str] = (None, "")  # file stamp and error of ``use_words``
        self._understood: dict[str, Understanding] = {}  # the last ``_MEMORY`` prompts with the current phrases

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that the model knows."""
        return self._classifier.kinds

    def use_phrases(self, phrases: Mapping[str, Sequence[str]]) -> None:
        """Set the user's own phrases for kinds; they replace earlier ones.

        Args:
            phrases: by kind, as ``read_phrases`` returns them.
        """
        self._understood.clear()
        texts = [text for group in phrases.values() for text in group]
        self._phrases = unit_vectors(pooled(self._encoder, texts)) if texts else None
        self._phrase_kinds = torch.tensor([self.kinds.index(kind) for kind, group in phrases.items() for _ in group])

    def use_words(self, path: Path | None) -> str:
        """Set the user's own phrases from a ``words.json``; an unchanged file is not read again.

        Args:
            path: of the file; None, or a missing file, for no phrases.

        Returns:
            Why the file is not used, as a sentence; empty if it is used or missing.
        """
        try:
            state = None if path is None else path.stat()
        except OSError:
            state = None
        stamp = None if state is None else (path, state.st_mtime_ns, state.st_size)
        if stamp != self._words_state[0]:
            self.use_phrases({})
            problem = ""
            if path is not None and state is not None:
                try:
                    self.use_phrases(read_phrases(path, self.kinds))
                except UserError as error:
                    problem = str(error)
            self._words_state = stamp, problem
        return self._words_state[1]

    def understand(self, prompt: str) -> Understanding:
        """Match a prompt without times to kinds and captions.

        Of a prompt with several acts, one after the other, the first act is used and the second is offered. If the
        model does not know one of them and the prompt as a whole names another, that one is used: "they walk up and
        then shake hands" is a handshake.
        """
        found = self._understood.get(prompt)
        if found is None:
            while len(self._understood) >= _MEMORY:
                del self._understood[next(iter(self._understood))]
            found = self._understood[prompt] = self._understand_acts(prompt)
        return found

    def _understand_acts(self, prompt: str) -> Understanding:
        whole, acts = self._understand_act(prompt), _THEN.split(prompt[:_MAX_CHARACTERS])
        acts = [" ".join(act.split()).strip(" ,.;") for act in acts]
        if not 2 <= len(acts) <= _MAX_ACTS or not all(acts):
            return whole
        found = [self._understand_act(act) for act in acts]
        kinds = [act.best.kind for act in found]
        if not found[0].known or len(set(kinds)) == 1:
            return whole
        if whole.best.kind in kinds and not all(act.known for act in found):
            return whole
        others = [match for match in found[0].matches[1:] if match.kind != kinds[1]]
        matches = (found[0].best, found[1].best, *others)[:OFFERED]
        return Understanding(prompt, matches, True, found[0].exchanged, found[0].roles, tuple(acts))

    @torch.no_grad()
    def _understand_act(self, prompt: str) -> Understanding:
        text = " ".join(prompt.split())[:_MAX_CHARACTERS]
        exact = self._caption_index.get(text.lower())
        vector = unit_vectors(self._encoder.encode([text]).pooled)[0]
        probabilities = self._probabilities(text, vector)
        if exact is not None:  # a training caption names its own kind
            probabilities = functional.one_hot(self._captions.kind[exact], len(self.kinds) + 1).float()
        cosines, facts = self._captions.vectors @ vector, facts_of(text)  # (N,)
        order = probabilities[:-1].argsort(descending=True)[:OFFERED].tolist()
        captions = [self._best_caption(kind, cosines, facts) for kind in order]
        if exact is not None:
            captions[0] = self._captions.texts[exact]
        matches = tuple(
            Match(self.kinds[kind], caption, float(probabilities[kind]))
            for kind, caption in zip(order, captions, strict=True)
        )
        known = _mostly_latin(text) and matches[0].probability >= self._classifier.known_threshold
        return Understanding(prompt, matches, known, facts.exchanged, facts.roles)

    def _probabilities(self, text: str, vector: Tensor) -> Tensor:
        """(K + 1,) probabilities of the kinds and of "none of them" for a text with the unit vector (C,)."""
        logits = self._classifier.logits(self._encoder, [text])[0]
        if self._phrases is not None:
            cosine, nearest = (self._phrases @ vector).max(dim=0)
            if cosine >= _PHRASE_THRESHOLD:
                return functional.one_hot(self._phrase_kinds[nearest], len(logits)).float()
        return logits.softmax(-1)

    def _best_caption(self, kind: int, cosines: Tensor, facts: Facts) -> str:
        """The training caption of a kind that matches a prompt best.

        Args:
            kind: index of the kind.
            cosines: (N,) similarity of the prompt to each training caption.
            facts: of the prompt.
        """
        best = max(
            self._captions_by_kind[kind],
            key=lambda number: _AGREEMENT_WEIGHT * agreement(facts, self._facts[number]) + float(cosines[number]),
        )
        return self._captions.texts[best]


def load_matcher(folder: Path, captions: TrainingCaptions | None, encoder: TowerEncoder) -> PromptMatcher | None:
    """The matcher of a model folder; None if the model has no prompt classifier.

    Args:
        folder: of the model.
        captions: that the folder lists.
        encoder: the model's own, loaded.

    Raises:
        UserError: a file is damaged.
    """
    classifier = load_prompt_classifier(folder, encoder)
    if classifier is None or captions is None or not set(classifier.kinds) <= set(captions.kinds):
        return None
    return PromptMatcher(classifier, captions, encoder)


def _mostly_latin(text: str) -> bool:
    """Whether most letters of a text are Latin; the text encoder was not trained on other scripts."""
    letters = re.findall(r"[^\W\d_]", text)
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return 2 * latin > len(letters)
