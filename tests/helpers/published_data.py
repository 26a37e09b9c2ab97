"""Small made-up data sets in the layouts of InterHuman and Inter-X, and small evaluators under the published names."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch

from model_core.networks.interx_evaluator import InterXEvaluator, InterXEvaluatorConfig
from model_core.networks.published_evaluator import InterClip, InterClipConfig

WORDS = ["two", "people", "hug", "bow", "one", "person", "walks", "left", "push", "unk", "sos", "eos", "a"]
SMALL_CLIP = InterClipConfig(
    width=32, layers=1, feed_forward=16, text_width=16, text_layers=1, text_feed_forward=16, embedding=8
)
SMALL_INTERX = InterXEvaluatorConfig(
    movement=8, movement_hidden=8, motion_width=8, text_width=8, word_width=6, embedding=8
)


def raw_interhuman(random: np.random.Generator, frames: int) -> np.ndarray:
    """(frames, 492) one person who drifts: no pose of a human, but numbers in every column."""
    values = random.normal(scale=0.3, size=(1, 492)) + 0.02 * random.normal(size=(frames, 492)).cumsum(0)
    return values.astype(np.float32)


def interhuman_folder(folder: Path, lengths: dict[str, int]) -> Path:
    """A data set whose test split has clips of these numbers of frames."""
    random = np.random.default_rng(0)
    for number, (name, frames) in enumerate(lengths.items()):
        for person in ("person1", "person2"):
            path = folder / "motions_processed" / person / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, raw_interhuman(random, frames))
        path = folder / "annots" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"two people {act} {number} times\n" for act in ("bow", "hug", "push")))
    (folder / "split").mkdir()
    (folder / "split" / "test.txt").write_text("".join(f"{name}\n" for name in lengths))
    return folder


def interx_folder(folder: Path, lengths: dict[str, int]) -> Path:
    """A data set whose test split has clips of these numbers of frames; needs h5py."""
    import h5py

    random = np.random.default_rng(0)
    for name in ("motions", "splits", "texts_processed", "glove"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "motions" / "test.h5", "w") as file:
        for name, frames in lengths.items():
            file[name] = random.normal(scale=0.5, size=(frames, 56, 6))
            lines = (
                "two people hug#two/NUM people/NOUN hug/VERB#0.0#0.0\n",
                "one person bows#one/NUM person/NOUN#0.0#0.0",
            )
            (folder / "texts_processed" / f"{name}.txt").write_text("".join(lines))
    (folder / "splits" / "test.txt").write_text("\n".join(lengths))
    np.save(folder / "glove" / "hhi_vab_data.npy", random.normal(size=(len(WORDS), 6)))
    with (folder / "glove" / "hhi_vab_idx.pkl").open("wb") as stream:
        pickle.dump({word: row for row, word in enumerate(WORDS)}, stream)
    return folder


class Callback:
    """Stands for what a training program keeps beside the weights."""


def interclip_file(path: Path, config: InterClipConfig = SMALL_CLIP) -> Path:
    """A random evaluator as a Lightning checkpoint, with objects of other programs in it."""
    torch.manual_seed(0)
    network = InterClip(config)
    network.motion_encoder.query.data.normal_()
    network.text_encoder.positions.data.normal_()
    network.motion_encoder.position.normal_()
    names = {
        "motion_encoder.project.": "motion_encoder.embed_motion.",
        "motion_encoder.query": "motion_encoder.query_token",
        "motion_encoder.position": "motion_encoder.sequence_pos_encoder.pe",
        "motion_encoder.layers.layers.": "motion_encoder.transformer.layers.",
        "motion_encoder.norm.": "motion_encoder.out_ln.",
        "motion_encoder.embed.": "motion_encoder.out.",
        "text_encoder.tokens.weight": "token_embedding.weight",
        "text_encoder.positions": "positional_embedding",
        "text_encoder.layers.layers.": "textTransEncoder.layers.",
        "text_encoder.norm.": "text_ln.",
        "text_encoder.embed.": "out.",
        "scale": "latent_scale",
    }
    state = {}
    for key, value in network.state_dict().items():
        prefix = next(name for name in names if key.startswith(name))
        state["model." + names[prefix] + key.removeprefix(prefix)] = value
    torch.save({"state_dict": state, "epoch": 3, "callbacks": {Callback: Callback()}}, path)
    return path


def interx_evaluator_file(path: Path, config: InterXEvaluatorConfig = SMALL_INTERX) -> Path:
    """A random evaluator as the published training writes it."""
    torch.manual_seed(0)
    state = InterXEvaluator(config).state_dict()
    parts = {
        part: {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
        for part in ("movement_encoder", "motion_encoder", "text_encoder")
    }
    torch.save({**parts, "epoch": 3, "iter": 4}, path)
    return path
