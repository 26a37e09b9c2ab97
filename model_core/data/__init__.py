"""Clips to train on: captured motion, its cleaning, and choreography. Knows no torch."""

from __future__ import annotations
