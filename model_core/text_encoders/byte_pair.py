"""CLIP's tokeniser: merges byte pairs in the order of a list that is bundled with the project."""

from __future__ import annotations

import gzip
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.processors import TemplateProcessing

from ..errors import UserError

MERGES = Path(__file__).resolve().parents[2] / "assets" / "text" / "clip-byte-pairs" / "merges.txt.gz"
START, END = "<|startoftext|>", "<|endoftext|>"
_WORD_END = "</w>"
# CLIP ignores case when it splits words: the long s counts as an s, and the combining iota matches nothing.
_WORDS = r"'[s\x{17f}]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}\x{345}]+"


def clip_tokenizer(merges: Path = MERGES) -> Tokenizer:
    """Build the tokeniser of every published CLIP model, for texts that ``clean_prompt`` has prepared.

    Args:
        merges: one pair per line, the most frequent first.

    Raises:
        UserError: the list is missing or damaged.
    """
    try:
        lines = gzip.decompress(merges.read_bytes()).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"CLIP's vocabulary {merges} is missing or damaged; install the project again.") from error
    pairs = [(first, second) for first, second in (line.split(" ") for line in lines)]
    letters = _byte_letters()
    names = [*letters, *(letter + _WORD_END for letter in letters), *(first + second for first, second in pairs)]
    vocabulary = {name: index for index, name in enumerate([*names, START, END])}
    tokenizer = Tokenizer(BPE(vocabulary, pairs, end_of_word_suffix=_WORD_END))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in (START, END)])
    words = Split(Regex(_WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = Sequence([words, ByteLevel(add_prefix_space=False, use_regex=False)])
    ends = [(token, vocabulary[token]) for token in (START, END)]
    tokenizer.post_processor = TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
    return tokenizer


def _byte_letters() -> list[str]:
    """A printable character for each byte: first the printable bytes as themselves, then the others from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(256, 256 + others))]
