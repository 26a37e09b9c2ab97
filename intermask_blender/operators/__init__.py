"""What buttons do. Operators are thin: they read settings, call the modules beside them, and report."""

from __future__ import annotations
