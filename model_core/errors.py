"""The one exception whose message is written for the person at the screen."""

from __future__ import annotations


class UserError(Exception):
    """Something a user can mend. The message is one sentence: what is wrong, where, and what to do about it.

    The command line, the worker and the add-on show the message alone; any other exception is a fault of ours.
    """
