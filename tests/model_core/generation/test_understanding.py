"""Prompts in anyone's words: the kind that they name, the training caption that stands in, and a user's own phrases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_model import CAPTIONS
from taught_model import BOW, HUG, WORDS, save_taught_model
from worker_client import Client

from model_core.errors import UserError
from model_core.generation.caption_facts import agreement, facts_of
from model_core.generation.options import GenerateOptions
from model_core.generation.pipeline import InterMask
from model_core.generation.prompt_reader import PromptReader
from model_core.model_files.model_folder import bundled_model
from model_core.motion import Interaction
from model_core.networks.prompt_classifier import PromptClassifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that was taught a few words."""
    return save_taught_model(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def reader(folder: Path) -> PromptReader:
    return PromptReader.load(folder)


def test_other_words_lead_to_a_training_caption(reader: PromptReader) -> None:
    for kind, caption in zip((HUG, BOW), CAPTIONS, strict=True):
        for prompt in (*WORDS[kind], caption, caption.upper() + " "):
            (found,) = reader.understand(prompt, 60)
            assert (found.best.kind, found.best.caption) == (kind, caption), prompt
            assert len({match.kind for match in found.matches}) == len(found.matches) == 2


@pytest.mark.parametrize(
    ("detectors", "as_written", "kind"), [(True, False, HUG), (True, True, None), (False, False, None)]
)
def test_the_detector_of_a_known_kind_chooses_unless_it_measures(
    folder: Path, detectors: bool, as_written: bool, kind: str | None
) -> None:
    model = InterMask.load(folder, "cpu", detectors=detectors)
    (part,) = model._texts.parts(WORDS[HUG][0], 60, as_written, None)
    assert {one for _, text in part.windows for one in text.kinds or (None,)} == {kind}


def test_a_prompt_is_understood_once_for_a_clip_and_its_report(reader: PromptReader) -> None:
    assert reader.understand("a long cuddle", 60)[0] is reader.understand("a long cuddle", 120)[0]


def test_each_part_of_a_timed_prompt_is_understood_by_itself(reader: PromptReader) -> None:
    parts = reader.understand("0-1 s: a long cuddle; 1-2 s: judo players salute", 60)
    assert [part.best.kind for part in parts] == [HUG, BOW]


def test_of_two_acts_the_first_is_used_and_the_second_is_offered() -> None:
    reader = PromptReader.load(bundled_model())
    (found,) = reader.understand("they shake hands and then punch each other", 120)
    assert found.known and [match.kind for match in found.matches[:2]] == ["shake hands", "box"]
    assert found.acts == ("they shake hands", "punch each other")
    (found,) = reader.understand("they hug, then wave to each other, followed by a bow to each other", 120)
    assert found.acts == ("they hug", "wave to each other", "a bow to each other")
    assert reader.understand("they hug", 120)[0].acts == ()
    (found,) = reader.understand("they walk up to each other and then shake hands", 120)
    assert found.known and found.best.kind == "shake hands"


def test_a_side_that_the_prompt_leaves_open_is_not_made_up() -> None:
    asked = facts_of("they shake hands")
    left, right, none = (facts_of(f"they shake {side} hands") for side in ("their left", "their right", ""))
    assert agreement(asked, none) > agreement(asked, left) == agreement(asked, right)
    assert agreement(left, left) > agreement(left, none) > agreement(left, right)


def test_a_dance_that_the_prompt_does_not_name_is_not_made_up() -> None:
    reader = PromptReader.load(bundled_model())
    dances = [("a tango", ""), ("two people waltz", "waltz"), ("a latin couple dance", ""), ("a salsa couple", "salsa")]
    for prompt, dance in dances:
        (found,) = reader.understand(prompt, 120)
        assert found.known and facts_of(found.best.caption).dance == dance, found


@pytest.mark.parametrize(
    "prompt", ["\U0001f917\U0001f917", "\u4e24\u4e2a\u4eba\u62e5\u62b1", "a man cooks dinner", "?"]
)
def test_what_the_model_does_not_know_is_said_to_be_unknown(reader: PromptReader, prompt: str) -> None:
    assert not reader.understand(prompt, 60)[0].known


def test_a_very_long_prompt_and_one_letter_are_understood_without_an_error(reader: PromptReader) -> None:
    for prompt in ("they hug " * 700, "x"):
        assert reader.understand(prompt, 60)[0].matches


def test_the_classifier_shares_the_weights_of_the_text_encoder(folder: Path) -> None:
    reader = PromptReader.load(folder)
    tower = reader.encoder.tower
    network = PromptClassifier(tower, 2)
    before = reader.encoder.encode(["they hug"]).pooled
    assert (network.vectors(*reader.encoder.token_ids(["they hug"])) - before).abs().max() < 1e-6
    own = {tensor.data_ptr() for tensor in network.state_dict().values()}
    assert not own & {tensor.data_ptr() for tensor in tower.state_dict().values()}
    assert sum(tensor.numel() for tensor in network.state_dict().values()) < 700_000


def test_a_users_phrases_are_read_at_once_and_a_broken_file_is_told_with_its_line(folder: Path, tmp_path: Path) -> None:
    reader, words = PromptReader.load(folder), tmp_path / "words.json"
    assert reader.use_words(words) == ""  # there is no such file yet
    assert not reader.understand("They do the grasshopper!", 60)[0].known
    words.write_text(json.dumps({BOW: ["they do the grasshopper"]}), encoding="utf-8")
    assert reader.use_words(words) == ""
    found = reader.understand("They do the grasshopper!", 60)[0]
    assert found.best.kind == BOW and found.known
    words.write_text('{"hug": ["they do the grasshopper"],\n "box": []}', encoding="utf-8")
    assert "line 2: this model has no kind 'box'" in reader.use_words(words)
    words.write_text('{"hug": ["they do the grasshopper"],\n "box": [}', encoding="utf-8")
    assert "words.json, line 2" in reader.use_words(words)
    assert reader.understand("a big embrace", 60)[0].best.kind == HUG  # what the model learnt still works
    with pytest.raises(UserError, match="line 2"):
        InterMask.load(folder, "cpu", words)
    for text, why in (("[1]", "should hold kinds"), ('{"hug": "x"}', "a list"), ('{"hug": [3]}', "not a text")):
        words.write_text(text, encoding="utf-8")
        assert why in reader.use_words(words)


def test_the_prompt_stands_for_its_caption_unless_it_is_taken_as_written(folder: Path) -> None:
    model, options = InterMask.load(folder, "cpu"), GenerateOptions(seed=3)
    caption, words = (model.generate(prompt, 24, options)[0] for prompt in (CAPTIONS[0], "a long cuddle"))
    written = model.generate("a long cuddle", 24, GenerateOptions(seed=3, as_written=True))[0]
    assert _joints(caption).tobytes() == _joints(words).tobytes() != _joints(written).tobytes()
    batch = model.generate_batch(["a long cuddle"], 24, [3])[0]
    assert np.abs(_joints(batch) - _joints(words)).max() < 1e-4


def test_the_second_person_can_act(folder: Path) -> None:
    model, options = InterMask.load(folder, "cpu"), GenerateOptions(seed=1)
    first = _joints(model.generate("the first person gives the second person a big embrace", 24, options)[0])
    second = _joints(model.generate("the second person gives the first person a big embrace", 24, options)[0])
    apart = np.linalg.norm(first[0][:, :, None] - first[1][:, None], axis=-1)
    exchanged = np.linalg.norm(second[1][:, :, None] - second[0][:, None], axis=-1)
    assert np.abs(apart - exchanged).max() < 1e-4
    assert np.abs(apart - exchanged.swapaxes(1, 2)).max() > 1e-3  # the two people differ


def test_a_damaged_classifier_is_told(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "prompt_classifier.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"prompt_classifier\.safetensors is cut short"):
        PromptReader.load(copy)
    path.unlink()
    assert PromptReader.load(copy).understand("they hug", 60) == []


@pytest.mark.slow
def test_the_worker_says_how_a_prompt_is_understood(folder: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.json"
    words.write_text("{", encoding="utf-8")
    client = Client()
    try:
        client.send("understand", id=1, model=str(folder), prompt="a long cuddle", seconds=4.0, words=str(words))
        answer = client.until("understood", "error")[-1].values
        assert answer["parts"][0]["matches"][0]["caption"] == CAPTIONS[0] and "line 1" in answer["words_error"]
        values = {"model": str(folder), "prompt": "a long cuddle", "seconds": 1.0}
        client.send("generate", id=2, **values)
        assert client.until("result", "error")[-1].values["understood"][0][0]["matches"][0]["kind"] == HUG
        client.send("generate", id=3, **values, as_written=True)
        assert client.until("result", "error")[-1].values["understood"] == []
    finally:
        client.close()


@pytest.mark.parametrize(
    ("sentence", "side", "manner"),
    [
        ("they shake hands, southpaw style", "left", ""),
        ("she has left the room slowly", "", "slowly"),
        ("one shoves the other hard in the chest", "", "hard"),
        ("right away he waves with his left hand", "left", ""),
        ("er klopft ihm mit der rechten Hand sanft auf die Schulter", "right", "gently"),
        ("il le pousse violemment de la main gauche", "left", "hard"),
    ],
)
def test_sides_and_manners_are_read(sentence: str, side: str, manner: str) -> None:
    facts = facts_of(sentence)
    assert (facts.side, facts.manner) == (side, manner)


@pytest.mark.parametrize(
    ("sentence", "exchanged"),
    [
        ("person 2 pats person 1 on the shoulder", True),
        ("The second person pushes the first one", True),
        ("person 2 is pushed by person 1", False),
        ("person 1 pushes person 2", False),
        ("B chases A", True),
        ("character A chases character B", False),
        ("A man and a boy hug", False),
    ],
)
def test_the_second_person_is_read_as_the_one_who_acts(sentence: str, exchanged: bool) -> None:
    assert facts_of(sentence).exchanged == exchanged


def _joints(interaction: Interaction) -> np.ndarray:
    return np.stack([person.joints for person in interaction.people])
