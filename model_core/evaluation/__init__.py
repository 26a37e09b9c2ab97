"""Measuring: equality with recordings of the published code, and the quality of motion."""
