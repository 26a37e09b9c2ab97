"""Everything that knows a model on disk: folders, published weights and their import, training captions."""

from __future__ import annotations
