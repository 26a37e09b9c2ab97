"""Finger poses: which state the fingers of a hand are in, what it looks like, and how fingers close on a hand."""
