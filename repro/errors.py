"""The one exception for what a user can cause and mend."""

from __future__ import annotations

import errno
import sys

_MENDABLE = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR,
    errno.ENAMETOOLONG, errno.ELOOP,
)  # fmt: skip


class UserError(Exception):
    """A mistake in what the user gave us: a file, a setting, a command line.

    The message is one clear sentence or two: it names the file or key, the value found, what is
    allowed, and what to do. The command line prints it and exits with code 2, without a traceback.
    """


def mendable(error: OSError) -> UserError | None:
    """The error as a sentence for a user who can mend it; None for an error that a user cannot mend.

    A full disk, a missing permission, a file where a folder should be, a name that is too long, links in a circle.
    """
    if error.errno not in _MENDABLE:
        return None
    return UserError(f"{error.filename or 'writing'}: {error.strerror}; nothing finished was changed")


def missing_module(error: ModuleNotFoundError) -> str:
    """What to do where a library is not installed: without the environment, or in one that was made half-way."""
    return (
        f"{sys.executable} has no module {error.name}: run `make environment` in the project and use bin/repro "
        "or .venv/bin/python, or `pip install -e .` with this Python"
    )
