"""The sampling settings as options of the command line, built from ``SAMPLING_SETTINGS``."""

from __future__ import annotations

import argparse

from ..core import SAMPLING_SETTINGS, UserError


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each sampling setting, such as ``--mask-temperature``; the defaults are the model's values."""
    group = parser.add_argument_group("sampling settings", "the model's own values by default")
    for name, setting in SAMPLING_SETTINGS.items():
        limits = f"{setting.lowest:g} to {setting.highest:g}"
        group.add_argument(
            _option(name),
            type=int if isinstance(setting.lowest, int) else float,
            metavar="NUMBER",
            help=f"{setting.help[:1].lower()}{setting.help[1:]} ({limits})",
        )


def sampling_of(given: argparse.Namespace) -> dict[str, float]:
    """The sampling settings that the command line sets.

    Raises:
        UserError: a value is out of its limits.
    """
    values = {name: getattr(given, name) for name in SAMPLING_SETTINGS if getattr(given, name) is not None}
    for name, value in values.items():
        setting = SAMPLING_SETTINGS[name]
        if not setting.lowest <= value <= setting.highest:
            raise UserError(
                f"{_option(name)} {value:g} cannot be used; choose a number from {setting.lowest:g} to "
                f"{setting.highest:g}."
            )
    return values


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
