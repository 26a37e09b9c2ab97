"""A training of tiny networks on two pairs of people: everything runs for real, and nothing is learnt."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from motion_examples import posed_person

from model_core.motion.representation import features_from_motion
from model_core.training import processes
from model_core.training.command import TRAINERS, Training, TrainOptions
from model_core.training.crops import Clip
from model_core.training.material import DataSettings, Material, Sources
from model_core.training.run import TrainingRun

CONFIG = """
name = "tiny"
text_encoder = "all-MiniLM-L6-v2"
longest = 64
[data]
[captions]
[tokenizer]
window = 32
network = { width = 8, depth = 1, codes = 16, code_width = 8, body = true, part_codes = true }
loop = { steps = 2, batch = 2 }
[transformer]
frames = [64]
crops = 4
held_out_crops = 2
network = { width = 16, blocks = 1, heads = 2, feed_forward = 16, text = { heads = 2, feed_forward = 16, layers = 1 } }
loop = { steps = 2, batch = 2 }
[refiner]
frames = [64]
network = { width = 8, dilations = [1] }
loop = { steps = 2, batch = 2 }
[contact_classifier]
network = { width = 8, dilations = [1] }
loop = { steps = 2, batch = 2 }
pairs = { frames = [64] }
[reranker]
frames = [64]
candidates = 2
corrupted = 2
chunk = 2
network = { width = 8, dilations = [1] }
loop = { steps = 2, batch = 2 }
[sampling]
steps = 2
"""


def training_in(folder: Path, config: str = CONFIG) -> Training:
    """A training on two pairs that stand for choreographed clips."""
    if processes.is_first():
        (folder / "tiny.toml").write_text(config)
    processes.wait()
    training = Training(TrainOptions(folder / "tiny.toml", Sources(folder), folder / "run", device="cpu"))
    people = [features_from_motion(posed_person(seed, 90).motion()) for seed in range(4)]
    clips = [
        Clip(np.stack(people[first : first + 2]), (caption,), 1.0, (30, 60), kind)
        for first, caption, kind in ((0, "they hug", "hug"), (2, "they bow", "bow to each other"))
    ]
    material = Material(([], clips), ([], clips), DataSettings())
    vars(training)["run"] = TrainingRun(material, folder / "run", "all-MiniLM-L6-v2", training.device)
    return training


def main() -> None:
    """Train what the arguments name: a folder with ``tiny.toml`` and names of trainings; for ``torchrun``."""
    processes.join()
    folder, *names = sys.argv[1:]
    training = training_in(Path(folder), (Path(folder) / "tiny.toml").read_text(encoding="utf-8"))
    for name in names:
        TRAINERS[name](training)
    processes.leave()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
