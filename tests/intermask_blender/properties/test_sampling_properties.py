"""TakeOptions settings in Blender: one definition gives the panel, the operator, the request and the command line."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest

from intermask_blender.core import SAMPLING_SETTINGS
from intermask_blender.generator.generation import GenerationSettings, request_values
from intermask_blender.generator.models import find_model, recommended_sampling
from intermask_blender.operators.edit import INTERMASK_OT_edit
from intermask_blender.operators.generate import INTERMASK_OT_generate
from intermask_blender.properties import InterMaskSettings
from intermask_blender.properties.sampling_settings import PANEL_SAMPLING, given_sampling, panel_sampling

assert blender_scene


pytestmark = pytest.mark.usefixtures("registered")


def limits(owner: Any, name: str) -> tuple[str, str, float, float]:
    declared = owner.properties[name]
    return declared.name, declared.description, declared.hard_min, declared.hard_max


@pytest.mark.parametrize("name", SAMPLING_SETTINGS)
def test_the_operator_and_the_panel_have_the_limits_and_words_of_a_sampling_setting(name: str) -> None:
    setting = SAMPLING_SETTINGS[name]
    expected = setting.label, setting.help, pytest.approx(setting.lowest), pytest.approx(setting.highest)
    assert limits(bpy.ops.intermask.generate.get_rna_type(), name) == expected
    if name in PANEL_SAMPLING:
        assert limits(InterMaskSettings.bl_rna, name) == expected


def test_a_request_names_the_sampling_settings_that_were_set_and_no_others() -> None:
    properties = bpy.context.window_manager.operator_properties_last("intermask.generate")
    assert given_sampling(properties) == {}
    properties.guidance, properties.candidates = 3.5, 2
    assert given_sampling(properties) == {"guidance": 3.5, "candidates": 2}
    model = find_model("")
    values = request_values(GenerationSettings("they hug", model, sampling=given_sampling(properties)))
    assert {name: values[name] for name in SAMPLING_SETTINGS if name in values} == {"guidance": 3.5, "candidates": 2}


def test_own_settings_begin_with_the_recommended_ones() -> None:
    settings = bpy.context.scene.intermask
    assert panel_sampling(settings) == {}
    settings.guidance = 4.0
    settings.use_model_values = False
    recommended = recommended_sampling(find_model(""))
    assert settings.steps == recommended["steps"] != SAMPLING_SETTINGS["steps"].lowest
    assert settings.mask_temperature == recommended["mask_temperature"]
    assert panel_sampling(settings)["guidance"] == 4.0, "a value that the user set stays"


def test_properties_of_operators_and_settings_are_declared_once() -> None:
    """Each shared property comes from the class that both inherit; the one exception listens for changes."""
    for name in ("seed", "seconds", "use_scene_range", "use_markers", "body_1", "body_2", "foot_lock", "contact"):
        owners = {
            base
            for cls in (InterMaskSettings, INTERMASK_OT_generate)
            for base in cls.__mro__
            if name in inspect.get_annotations(base)
        }
        assert len(owners) == 1, name
    assert "prompt" not in INTERMASK_OT_edit.__annotations__


def test_a_damaged_sampling_section_recommends_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"sampling": [1, 2]}', encoding="utf-8")
    assert recommended_sampling(tmp_path) == {}
