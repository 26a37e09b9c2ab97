"""Evaluation of models: recordings of the published code, prompts and leaders, physics, time and memory."""

from __future__ import annotations
