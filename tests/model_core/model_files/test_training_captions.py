"""How far prompts are from what a model learnt, with real sentence vectors and a real worker process."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_model import CAPTIONS, TEXT_ENCODER, save_small_model
from worker_client import Client

from model_core.errors import UserError
from model_core.generation.prompt_reader import PromptReader
from model_core.model_files.training_captions import MAX_CAPTIONS, TrainingCaptions, load_captions, save_captions
from model_core.text_encoders import load_text_encoder


def test_a_prompt_is_nearest_to_what_means_the_same(tmp_path: Path) -> None:
    model = PromptReader.load(save_small_model(tmp_path / "small"))
    same, alike, other = (
        model.nearest_training_caption(prompt, 60)
        for prompt in ("two people hug", "a man embraces a woman", "the price of wheat fell")
    )
    assert same is not None and alike is not None and other is not None
    assert same.distance < 0.01 and same.caption == alike.caption == CAPTIONS[0]
    assert same.distance < alike.distance < other.distance and other.distance > 0.7
    timed = model.nearest_training_caption("0-1 s: two people hug; 1-2 s: the price of wheat fell", 60)
    assert timed == other


def test_a_folder_that_does_not_say_what_it_learnt_is_no_fault_and_a_damaged_file_is(tmp_path: Path) -> None:
    folder = save_small_model(tmp_path / "small")
    path = folder / "captions.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(UserError, match=r"captions\.safetensors is cut short"):
        PromptReader.load(folder)
    path.unlink()
    assert load_captions(folder) is None
    assert PromptReader.load(folder).nearest_training_caption("two people hug", 60) is None


def test_of_very_many_captions_an_even_part_is_kept(tmp_path: Path) -> None:
    count, width = 3 * MAX_CAPTIONS, 8
    vectors = torch.randn(count, width, generator=torch.Generator().manual_seed(1))
    save_captions(tmp_path, [str(number) for number in range(count)], vectors)
    known = load_captions(tmp_path)
    assert isinstance(known, TrainingCaptions) and len(known.texts) == MAX_CAPTIONS
    places = torch.tensor([int(text) for text in known.texts])
    assert places[0] == 0 and places[-1] == count - 1 and int(places.diff().max()) <= 4
    assert torch.nn.functional.cosine_similarity(known.vectors, vectors[places]).min() > 0.999


@pytest.mark.slow
def test_the_worker_reads_a_prompt_without_making_anything(tmp_path: Path) -> None:
    folder, client = save_small_model(tmp_path / "small"), Client()
    try:
        client.send("understand", id=1, model=str(folder), prompt="two people bow", seconds=4.0)
        answer = client.until("understood", "error")[-1]
        assert answer.type == "understood" and answer.values["id"] == 1, answer.values
        encoder, known = load_text_encoder(TEXT_ENCODER), load_captions(folder)
        assert known is not None and answer.values["nearest"]["caption"] == CAPTIONS[1]
        assert not answer.values["parts"] and not answer.values["words_error"]
        assert answer.values["nearest"]["distance"] == pytest.approx(
            known.nearest("two people bow", encoder).distance, abs=1e-5
        )
        client.send("understand", id=2, model=str(folder), prompt=" ", seconds=4.0)
        assert "prompt is empty" in client.until("understood", "error")[-1].values["message"]
    finally:
        client.close()
