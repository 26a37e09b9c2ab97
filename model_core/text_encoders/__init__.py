"""Frozen text encoders, from a prompt to hidden states and one vector: folders, tokenisers and the import of CLIP."""

from __future__ import annotations

from .encoder import TextEncoder, TextFeatures
from .folder import load_text_encoder

__all__ = ["TextEncoder", "TextFeatures", "load_text_encoder"]
