"""The command line: ``python -m model_core COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import UserError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a tokenizer or a transformer, or go on with it")
    train.add_argument("part", choices=("tokenizer", "transformer"))
    train.add_argument("--config", type=Path, required=True, help="a TOML file such as configs/salsa.toml")
    train.add_argument("--data", type=Path, required=True, help="folder of captured motion with its manifest.json")
    train.add_argument("--out", type=Path, required=True, help="folder for checkpoints, metrics and the model")
    verify = commands.add_parser("verify", help="compare with recordings of the published code")
    verify.add_argument("folder", type=Path, help="holds <data set>/golden.safetensors beside checkpoints")
    measure = commands.add_parser("benchmark", help="times and memory on this machine")
    measure.add_argument("sections", nargs="*", help="start, solve, blender, sampling, model; all where none is named")
    measure.add_argument("--model", type=Path, help="folder of the model to measure (the first bundled one)")
    return parser


def _benchmark(sections: Sequence[str], model: Path | None) -> int:
    from .benchmark import SECTIONS, benchmark

    unknown = [section for section in sections if section not in SECTIONS]
    if unknown:
        raise UserError(f"There is no section '{unknown[0]}' to measure; choose among {', '.join(SECTIONS)}.")
    for line in benchmark(tuple(sections) or SECTIONS, model):
        print(line, flush=True)
    return 0


def _verify(folder: Path) -> int:
    from .evaluation.recordings import verify

    passed = True
    for check in verify(folder):
        print(check, flush=True)
        passed &= check.passed
    return 0 if passed else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all went well, 1 with one sentence on stderr when the user can mend what went wrong."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "verify":
            return _verify(options.folder)
        if options.command == "benchmark":
            return _benchmark(options.sections, options.model)
        if options.command == "train":
            from .training.command import train

            train(options.part, options.config, options.data, options.out)
        return 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
