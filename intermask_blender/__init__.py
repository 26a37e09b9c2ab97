"""The Blender extension: characters that move together, from a sentence or from a partner.

Importing this package loads neither torch nor Blender; ``register`` loads what Blender needs.
"""

from __future__ import annotations


def register() -> None:
    """Make the panel, its settings and its operators known to Blender."""
    from .registration import register_all

    register_all()


def unregister() -> None:
    """Take everything back and end the generator's process."""
    from .registration import unregister_all

    unregister_all()
