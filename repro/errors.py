"""The one exception for what a user can cause and mend."""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what the user gave us: a file, a setting, a command line.

    The message is one clear sentence or two: it names the file or key, the value found, what is
    allowed, and what to do. The command line prints it and exits with code 2, without a traceback.
    """
