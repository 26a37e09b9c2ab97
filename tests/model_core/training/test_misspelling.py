"""Misspelt texts: as often as asked, in words alone, and still close to the text."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np

from model_core.training.misspelling import misspelt

TEXT = "Zwei Ritter kämpfen vor der Königin mit ihren Schwertern, 3 m apart"


def test_errors_are_in_as_many_words_as_asked() -> None:
    random = np.random.default_rng(0)
    before, changed = TEXT.split(), []
    for _ in range(400):
        after = misspelt(TEXT, 0.3, random).split()
        if len(after) == len(before):  # no space is left out
            changed.append([new != old for new, old in zip(after, before, strict=True)])
    share = np.mean(changed, axis=0)
    assert len(changed) > 350 and share[9] == share[10] == 0  # "3" and "m"
    assert abs(share.sum() / 10 - 0.3) < 0.03


def test_a_text_has_at_least_one_error_and_stays_alike() -> None:
    random = np.random.default_rng(1)
    for text in ("they fence with swords", "fencing", "Händeschütteln"):
        for _ in range(50):
            wrong = misspelt(text, 0.0, random)
            assert SequenceMatcher(None, text, wrong).ratio() > 0.7, wrong
    assert sum(misspelt("they fence with swords", 0.0, random) != "they fence with swords" for _ in range(100)) > 85


def test_a_text_without_words_stays() -> None:
    assert misspelt("a b 12 !", 1.0, np.random.default_rng(0)) == "a b 12 !"


def test_words_can_be_spelt_as_they_sound() -> None:
    random = np.random.default_rng(2)
    assert "fensing" in {misspelt("fencing", 1.0, random) for _ in range(300)}
    assert "sord" in {misspelt("sword", 1.0, random) for _ in range(300)}
