"""CLIP's preparation of a text for its tokeniser: the network was only trained on prepared texts.

CLIP repairs text with the library ftfy, resolves HTML entities twice, collapses white space and converts to lower case.
This module repairs text according to ftfy's documented behaviour: full-width characters, ligatures, curly quotes,
control characters, unpaired surrogates, and UTF-8 that was decoded with a one-byte encoding ("cafÃ©" for "café").
"""

from __future__ import annotations

import html
import html.entities
import re
import unicodedata
from functools import cache

_ONE_BYTE_ENCODINGS = (
    "latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso-8859-2", "mac-roman", "cp437",
)  # fmt: skip
# Evidence in the bytes for a text that was decoded wrongly: a sequence that is common in such texts and rare otherwise,
# or too many sequences for chance.
_ANY = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_MANY = rb"(?s:(?:(?:%s).*?){4})" % _ANY
_EVIDENCE = {
    # In these encodings the bytes are common letters: two sequences in a row, or punctuation.
    "cp1251": re.compile(rb"(?:[\xc2\xc3\xd0\xd1][\x80-\xbf]){2}|\xe2\x80[\x80-\xbf]|" + _MANY),
    "cp1253": re.compile(rb"(?:[\xc2\xc3\xce\xcf][\x80-\xbf]){2}|\xe2\x80[\x80-\xbf]|" + _MANY),
    "mac-roman": re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2[\x80-\xbf]{2}|" + _MANY),
}
_EVIDENCE_ELSEWHERE = re.compile(
    rb"[\xc2\xc3][ \x80-\xbf]|(?:[\xc4-\xdf][\x80-\xbf]){2}"
    rb"|[\xe0-\xef][\x1a\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|" + _MANY
)
# Some programs replace the byte A0 by a space, and unknown characters by U+FFFD (here the byte 1A).
_SPACED = re.compile(rb"\xc3 (?! |quele|quela|quilo|s )")
_LOST = re.compile(rb"[\xc2-\xdf]\x1a|[\xe0-\xef](?:\x1a[\x1a\x80-\xbf]|[\x80-\xbf]\x1a)|\x1a")

_ENTITY = re.compile(r"&#?[0-9A-Za-z]{1,24};")
_TERMINAL = re.compile(r"\x1b\[[\d;]*[a-zA-Z]")
_LINE_BREAK = re.compile("\r\n|[\r\u2028\u2029\x85]")
_C1_CONTROL = re.compile("[\x80-\x9f]")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")

_QUOTES = {
    **dict.fromkeys((0x2BC, 0x2018, 0x2019, 0x201A, 0x201B), "'"),
    **dict.fromkeys((0x201C, 0x201D, 0x201E, 0x201F), '"'),
}
_INVISIBLE = dict.fromkeys(
    (*range(9), 0x0B, *range(0x0E, 0x20), 0x7F, *range(0x206A, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFD))
)
_LIGATURES = {
    ord(letter): unicodedata.normalize("NFKC", letter)
    for letter in "\u0132\u0133\u0149\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u01f1\u01f2\u01f3"
    "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb06"
} | {0xFB05: "\u017ft"}
_WIDTHS = {0x3000: " "} | {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFFF0)}


def clean_prompt(text: str) -> str:
    """The text as CLIP's tokeniser expects it: repaired, in lower case, runs of white space as one space."""
    repaired = []
    entities = True
    for line in re.split("(?<=\n)", text):
        # In markup, entities may be intended.
        entities = entities and "<" not in line
        repaired.append(_repaired(line, entities=entities))
    resolved = html.unescape(html.unescape("".join(repaired)))
    return " ".join(resolved.split()).lower()


def _repaired(line: str, *, entities: bool) -> str:
    """The line, repaired repeatedly until nothing changes."""
    while True:
        before = line
        if entities:
            line = _ENTITY.sub(_entity, line)
        line = _redecoded(line)
        line = _C1_CONTROL.sub(lambda match: _table("cp1252")[0][ord(match[0])], line)
        line = line.translate(_LIGATURES).translate(_WIDTHS).translate(_QUOTES)
        line = _LINE_BREAK.sub("\n", line)
        line = _SURROGATE_PAIR.sub(lambda match: match[0].encode("utf-16", "surrogatepass").decode("utf-16"), line)
        line = _SURROGATE.sub("\ufffd", line)
        line = _TERMINAL.sub("", line).translate(_INVISIBLE)
        line = unicodedata.normalize("NFC", line)
        if line == before:
            return line


def _entity(match: re.Match[str]) -> str:
    """The character of an entity that ends in a semicolon, also if the entity is in capitals."""
    whole, name = match[0], match[0][1:]
    if name in html.entities.html5:
        return html.entities.html5[name]
    if name.startswith("#"):
        character = html.unescape(whole)
        return whole if ";" in character else character
    if name == name.upper() and name.lower() in html.entities.html5 and html.unescape(whole) == whole:
        return html.entities.html5[name.lower()].upper()
    return whole


@cache
def _table(encoding: str) -> tuple[str, dict[str, int]]:
    """The 256 characters of an encoding and their bytes; a byte without a character maps to itself."""
    characters = "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(256))
    codes = {character: byte for byte, character in enumerate(characters)}
    if encoding.startswith("cp125"):
        codes["\ufffd"] = codes.pop("\x1a")
    return characters, codes


def _redecoded(line: str) -> str:
    """The line with UTF-8 that was decoded with a one-byte encoding decoded correctly, repeatedly if needed."""
    while not line.isascii():
        before = line
        found = _as_utf8(line)
        line = _BEYOND_ASCII.sub(lambda match: _as_utf8(match[0]) or match[0], line) if found is None else found
        if line == before:
            break
    return line


def _as_utf8(text: str) -> str | None:
    """The text decoded as UTF-8 if its bytes in some one-byte encoding have evidence of UTF-8; else None."""
    for encoding in _ONE_BYTE_ENCODINGS:
        codes = _table(encoding)[1]
        if not all(character in codes for character in text):
            continue
        data = bytes(codes[character] for character in text)
        if not _EVIDENCE.get(encoding, _EVIDENCE_ELSEWHERE).search(data):
            continue
        if encoding != "mac-roman":
            data = _SPACED.sub(b"\xc3\xa0 ", data).replace(b"\xc2 ", b"\xc2\xa0").replace(b"\xc3 ", b"\xc3\xa0")
        if "\ufffd" in text:
            data = _LOST.sub("\ufffd".encode(), data)
        try:
            return data.decode()
        except UnicodeDecodeError:
            continue
    return None
