"""CLIP's text tower and tokeniser: equal to the published code, and read from published files safely."""

from __future__ import annotations

import json
import os
import pickle
import random
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from model_core.errors import UserError
from model_core.text_encoders import load_text_encoder
from model_core.text_encoders.byte_pair import clip_tokenizer
from model_core.text_encoders.cleaning import clean_prompt
from model_core.text_encoders.published_clip import convert_clip

DATA = Path(__file__).parent / "data"
# Recorded from the published code: [text, its token ids without start and end, cut as CLIP cuts], and the hidden
# states of three texts in a small tower with the weights of ``openai_state``.
TOKENS = json.loads((DATA / "clip_tokens.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

TEXTS = ["Two people dance salsa.", "They fight; <|endoftext|> one falls", "a b " * 50]
WIDTH, LAYERS, VOCABULARY, LONGEST = 128, 2, 49408, 77


def openai_state() -> dict[str, Tensor]:
    """The tower's state, each number one of half precision."""
    random = np.random.RandomState(0)  # the one generator whose stream is fixed for good

    def drawn(*shape: int, scale: float, around: float = 0.0) -> Tensor:
        return torch.from_numpy((random.standard_normal(shape) * scale + around).astype(np.float16)).float()

    state = {
        "token_embedding.weight": drawn(VOCABULARY, WIDTH, scale=0.5),
        "positional_embedding": drawn(LONGEST, WIDTH, scale=0.3),
        "ln_final.weight": drawn(WIDTH, scale=0.2, around=1.0),
        "ln_final.bias": drawn(WIDTH, scale=0.2),
    }
    for index in range(LAYERS):
        layer = f"transformer.resblocks.{index}."
        for name, rows, columns in (
            ("attn.in_proj_", 3 * WIDTH, WIDTH),
            ("attn.out_proj.", WIDTH, WIDTH),
            ("mlp.c_fc.", 4 * WIDTH, WIDTH),
            ("mlp.c_proj.", WIDTH, 4 * WIDTH),
        ):
            state[f"{layer}{name}weight"] = drawn(rows, columns, scale=1.5 / columns**0.5)
            state[f"{layer}{name}bias"] = drawn(rows, scale=0.2)
        for norm in ("ln_1", "ln_2"):
            state[f"{layer}{norm}.weight"] = drawn(WIDTH, scale=0.2, around=1.0)
            state[f"{layer}{norm}.bias"] = drawn(WIDTH, scale=0.2)
    return state


def hugging_face_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights as Hugging Face's library names and splits them."""
    renamed = {
        "text_model.embeddings.token_embedding.weight": state["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": state["positional_embedding"],
        "text_model.embeddings.position_ids": torch.arange(LONGEST)[None],
        "vision_model.post_layernorm.weight": torch.ones(8),
    }
    for part in ("weight", "bias"):
        renamed[f"text_model.final_layer_norm.{part}"] = state[f"ln_final.{part}"]
        for index in range(LAYERS):
            theirs, ours = f"text_model.encoder.layers.{index}.", f"transformer.resblocks.{index}."
            inward = state[f"{ours}attn.in_proj_{part}"].chunk(3)
            for letter, tensor in zip("qkv", inward, strict=True):
                renamed[f"{theirs}self_attn.{letter}_proj.{part}"] = tensor.clone()
            for their_name, our_name in (
                ("self_attn.out_proj", "attn.out_proj"),
                ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ):
                renamed[f"{theirs}{their_name}.{part}"] = state[f"{ours}{our_name}.{part}"]
    return renamed


@cache
def tokenizer() -> Tokenizer:
    made = clip_tokenizer()
    made.enable_truncation(LONGEST)
    return made


def our_ids(text: str) -> list[int]:
    ids: list[int] = tokenizer().encode(clean_prompt(text)).ids
    return ids


def archive(path: Path, state: dict[str, Tensor]) -> Path:
    """A TorchScript archive of a module with this state, as OpenAI's file is one."""

    class Node(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    top = Node()
    for name, tensor in state.items():
        *modules, last = name.split(".")
        node: nn.Module = top
        for part in modules:
            if part not in dict(node.named_children()):
                node.add_module(part, Node())
            node = dict(node.named_children())[part]
        node.register_parameter(last, nn.Parameter(tensor))
    torch.jit.save(torch.jit.trace(top, torch.zeros(1)), path)
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    visual = {"visual.proj": torch.ones(4, 4), "logit_scale": torch.tensor(1.0)}
    return archive(tmp_path_factory.mktemp("clip") / "small.pt", {**openai_state(), **visual})


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted") / "clip"
    convert_clip(published, out, any_clip=True)
    return out


def test_token_ids_equal_the_recorded_ones() -> None:
    assert len(TOKENS) >= 200
    wrong = [text for text, ids in TOKENS if our_ids(text)[1:-1] != ids]
    assert not wrong


def test_the_tower_equals_the_recorded_one(converted: Path) -> None:
    recorded = np.load(DATA / "clip_text.npz")
    encoder = load_text_encoder(converted)
    ids, mask = encoder.token_ids(TEXTS)
    np.testing.assert_array_equal(ids, recorded["ids"])
    features = encoder.encode(TEXTS)
    assert features.hidden.shape == (3, LONGEST, WIDTH) == (3, LONGEST, encoder.width)
    np.testing.assert_allclose(features.hidden, recorded["hidden"], atol=2e-5)
    # The published code takes the state at the largest id, and the first of them.
    assert features.end.tolist() == ids.argmax(1).tolist() == [6, 4, 76]
    torch.testing.assert_close(features.pooled, features.hidden[torch.arange(3), features.end])
    assert mask.sum(1).tolist() == [7, 5, 77]


def test_a_hugging_face_folder_gives_the_same_files(converted: Path, tmp_path: Path) -> None:
    state = hugging_face_state(openai_state())
    for name in ("model.safetensors", "pytorch_model.bin"):
        folder = tmp_path / name
        folder.mkdir()
        if name.endswith("bin"):
            torch.save(state, folder / name)
        else:
            save_file(state, folder / name)
        convert_clip(folder, tmp_path / "out", any_clip=True)
        for path in converted.iterdir():
            assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), (name, path.name)


def test_no_token_sees_what_comes_after_it(converted: Path) -> None:
    encoder = load_text_encoder(converted)
    short, long = encoder.encode(["they dance", "they dance until the sun rises"]).hidden
    torch.testing.assert_close(short[:3], long[:3], atol=1e-5, rtol=0)
    assert (short[3] - long[3]).abs().max() > 0.1


class _Prints:
    """What a pickle with code in it would hold."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path, published: Path) -> None:
    trace = tmp_path / "it ran"
    folder = tmp_path / "folder"
    folder.mkdir()
    torch.save({"text_model.a": torch.ones(1), "b": _Prints(trace)}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="could run code"):
        convert_clip(folder, tmp_path / "out", any_clip=True)

    forged = tmp_path / "forged.pt"
    with zipfile.ZipFile(published) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, pickle.dumps(_Prints(trace), 2) if name.endswith("data.pkl") else data)
    with pytest.raises(UserError, match="could run code"):
        convert_clip(forged, tmp_path / "out", any_clip=True)
    assert not trace.exists() and not (tmp_path / "out").exists()


def test_a_file_that_is_not_the_published_one_is_refused(published: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not OpenAI's ViT.*begins with [0-9a-f]{8}, not 3035c92b.*--any-clip"):
        convert_clip(published, tmp_path / "out")
    folder = tmp_path / "folder"
    folder.mkdir()
    save_file(hugging_face_state(openai_state()), folder / "model.safetensors")
    with pytest.raises(UserError, match=r"not CLIP ViT-L/14 at 336 pixels"):
        convert_clip(folder, tmp_path / "out")
    vision = {"vision_config": {"image_size": 224, "patch_size": 14}}
    (folder / "config.json").write_text(json.dumps(vision))
    with pytest.raises(UserError, match="images of 224 pixels"):
        convert_clip(folder, tmp_path / "out")
    (folder / "config.json").write_text(json.dumps({"text_config": {"hidden_act": "gelu"}}))
    with pytest.raises(UserError, match="uses gelu, not quick_gelu"):
        convert_clip(folder, tmp_path / "out", any_clip=True)
    assert not (tmp_path / "out").exists()


def test_damage_is_told_and_leaves_nothing_behind(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"no CLIP file .*missing.pt"):
        convert_clip(tmp_path / "missing.pt", out, any_clip=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"neither model.safetensors nor pytorch_model.bin"):
        convert_clip(empty, out, any_clip=True)
    whole = published.read_bytes()
    for size in (0, 1000, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut.pt").write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"cut.pt is cut short"):
            convert_clip(tmp_path / "cut.pt", out, any_clip=True)
    torch.save(openai_state(), tmp_path / "state.pt")
    with pytest.raises(UserError, match="no TorchScript archive"):
        convert_clip(tmp_path / "state.pt", out, any_clip=True)

    state = openai_state()
    name = "transformer.resblocks.1.mlp.c_fc.bias"
    for change, sentence in (
        (state[name][:-1], r"layers.1.widen.bias should be \(512,\) and is \(511,\)"),
        (state[name] * float("nan"), r"not numbers in layers.1.widen.bias"),
        (None, r"layers.1.widen.bias should be \(512,\) and is absent"),
    ):
        changed = {**state, name: change} if change is not None else {k: v for k, v in state.items() if k != name}
        with pytest.raises(UserError, match=sentence):
            convert_clip(archive(tmp_path / "changed.pt", changed), out, any_clip=True)
    assert not out.exists()


@pytest.fixture
def package() -> Any:
    """Hugging Face's package, which has CLIP's encoder and tokeniser; its import takes seconds."""
    return pytest.importorskip("transformers", reason="for this comparison: pip install -e '.[clip]'")


@pytest.fixture
def in_its_layout(package: Any, tmp_path: Path) -> Path:
    """A folder that the package wrote: the whole model around the small tower."""
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": WIDTH // 64,
        "max_position_embeddings": LONGEST,
        "eos_token_id": 49407,
    }
    vision = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    vision |= {"image_size": 28, "patch_size": 14}
    model = package.CLIPModel(package.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    model.load_state_dict({name: value for name, value in hugging_face_state(openai_state()).items()
                           if name in model.state_dict() and name.startswith("text_model.")}, strict=False)  # fmt: skip
    model.save_pretrained(tmp_path / "whole")
    return tmp_path / "whole"


@pytest.mark.slow
def test_token_ids_equal_the_packages_on_random_texts(package: Any, tmp_path: Path) -> None:
    clip_tokenizer().save(str(tmp_path / "tokenizer.json"))
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    theirs = package.CLIPTokenizer(vocab=vocabulary["vocab"], merges=[tuple(pair) for pair in vocabulary["merges"]])
    choose = random.Random(0)
    letters = [chr(code) for code in range(0x20, 0x7F)]
    for _ in range(1000):
        text = "".join(choose.choice(letters) for _ in range(choose.randint(1, 25)))
        assert our_ids(text) == theirs(text, truncation=True, max_length=LONGEST)["input_ids"], ascii(text)


@pytest.mark.slow
def test_the_tower_equals_the_packages(package: Any, in_its_layout: Path, tmp_path: Path) -> None:
    convert_clip(in_its_layout, tmp_path / "ours", any_clip=True)
    encoder, model = load_text_encoder(tmp_path / "ours"), package.CLIPTextModel.from_pretrained(in_its_layout).eval()
    ids, _ = encoder.token_ids(TEXTS)
    features = encoder.encode(TEXTS)
    with torch.no_grad():
        theirs = model(input_ids=ids)
    torch.testing.assert_close(features.hidden, theirs.last_hidden_state, atol=1e-4, rtol=0)
    torch.testing.assert_close(features.pooled, theirs.pooler_output, atol=1e-4, rtol=0)
    # A text tower that the package saves alone has other names, and is the same.
    model.save_pretrained(tmp_path / "alone")
    convert_clip(tmp_path / "alone", tmp_path / "again", any_clip=True)
    for path in (tmp_path / "ours").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_clip_is_fetched_by_its_name_and_then_read_from_the_packages_cache(
    in_its_layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    cache, name = tmp_path / "cache", Path("ViT-L/14@336px")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        UserError, match=r"ViT-L/14@336px could not be fetched .*; try again .*, or download .* by hand"
    ):
        convert_clip(name, tmp_path / "out")
    # The cache as the package lays it out after a download.
    repository = cache / "models--openai--clip-vit-large-patch14-336"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots").mkdir()
    in_its_layout.rename(repository / "snapshots" / ("0" * 40))
    convert_clip(name, tmp_path / "out", any_clip=True)
    assert load_text_encoder(tmp_path / "out").width == WIDTH
    with pytest.raises(UserError, match="images of 28 pixels"):
        convert_clip(name, tmp_path / "other")
    with pytest.raises(UserError, match=r"no CLIP model ViT-L/99 to fetch; choose ViT-L/14@336px"):
        convert_clip(Path("ViT-L/99"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_without_the_package_a_name_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"with the package transformers .*\[clip\].*give its path instead"):
        convert_clip(Path("ViT-L/14@336px"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
