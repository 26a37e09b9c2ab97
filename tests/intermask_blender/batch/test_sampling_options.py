"""The batch command has an option for every sampling setting, which reaches the request; options are documented."""

from __future__ import annotations

import re

import blender_scene  # first: it sets Blender's user folder
import pytest
from repository import REPOSITORY

from intermask_blender.batch.clip import settings_without_scene
from intermask_blender.batch.options import _parser, parse
from intermask_blender.core import SAMPLING_SETTINGS, UserError
from intermask_blender.generator.generation import request_values

assert blender_scene


@pytest.mark.parametrize("name", SAMPLING_SETTINGS)
def test_every_sampling_setting_is_an_option_with_its_limits(name: str) -> None:
    setting, option = SAMPLING_SETTINGS[name], f"--{name.replace('_', '-')}"
    for value in (setting.lowest, setting.highest):
        assert parse(["--prompt", "they hug", option, str(value)]).sampling == {name: value}
    for value in (setting.lowest - 1, setting.highest + 1, float("nan")):
        with pytest.raises(UserError):
            parse(["--prompt", "they hug", option, str(value)])


def test_a_request_has_the_options_that_were_given() -> None:
    options = parse(["--prompt", "they hug", "--guidance", "3.5", "--candidates", "2"])
    settings = settings_without_scene(options.jobs[0], options)
    assert settings is not None
    values = request_values(settings)
    assert {name: values[name] for name in SAMPLING_SETTINGS if name in values} == {"guidance": 3.5, "candidates": 2}


def test_the_documentation_names_every_option() -> None:
    table = (REPOSITORY / "docs" / "batch.md").read_text(encoding="utf-8").split("## The job file")[0]
    documented = set(re.findall(r"`(--?[a-z-]+)`", table))
    assert documented == {name for action in _parser()._actions for name in action.option_strings} - {"-h"}
