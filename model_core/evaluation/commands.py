"""``python -m model_core evaluate``: what each evaluation needs of the command line, and how its report is shown.

Each function imports what it measures with, so that other commands start without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..errors import UserError

Show = Callable[[object], None]
"""Prints a line or more."""


def _evaluate_parts(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model, load_model
    from ..motion import SMPL
    from .parts import governed_joints

    moved = governed_joints(load_model(options.model or bundled_model())) * 1000
    for where, parts in zip(("in the world", "relative to the pelvis"), moved, strict=True):
        show(f"Millimetres {where}:")
        for part, millimetres in enumerate(parts):
            order = millimetres.argsort()[::-1]
            show(f"part {part}: " + ", ".join(f"{SMPL.joints[joint]} {millimetres[joint]:.0f}" for joint in order))
    return 0


def _evaluate_starter(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .starter import evaluate_starter

    if options.data is None:
        raise UserError("'evaluate starter' needs --data, a folder of clips made by 'choreograph --out'.")
    model = options.model or bundled_model()
    report = evaluate_starter(model, options.data, options.out, options.kinds, options.seeds, options.evaluator)
    show(report.table())
    return 0 if all(passed for _, _, passed in report.checks()) else 1


def _evaluate_detectors(options: argparse.Namespace, show: Show) -> int:
    from .detector_table import validate_detectors

    if options.data is None:
        raise UserError("'evaluate detectors' needs --data, a folder of clips made by 'choreograph --out'.")
    rows = validate_detectors(options.data, options.kinds)
    for row in rows:
        show(row)
    show(f"detected on average: {100 * sum(row.detected for row in rows) / len(rows):.1f} %")
    return 0 if all(row.passed for row in rows) else 1


def _evaluate_physical(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .physical_report import physical_report

    if options.data is None:
        raise UserError("'evaluate physical' needs --data, a folder of captured motion with its manifest.json.")
    passed = True
    for row in physical_report(options.data, options.model or bundled_model(), options.seeds):
        show(row)
        passed &= row.passed
    return 0 if passed else 1


def _evaluate_words(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .words import evaluate_words

    report = evaluate_words(options.model or bundled_model(), options.data, options.seeds, options.out, options.kinds)
    show(report.table())
    return 0 if all(passed for _, _, passed in report.rows()) else 1


def _evaluate_control(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .control import evaluate_control

    model = options.model or bundled_model()
    detectors = not options.without_detectors
    report = evaluate_control(model, options.data, options.kinds, options.seeds, options.out, detectors)
    show(report.table())
    return 0 if all(passed for _, _, passed in report.rows()) else 1


def _evaluate_hands(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .hands import evaluate_hands

    report = evaluate_hands(options.model or bundled_model(), options.data, options.kinds, options.seeds)
    show(report.table())
    return 0 if all(passed for _, _, passed in report.rows()) else 1


def _evaluate_sequences(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .sequences import evaluate_sequences

    model, detectors = options.model or bundled_model(), not options.without_detectors
    report = evaluate_sequences(model, options.data, options.limit, options.out, detectors)
    show(report.table())
    return 0 if all(passed is not False for _, _, passed in report.rows()) else 1


def _evaluate_keys(options: argparse.Namespace, show: Show) -> int:
    from ..model_files.model_folder import bundled_model
    from .keys import evaluate_keys

    report = evaluate_keys(options.model or bundled_model(), options.kinds, options.seeds, options.out)
    show(report.table())
    return 0 if all(passed for _, _, passed in report.rows()) else 1


def _evaluate_published(options: argparse.Namespace, show: Show) -> int:
    from .published import PublishedEvaluation, evaluate_published

    for name, what in (("data", "the folder of the data set"), ("model", "a model folder"), ("evaluator", "the file")):
        if getattr(options, name) is None:
            raise UserError(f"'evaluate {options.what}' needs --{name}, {what}; see docs/published-evaluation.md.")
    part, _, parts = options.shard.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(f"The shard '{options.shard}' is no part of a whole; write for example 3/8 for the third of 8.")
    if int(parts) > 1 and options.out is None:
        raise UserError("--shard needs --out, the folder in which the machines' replications come together.")
    request = PublishedEvaluation(
        dataset=options.what,
        data=options.data,
        model=options.model,
        evaluator=options.evaluator,
        clip=options.clip,
        react=options.react,
        split=options.split,
        replications=options.replications,
        shard=(int(part), int(parts)),
        out=options.out,
        device=options.device,
        any_evaluator=options.any_evaluator,
    )
    evaluate_published(request, show)
    return 0


EVALUATIONS: dict[str, Callable[[argparse.Namespace, Show], int]] = {
    "interhuman": _evaluate_published,
    "interx": _evaluate_published,
    "sequences": _evaluate_sequences,
    "control": _evaluate_control,
    "hands": _evaluate_hands,
    "keys": _evaluate_keys,
    "words": _evaluate_words,
    "starter": _evaluate_starter,
    "detectors": _evaluate_detectors,
    "physical": _evaluate_physical,
    "parts": _evaluate_parts,
}
"""What ``evaluate`` can measure, each with the function that does so and returns the exit code."""
