"""From a result to the user's scene: characters, takes, edits, markers and export."""

from __future__ import annotations
