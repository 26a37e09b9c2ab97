"""How a prompt is understood: asked of the real worker, and shown in lines under the prompt."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest
from small_model import CAPTIONS
from taught_model import BOW, HUG

from intermask_blender.generator.client import WorkerClient
from intermask_blender.generator.generation import GenerationSettings, submit
from intermask_blender.generator.understanding import (
    Match,
    Understanding,
    UnderstoodPart,
    submit_understand,
    understanding_of,
)
from intermask_blender.ui import prompt_understanding
from intermask_blender.ui.prompt_understanding import MAX_PART_LINES, answer_lines, offered_matches
from intermask_blender.ui.session import session
from intermask_blender.ui.user_words import EXAMPLE, write_example
from model_core.generation.prompts import segments
from model_core.model_files.words import read_phrases

assert blender_scene

HUGS, BOWS = Match(HUG, CAPTIONS[0]), Match(BOW, CAPTIONS[1])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerClient]:
    client = WorkerClient(Path(sys.executable), tmp_path_factory.mktemp("log") / "log", "cpu")
    yield client
    client.close()


def understood(client: WorkerClient, model: Path, prompt: str, words: Path | None = None) -> Understanding:
    request = submit_understand(client, model, prompt, 60.0, words)
    client.wait(request)
    assert request.reply is not None, request.error
    return understanding_of(request.reply.values)


def part(prompt: str, known: bool = True, exchanged: bool = False) -> UnderstoodPart:
    return UnderstoodPart(prompt, (HUGS, BOWS), known, exchanged)


@pytest.mark.slow
def test_the_line_names_the_caption_that_the_worker_takes(client: WorkerClient, taught: Path) -> None:
    answer = understood(client, taught, "a long cuddle")
    assert answer_lines(answer, False) == [(f"Understood as: {CAPTIONS[0]}", "INFO")]
    assert offered_matches(answer) == (BOWS,)
    caption = understood(client, taught, f" {CAPTIONS[0].upper()} ")
    assert (answer_lines(caption, False), offered_matches(caption)) == ([], ())
    unknown = understood(client, taught, "a man cooks dinner")
    assert [icon for _, icon in answer_lines(unknown, False)] == ["ERROR"]
    assert answer_lines(unknown, False)[0][0].startswith("Not in this model. Closest: two people ")
    assert answer_lines(unknown, True) == answer_lines(unknown, False) and len(offered_matches(unknown)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("newly_registered")
def test_a_generator_that_is_ready_answers_before_the_panel_is_drawn_again(
    client: WorkerClient, taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_understanding, "QUICK_ANSWER", 60.0)
    monkeypatch.setattr(session(), "client", client)
    understood(client, taught, "they hug")
    key, other = (str(taught), "a long cuddle"), (str(taught), "judo players salute")
    prompt_understanding._ask(key, client)
    assert session().understood[key].parts[0].matches[0] == HUGS and not session().questions
    request = submit_understand(client, taught, "they hug", 60.0, None)  # keeps the generator busy
    prompt_understanding._ask(other, client)
    assert other not in session().understood and len(session().questions) == 1
    client.wait(request)
    client.wait(session().questions[0].request)
    prompt_understanding._collect_answers()
    assert session().understood[other].parts[0].matches[0] == BOWS


@pytest.mark.slow
def test_each_part_of_a_timed_prompt_has_a_line_and_an_unknown_one_is_marked(
    client: WorkerClient, taught: Path
) -> None:
    answer = understood(client, taught, "0-2 s: a long cuddle; 2-4 s: a man cooks dinner; 4-6 s: judo players salute")
    lines = answer_lines(answer, False)
    assert [icon for _, icon in lines] == ["INFO", "ERROR", "INFO"] and not offered_matches(answer)
    assert lines[0][0] == f"Part 1: {CAPTIONS[0]}" and lines[2][0] == f"Part 3: {CAPTIONS[1]}"
    assert lines[1][0].startswith("Part 2 is not in this model. Closest: ")
    assert answer_lines(understood(client, taught, f"0-2 s: {CAPTIONS[0]}; 2-4 s: {CAPTIONS[1]}"), False) == []


def test_of_many_parts_only_unknown_ones_have_lines() -> None:
    parts = tuple(part("x", known=number % 5 != 0) for number in range(30))
    lines = answer_lines(Understanding(parts), False)
    assert [text.split(" is ")[0] for text, _ in lines] == [f"Part {number}" for number in (1, 6, 11, 16, 21, 26)]
    assert len(answer_lines(Understanding((part("x", known=False),) * 30), False)) == MAX_PART_LINES


def test_the_line_says_who_acts_and_that_the_words_are_used_as_written() -> None:
    exchanged = Understanding((part("the second hugs the first", exchanged=True),))
    assert answer_lines(exchanged, False)[0][0] == f"Understood as: {CAPTIONS[0]} (person 2 acts)"
    numbered = Match("push", "the first person pushes the second")
    push = UnderstoodPart("the second person shoves the first", (numbered, BOWS), True, True)
    assert answer_lines(Understanding((push,)), False)[0][0] == "Understood as: the second person pushes the first"
    assert answer_lines(Understanding((part("a cuddle"),)), True) == [
        (f"Used as written. Closest: {CAPTIONS[0]}", "LOCKED")
    ]


def test_of_several_acts_the_line_gives_each_its_time() -> None:
    both = UnderstoodPart("they cuddle, then salute", (HUGS, BOWS), True, acts=("they cuddle", "salute"))
    line, hint = answer_lines(Understanding((both,)), False, 5.0)
    assert line == (f"Understood as: {CAPTIONS[0]}", "INFO")
    assert hint == ("Only the first act is used. For all of them: 0-2.5 s: they cuddle; 2.5-end: salute", "TIME")
    parts = segments(both.timed_acts(5.0), 150, 30.0)
    assert [(part.prompt, part.stop) for part in parts] == [("they cuddle", 75), ("salute", 150)]
    assert len(answer_lines(Understanding((both,)), True)) == 1
    assert part("x").timed_acts(5.0) == ""


@pytest.mark.parametrize(
    ("prompt", "more"),
    [
        ("three people dance in a circle", True),
        ("4 drunk friends hug", True),
        ("a group of kids play tag", True),
        ("drei Leute tanzen", True),
        ("trois amis se saluent", True),
        ("two people shake hands three times", False),
        ("they bow, and five seconds later the two men fight", False),
        ("one of two people counts to ten", False),
        ("they high five", False),
    ],
)
def test_a_prompt_of_more_than_two_people_gets_a_line(prompt: str, more: bool) -> None:
    hint = ("Two people are animated; the prompt names more", "COMMUNITY")
    assert (hint in answer_lines(Understanding((part(prompt),)), False)) is more
    assert (hint in answer_lines(Understanding((part("they hug"), part(prompt))), False)) is more


def test_a_model_without_a_classifier_names_the_nearest_caption(client: WorkerClient, model: Path) -> None:
    for distance, start in ((0.1, ""), (0.4, "Closest match in this model: "), (0.9, "Not in this model. Closest: ")):
        lines = answer_lines(Understanding(nearest="two people hug", distance=distance), False)
        assert len(lines) == bool(start) and all(text.startswith(start) for text, _ in lines)
    assert answer_lines(understood(client, model, "two people hug"), False) == []
    far = understood(client, model, "a man cooks dinner")
    assert answer_lines(far, False)[0][1] == "ERROR" and not offered_matches(far)


def test_a_users_words_reach_the_worker_and_a_broken_file_is_told_below_the_line(
    client: WorkerClient, taught: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words.json"
    words.write_text(json.dumps({BOW: ["they do the grasshopper"]}), encoding="utf-8")
    prompt = "They do the grasshopper!"
    assert understood(client, taught, prompt, words).parts[0].caption == CAPTIONS[1]
    words.write_text('{"hug": [],\n "bow": 3}', encoding="utf-8")
    lines = answer_lines(understood(client, taught, "a long cuddle", words), False)
    assert [icon for _, icon in lines] == ["INFO", "ERROR"] and "words.json, line 2" in lines[1][0]


def test_a_generation_carries_words_and_as_written(client: WorkerClient, taught: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.json"
    words.write_text(json.dumps({BOW: ["they do the grasshopper"]}), encoding="utf-8")

    def generated(**settings: object) -> list:
        request = submit(client, GenerationSettings("They do the grasshopper!", taught, 1.0, **settings))  # type: ignore[arg-type]
        client.wait(request)
        assert request.reply is not None, request.error
        return request.reply.values["understood"]

    assert generated(words=words)[0][0]["matches"][0]["kind"] == BOW
    assert generated(words=words, as_written=True) == []


def test_the_example_is_a_file_that_the_model_reads_with_every_kind_to_fill_in(tmp_path: Path) -> None:
    write_example(tmp_path / "words.json", [HUG, BOW, "mirror each other's exercise"])
    found = read_phrases(tmp_path / "words.json", [HUG, BOW, "mirror each other's exercise"])
    assert found == {HUG: [EXAMPLE], BOW: [], "mirror each other's exercise": []}
    write_example(tmp_path / "words.json", [])
    assert read_phrases(tmp_path / "words.json", []) == {}
