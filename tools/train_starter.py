"""Trains the whole starter, from captured motion to a judged model, and says how long each step took.

    python tools/train_starter.py --data CAPTURED --out RUN [--scale 1] [--instances 200] [--workers 16]
    torchrun --nproc-per-node 4 tools/train_starter.py --data CAPTURED --out RUN

Steps: choreograph, tokenizer, transformer, refiner, contact classifier, reranker, evaluator, words, fingers, and the
evaluation. A step that is finished is skipped, and one that was stopped goes on, when the same command is run again.
``--scale`` multiplies steps and sample counts of all trainings: 0.001 is a rehearsal on a CPU. ``RUN/times.json`` has
the seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model_core.data.choreography.generate import choreograph  # noqa: E402
from model_core.errors import UserError  # noqa: E402
from model_core.evaluation.starter import evaluate_starter  # noqa: E402
from model_core.files import atomic_write  # noqa: E402
from model_core.training import processes  # noqa: E402
from model_core.training.command import Training, TrainOptions  # noqa: E402
from model_core.training.finger_classifier_training import learn_fingers  # noqa: E402
from model_core.training.loop import LoopSettings  # noqa: E402
from model_core.training.material import Sources  # noqa: E402
from model_core.training.prompt_classifier_training import learn_words  # noqa: E402

SCALED = {"crops": 64, "held_out_crops": 16, "candidates": 8, "corrupted": 8}
"""Sample counts that ``--scale`` multiplies too, with the fewest that a training can use."""


def scaled(settings: Any, scale: float) -> Any:
    """Settings of a training, or of all, with steps and sample counts multiplied."""
    if isinstance(settings, LoopSettings):
        steps = max(2, round(settings.steps * scale))
        often = {name: max(1, min(getattr(settings, name), steps)) for name in ("save_every", "evaluate_every")}
        return replace(settings, steps=steps, warm_up=min(settings.warm_up, steps // 2), **often)
    if not is_dataclass(settings) or isinstance(settings, type):
        return settings
    changed: dict[str, Any] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in SCALED:
            changed[field.name] = max(SCALED[field.name], round(value * scale))
        elif is_dataclass(value):
            changed[field.name] = scaled(value, scale)
    if "candidates" in changed and hasattr(settings, "chunk"):
        changed["chunk"] = min(settings.chunk, changed["candidates"], changed["corrupted"])
    if hasattr(settings, "sampling"):
        changed["sampling"] = settings.sampling  # its candidates are drawn for each result
    return replace(settings, **changed)


class Times:
    """Runs steps that are not done yet, and keeps their seconds in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def run(self, name: str, work: Callable[[], object], alone: bool = False) -> None:
        """Run a step, unless it is done.

        Args:
            name: of the step.
            work: what it does.
            alone: whether only the first process works while the others wait.
        """
        if name in self.seconds:
            return
        start = time.perf_counter()
        if not alone or processes.is_first():
            work()
        processes.wait()
        self.seconds[name] = time.perf_counter() - start
        if processes.is_first():
            with atomic_write(self._path) as path:
                path.write_text(json.dumps(self.seconds, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {self.seconds[name]:.1f} s", flush=True)


def main() -> None:
    """Train and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of captured motion with its manifest.json")
    add("--out", type=Path, required=True, help="folder for clips, checkpoints, the model and the evaluation")
    add("--config", type=Path, default=ROOT / "configs" / "starter.toml")
    add("--scale", type=float, default=1.0, help="of steps and sample counts (default: %(default)s)")
    add("--instances", type=int, default=200, help="clips of each kind (default: %(default)s)")
    add("--kinds", nargs="*", default=(), metavar="KIND", help="which (default: all)")
    add("--workers", type=int, default=1, help="processes that make clips (default: %(default)s)")
    add("--seeds", type=int, default=5, help="clips of each kind that are judged (default: %(default)s)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    options = parser.parse_args()
    scenes, run = options.out / "scenes", options.out / "run"
    processes.join()
    times = Times(options.out / "times.json")
    processes.wait()
    times.run(
        "choreograph",
        lambda: choreograph(options.data, scenes, options.kinds, options.instances, workers=options.workers),
        alone=True,
    )
    training = Training(TrainOptions(options.config, Sources(options.data, scenes), run, device=options.device))
    weights = {name: value for name, value in training.config.data.class_weights.items()
               if not options.kinds or name in options.kinds}  # fmt: skip
    config = replace(training.config, data=replace(training.config.data, class_weights=weights))
    training.config = scaled(config, options.scale)
    for name in ("tokenizer", "transformer", "refiner", "contact_classifier", "reranker", "evaluator"):
        if name == "evaluator" or getattr(training.config, name) is not None:
            times.run(name, getattr(training, name))
    model = training.model_folder
    if options.scale >= 1 and not options.kinds:
        times.run("words", lambda: learn_words(model, ROOT / "assets" / "words", run), alone=True)
        times.run("fingers", lambda: learn_fingers(model, scenes, run), alone=True)
    report: list[str] = []

    def judge() -> None:
        found = evaluate_starter(model, scenes, run, options.kinds, options.seeds, run / "evaluation")
        report.append(found.table())

    times.run("evaluation", judge, alone=True)
    if processes.is_first():
        print("\n".join(report))
        total = sum(times.seconds.values())
        for name, seconds in times.seconds.items():
            print(f"{name:20} {seconds:9.1f} s  {seconds / total:5.1%}")
        print(f"{'all':20} {total:9.1f} s")
    processes.leave()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
