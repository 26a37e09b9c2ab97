"""What buttons do. Operators are thin: they read settings, call the other packages, and report."""

from __future__ import annotations
