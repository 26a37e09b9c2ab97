"""A small model that was taught a few words: its prompt classifier is real, its motion is nonsense."""

from __future__ import annotations

import json
from pathlib import Path

from small_model import save_small_model

from model_core.training.loop import LoopSettings
from model_core.training.prompt_classifier_training import PromptClassifierTraining, learn_words

HUG, BOW = "hug", "bow to each other"
WORDS = {
    HUG: ["they squeeze each other tight", "a long cuddle", "a big embrace", "they fall into each other's arms"],
    BOW: ["a Japanese greeting", "they lower their heads in respect", "judo players salute", "they bend at the waist"],
}
HELD_OUT = {HUG: ["they hug tightly"], BOW: ["they bow deeply"]}
NONE = ["a man cooks dinner", "the price of wheat fell", "he swims", "a car explodes", "she types on a laptop"]


def save_taught_model(base: Path) -> Path:
    """Write the model; give its folder back.

    Args:
        base: an empty folder; the model's is in it.
    """
    model, words = save_small_model(base / "small"), base / "words"
    words.mkdir()
    (words / "en.json").write_text(json.dumps(WORDS), encoding="utf-8")
    (words / "none.json").write_text(json.dumps(NONE), encoding="utf-8")
    (words / "held_out.json").write_text(json.dumps(HELD_OUT), encoding="utf-8")
    loop = LoopSettings(steps=40, batch=16, rate=3e-3, warm_up=5, average=0.8)
    learn_words(model, words, base / "out", PromptClassifierTraining(loop, misspelt_share=0.0))
    return model
