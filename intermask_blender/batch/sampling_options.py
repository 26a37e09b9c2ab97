"""The sampling settings as options of the command line, built from ``KNOBS``."""

from __future__ import annotations

import argparse

from ..core import KNOBS, UserError


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each knob, such as ``--mask-temperature``; the model's own value is the default of all."""
    group = parser.add_argument_group("sampling settings", "the model's own values where they are left out")
    for name, knob in KNOBS.items():
        limits = f"{knob.lowest:g} to {knob.highest:g}"
        group.add_argument(
            _option(name),
            type=int if isinstance(knob.lowest, int) else float,
            metavar="NUMBER",
            help=f"{knob.help[:1].lower()}{knob.help[1:]} ({limits})",
        )


def sampling_of(given: argparse.Namespace) -> dict[str, float]:
    """The sampling settings that the command line names.

    Raises:
        UserError: a value is out of its limits.
    """
    values = {name: getattr(given, name) for name in KNOBS if getattr(given, name) is not None}
    for name, value in values.items():
        knob = KNOBS[name]
        if not knob.lowest <= value <= knob.highest:
            raise UserError(
                f"{_option(name)} {value:g} cannot be used; choose a number from {knob.lowest:g} to {knob.highest:g}."
            )
    return values


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
