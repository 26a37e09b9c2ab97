"""What CLIP does to a text before cutting it into tokens."""

from __future__ import annotations

import html


def clean_prompt(text: str) -> str:
    """The text in lower case, HTML entities resolved, runs of white space as one space."""
    return " ".join(html.unescape(html.unescape(text)).split()).lower()
