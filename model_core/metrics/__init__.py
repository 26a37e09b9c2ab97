"""Measures of motion: detectors of interactions, physics, retrieval and Frechet distance."""

from __future__ import annotations
