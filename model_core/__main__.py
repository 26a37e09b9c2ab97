"""The command line: ``python -m model_core COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from .errors import UserError, printable
from .evaluation.commands import EVALUATIONS
from .threads import let_idle_threads_sleep

TRAINABLE = ("tokenizer", "transformer", "refiner", "contact-classifier", "reranker", "evaluator", "all")
"""What ``train`` can train: the names in ``training.command.TRAINERS``, listed here so as not to import torch."""


class _Parser(argparse.ArgumentParser):
    """Quotes arguments in its messages; none of them may control the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _show(lines: object) -> None:
    """Print lines in which texts of files cannot control the terminal."""
    for line in str(lines).split("\n"):
        print(printable(line), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m model_core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(commands.add_parser("train", help="train a network, or continue its training"))
    _add_choreograph(commands.add_parser("choreograph", help="compose captured single people into interactions"))
    verify = commands.add_parser("verify", help="compare with recordings of the published code")
    verify.add_argument("folder", type=Path, help="holds <data set>/golden.safetensors and the checkpoints")
    measure = commands.add_parser("benchmark", help="measure times and memory on this machine")
    measure.add_argument("sections", nargs="*", help="start, solve, blender, sampling, model, agreement; all")
    measure.add_argument("--model", type=Path, help="folder of the model to measure (the first bundled one)")
    _add_evaluate(commands.add_parser("evaluate", help="measure a model"))
    _add_learn_words(commands.add_parser("learn-words", help="train a model's prompt classifier"))
    _add_learn_fingers(commands.add_parser("learn-fingers", help="train a model's finger classifier"))
    _add_import(commands.add_parser("import-published", help="make a model folder from published weights and CLIP"))
    _add_export(commands.add_parser("export-smplx", help="write the people of a take for SMPL-X's programs"))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    what = (
        "a network of the model, in this order: tokenizer, transformer, and those that the configuration asks for: "
        "refiner, contact-classifier, reranker; all: one after the other; evaluator: the one of 'evaluate starter'"
    )
    parser.add_argument("network", choices=TRAINABLE, help=what)
    parser.add_argument("--config", type=Path, required=True, help="a TOML file such as configs/salsa.toml")
    parser.add_argument("--data", type=Path, required=True, help="folder of captured motion with its manifest.json")
    parser.add_argument("--choreographed", type=Path, help="output folder of 'choreograph', to train on its clips too")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, metrics and the model")
    parser.add_argument(
        "--start",
        type=Path,
        help="a model folder whose weights a new training starts from, of the same shape or with "
        "fewer blocks; tokenizer and transformer only",
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps; auto, the default, uses a GPU if there is one"
    )


def _add_learn_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="folder of the model (the first bundled one)")
    parser.add_argument("--words", type=Path, required=True, help="folder of phrases by kind, such as assets/words")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and metrics")
    parser.add_argument(
        "--start", type=Path, help="a model folder whose classifier the training starts from; a few hundred steps do"
    )
    parser.add_argument("--steps", type=int, default=1000, help="updates (default: %(default)s)")


def _add_learn_fingers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="folder of the model (the first bundled one)")
    parser.add_argument("--data", type=Path, required=True, help="folder of clips made by 'choreograph'")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and metrics")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    what = (
        "starter: whether a model does what prompts say; words: whether it understands prompts in users' own words, "
        "and does what they say; control: whether it meets constraints; keys: how many keys key poses save, and how "
        "far they are from the motion; hands: whether fingers are in the right state and stay out of the partner's "
        "hands; sequences: whether the parts of timed prompts happen, and lead into each "
        "other; "
        "detectors: whether the detectors tell held-out clips apart; "
        "physical: what the solver changes on rotated, captured and generated motion; parts: which joints each part "
        "of the token map governs; interhuman, interx: the table of published papers, with the published evaluator"
    )
    parser.add_argument("what", choices=tuple(EVALUATIONS), help=what)
    parser.add_argument("--model", type=Path, help="folder of the model to measure (the first bundled one)")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of clips made by 'choreograph', of captures (physical), of prompts (words), of the data set "
        "(interhuman, interx)",
    )
    parser.add_argument(
        "--evaluator",
        type=Path,
        help="folder of 'train evaluator' (starter; the bundled one), interclip.ckpt (interhuman), finest.tar (interx)",
    )
    parser.add_argument("--out", type=Path, help="folder for evaluation.json and kinds.csv")
    parser.add_argument("--kinds", nargs="*", default=(), metavar="KIND", help="which (default: all)")
    parser.add_argument("--seeds", type=int, default=5, help="generated clips per kind (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="only N of the prompts (sequences; default: all)")
    parser.add_argument(
        "--without-detectors",
        action="store_true",
        help="the detectors, which measure success, have no say in which candidates are kept (control, sequences)",
    )
    published = parser.add_argument_group("interhuman, interx")
    add = published.add_argument
    add("--react", action="store_true", help="give the first person, and generate the second one")
    add("--clip", type=Path, help="CLIP, for an interclip.ckpt that was stored without CLIP's embeddings")
    add("--split", default="test", help="name of the list of clips (default: %(default)s)")
    add("--replications", type=int, metavar="N", help="how often everything is generated afresh (default: 20)")
    add("--shard", metavar="K/N", default="1/1", help="the part of the replications for this machine, as in 3/8")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...; auto, the default, uses a GPU if there is one")
    add("--any-evaluator", action="store_true", help="accept an evaluator of another size than the published one")


def _add_choreograph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder of captured motion with its manifest.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for the clips, one file per kind")
    parser.add_argument("--kinds", nargs="*", default=(), metavar="KIND", help="which (default: all)")
    parser.add_argument(
        "--instances", type=int, default=80, help="clips per kind that pass the checks (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the clips (default: %(default)s)")
    parser.add_argument("--sheets", action="store_true", help="also draw contact sheets of some clips; needs Pillow")
    parser.add_argument("--workers", type=int, default=1, help="processes that make kinds at once (default: 1)")


def _add_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("checkpoints", type=Path, help="the published checkpoints folder, a data set's, or the transformer's own")
    add("--stats", type=Path, help="folder of global_mean.npy and global_std.npy; Inter-X needs none")
    add("--clip", type=Path, required=True, help="ViT-L-14-336px.pt, a Hugging Face folder of it, or ViT-L/14@336px")
    add("--out", type=Path, required=True, help="the model folder to make")
    add("--dataset", choices=("interhuman", "interx"), help="which one, if both exist")
    add(
        "--checkpoint", default="best_fid.tar", metavar="NAME.tar", help="the transformer's file (default: %(default)s)"
    )
    add(
        "--vq-checkpoint",
        default="best_fid.tar",
        metavar="NAME.tar",
        help="its tokenizer's file (default: %(default)s)",
    )
    add("--any-clip", action="store_true", help="also accept another CLIP model of the same width")
    add("--name", help="of the model, as shown to users")
    add("--replace", action="store_true", help="replace the model in the folder --out")


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("take", type=Path, help="a take's .npz file, as batches and the add-on's export write it")
    add("--body", type=Path, required=True, help="the SMPL-X model file that will be moved, such as SMPLX_NEUTRAL.npz")
    add("--gender", choices=("neutral", "female", "male"), default="neutral", help="of the body (default: %(default)s)")
    add("--out", type=Path, required=True, help="folder for the files, one for each person")


def _train(options: argparse.Namespace) -> None:
    from .training.command import TrainOptions, train
    from .training.material import Sources

    sources = Sources(options.data, options.choreographed)
    train(options.network, TrainOptions(options.config, sources, options.out, options.start, options.device))


def _learn_words(options: argparse.Namespace) -> None:
    from .model_files.model_folder import bundled_model
    from .training.prompt_classifier_training import PromptClassifierTraining, learn_words

    if options.steps < 1:
        raise UserError("--steps must be at least 1.")
    settings = PromptClassifierTraining()
    settings = replace(settings, loop=replace(settings.loop, steps=options.steps))
    model = options.model or bundled_model()
    for name, value in learn_words(model, options.words, options.out, settings, options.start).items():
        _show(f"{name}: {value:.3f}")


def _learn_fingers(options: argparse.Namespace) -> None:
    from .model_files.model_folder import bundled_model
    from .training.finger_classifier_training import learn_fingers

    for name, value in learn_fingers(options.model or bundled_model(), options.data, options.out).items():
        _show(f"{name}: {value:.3f}")


def _import(options: argparse.Namespace) -> None:
    from .model_files.import_published import PublishedImport, import_published
    from .model_files.model_folder import read_config

    request = PublishedImport(
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
    stages = {
        "reading": f"Reading {request.checkpoints} ...",
        "converting": f"Converting the text encoder of {request.clip} ...",
        "writing": f"Writing {request.out} ...",
    }
    folder = import_published(request, on_stage=lambda stage: _show(stages[stage]))
    config = read_config(folder)
    _show(f"{folder} is the model '{config.name}'. {config.about}")


def _benchmark(sections: Sequence[str], model: Path | None) -> int:
    from .evaluation.benchmark import SECTIONS, benchmark

    unknown = [section for section in sections if section not in SECTIONS]
    if unknown:
        raise UserError(f"There is no section '{unknown[0]}' to measure; choose among {', '.join(SECTIONS)}.")
    for line in benchmark(tuple(sections) or SECTIONS, model):
        _show(line)
    return 0


def _verify(folder: Path) -> int:
    from .evaluation.recordings import verify

    passed = True
    for check in verify(folder):
        _show(check)
        passed &= check.passed
    return 0 if passed else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0, or 1 with one sentence on stderr when the user can correct what is wrong.
    """
    let_idle_threads_sleep()
    options = _parser().parse_args(arguments)
    try:
        if options.command == "verify":
            return _verify(options.folder)
        if options.command == "evaluate":
            return EVALUATIONS[options.what](options, _show)
        if options.command == "benchmark":
            return _benchmark(options.sections, options.model)
        if options.command == "choreograph":
            from .data.choreography.generate import choreograph

            clips = options.kinds, options.instances, options.seed, options.sheets
            choreograph(options.data, options.out, *clips, options.workers)
        if options.command == "train":
            _train(options)
        if options.command == "learn-words":
            _learn_words(options)
        if options.command == "learn-fingers":
            _learn_fingers(options)
        if options.command == "import-published":
            _import(options)
        if options.command == "export-smplx":
            from .motion.smplx_export import export_smplx

            for line in export_smplx(options.take, options.body, options.out, options.gender):
                _show(line)
        return 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
