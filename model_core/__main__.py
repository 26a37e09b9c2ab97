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
    _add_choreograph(commands.add_parser("choreograph", help="compose captured single people into interactions"))
    verify = commands.add_parser("verify", help="compare with recordings of the published code")
    verify.add_argument("folder", type=Path, help="holds <data set>/golden.safetensors beside checkpoints")
    measure = commands.add_parser("benchmark", help="times and memory on this machine")
    measure.add_argument("sections", nargs="*", help="start, solve, blender, sampling, model; all where none is named")
    measure.add_argument("--model", type=Path, help="folder of the model to measure (the first bundled one)")
    evaluate = commands.add_parser("evaluate", help="measure a model")
    evaluate.add_argument("what", choices=("parts",), help="parts: which joints each row of the token map governs")
    evaluate.add_argument("--model", type=Path, help="folder of the model to measure (the first bundled one)")
    _add_import(commands.add_parser("import-published", help="make a model folder of published weights and CLIP"))
    return parser


def _add_choreograph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder of captured motion with its manifest.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for a file of clips a kind")
    parser.add_argument("--kinds", nargs="*", default=(), metavar="KIND", help="which (default: all)")
    parser.add_argument("--instances", type=int, default=80, help="good clips a kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds give other clips (default: %(default)s)")
    parser.add_argument("--sheets", action="store_true", help="draw pictures of some clips too; needs Pillow")


def _add_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("checkpoints", type=Path, help="the published checkpoints folder, a data set's, or the transformer's own")
    add("--stats", type=Path, help="folder of global_mean.npy and global_std.npy; Inter-X needs none")
    add("--clip", type=Path, required=True, help="ViT-L-14-336px.pt, or a Hugging Face folder of the same model")
    add("--out", type=Path, required=True, help="the model folder to make")
    add("--dataset", choices=("interhuman", "interx"), help="which of the two, where both are there")
    add(
        "--checkpoint", default="best_fid.tar", metavar="NAME.tar", help="the transformer's file (default: %(default)s)"
    )
    add(
        "--vq-checkpoint",
        default="best_fid.tar",
        metavar="NAME.tar",
        help="its tokenizer's file (default: %(default)s)",
    )
    add("--any-clip", action="store_true", help="take another CLIP model of the same width too")
    add("--name", help="of the model, as it is shown")
    add("--replace", action="store_true", help="replace the model in the folder --out")


def _import(options: argparse.Namespace) -> None:
    from .checkpoint import read_config
    from .import_published import PublishedImport, import_published

    wanted = PublishedImport(
        checkpoints=options.checkpoints,
        clip=options.clip,
        out=options.out,
        statistics=options.stats,
        checkpoint=options.checkpoint,
        tokenizer_checkpoint=options.vq_checkpoint,
        dataset=options.dataset,
        any_clip=options.any_clip,
        name=options.name,
        replace=options.replace,
    )
    folder = import_published(wanted, on_stage=lambda words: print(f"{words} ...", flush=True))
    config = read_config(folder)
    print(f"{folder} is the model '{config.name}'. {config.about}")


def _benchmark(sections: Sequence[str], model: Path | None) -> int:
    from .benchmark import SECTIONS, benchmark

    unknown = [section for section in sections if section not in SECTIONS]
    if unknown:
        raise UserError(f"There is no section '{unknown[0]}' to measure; choose among {', '.join(SECTIONS)}.")
    for line in benchmark(tuple(sections) or SECTIONS, model):
        print(line, flush=True)
    return 0


def _evaluate_parts(folder: Path | None) -> int:
    from .checkpoint import bundled_model, load_model
    from .evaluation.parts import governed_joints
    from .motion import SMPL

    moved = governed_joints(load_model(folder or bundled_model())) * 1000
    for row, millimetres in enumerate(moved):
        order = millimetres.argsort()[::-1]
        print(f"row {row}: " + ", ".join(f"{SMPL.joints[joint]} {millimetres[joint]:.0f}" for joint in order))
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
        if options.command == "evaluate":
            return _evaluate_parts(options.model)
        if options.command == "benchmark":
            return _benchmark(options.sections, options.model)
        if options.command == "choreograph":
            from .training.choreography.generate import choreograph

            choreograph(options.data, options.out, options.kinds, options.instances, options.seed, options.sheets)
        if options.command == "train":
            from .training.command import train

            train(options.part, options.config, options.data, options.out)
        if options.command == "import-published":
            _import(options)
        return 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
