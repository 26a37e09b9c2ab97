"""The pipeline as a process: requests on its standard input, replies on its standard output."""

from __future__ import annotations
