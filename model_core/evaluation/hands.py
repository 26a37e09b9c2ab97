"""``python -m model_core evaluate hands``: whether fingers are in the right state, and out of the partner's hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..data.choreography.finger_rules import FINGER_RULES
from ..data.choreography.shards import load_choreographed
from ..errors import UserError
from ..fingers.hand_capsules import HandCapsules, deepest_finger, posed_hand
from ..fingers.states import CLASP
from ..generation.options import GenerateOptions
from ..generation.pipeline import InterMask
from ..kinematics import solve
from ..model_files.kinds import listed_kinds
from ..training.finger_classifier_training import FingerClassifierTraining, accuracy, labelled_clips
from .kind_prompts import kind_prompts

MIN_RIGHT, MAX_DEPTH, MIN_OUTSIDE = 0.90, 0.003, 0.95
"""Goals: fraction of held-out frames with the right state; metres of depth, and the fraction of frames within it."""
FRAMES = 100
"""Length of the generated clips."""
_NEAR = 0.03
"""Metres between the fingers of two people whose hands are near."""


@dataclass(frozen=True)
class HandsReport:
    """The figures.

    Attributes:
        right: fraction of held-out frames with the right state: ``all``, and by state; empty without clips.
        depths: (N,) metres of the deepest finger in the partner's hand, for each frame with near hands, by kind.
    """

    right: dict[str, float] = field(default_factory=dict)
    depths: dict[str, np.ndarray] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str, bool]]:
        """Name, value and whether the goal is met of each figure that has a goal."""
        rows = []
        if self.right:
            rows.append(("finger state right", f"{self.right['all']:.1%}", self.right["all"] >= MIN_RIGHT))
        if self.depths:
            share = float(np.mean(np.concatenate(list(self.depths.values())) <= MAX_DEPTH))
            rows.append(("fingers not deeper than 3 mm in the partner's hand", f"{share:.1%}", share >= MIN_OUTSIDE))
        return rows

    def table(self) -> str:
        """All figures as text."""
        lines = [f"{'ok  ' if passed else 'FAIL'} {name:52s} {value}" for name, value, passed in self.rows()]
        lines += [f"     state {name:12s} {value:.1%}" for name, value in self.right.items() if name != "all"]
        for kind, depths in self.depths.items():
            outside = np.mean(depths <= MAX_DEPTH)
            lines.append(
                f"     {kind:34s} {len(depths):4d} frames, {outside:.1%}, deepest {1000 * depths.max():.1f} mm"
            )
        return "\n".join(lines)


def evaluate_hands(model: Path, data: Path | None, kinds: Sequence[str], seeds: int) -> HandsReport:
    """Measure the fingers of a model.

    Args:
        model: a model folder with a finger classifier.
        data: folder of clips made by ``choreograph``; None to leave the states out.
        kinds: which are generated; empty for those in which hands hold each other.
        seeds: clips of each kind.

    Raises:
        UserError: the model has no finger classifier, there are no held-out clips, or a kind is unknown.
    """
    pipeline = InterMask.load(model)
    classifier = pipeline.model.finger_classifier
    if classifier is None:
        raise UserError(f"{model} has no finger classifier; train one with 'learn-fingers'.")
    known = listed_kinds(model)
    clasping = [
        kind
        for kind, rules in FINGER_RULES.items()
        if any(rule.state == CLASP for rule in rules) and (known is None or kind in known)
    ]
    prompts = kind_prompts(model, kinds or clasping)
    right: dict[str, float] = {}
    if data is not None:
        settings = FingerClassifierTraining()
        clips = labelled_clips(load_choreographed(data, True, known), pipeline.reader.encoder, settings)
        if not clips:
            raise UserError(f"{data} has no held-out clips; make more with 'choreograph --instances 8'.")
        right = accuracy(classifier, clips, settings.boundary)
    depths: dict[str, np.ndarray] = {}
    for kind, prompt in prompts.items():
        found = []
        for seed in range(seeds):
            (pair,) = pipeline.generate(prompt, FRAMES, GenerateOptions(seed=seed))
            people = pipeline.with_fingers(prompt, solve(pair.people))
            hands = [[posed_hand(person, side) for side in (0, 1)] for person in people]
            found.append(near_depths(hands))
        depths[kind] = np.concatenate(found)
    return HandsReport(right, {kind: values for kind, values in depths.items() if len(values)})


def near_depths(hands: Sequence[Sequence[HandCapsules]]) -> np.ndarray:
    """Metres of the deepest finger in each frame in which the hands of two people are near."""
    deepest = np.max([deepest_finger(first, second) for first in hands[0] for second in hands[1]], axis=0)
    return deepest[deepest > -_NEAR]
