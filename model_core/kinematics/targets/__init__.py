"""Motion that meets what an animator asks for: paths, poses, pins and contacts."""

from __future__ import annotations
