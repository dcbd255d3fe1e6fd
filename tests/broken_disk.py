"""A disk that refuses to be written: full (ENOSPC), without permission (EACCES) or read-only (EROFS), here and in
child processes; and Ctrl-C that comes while something is written.

Root may write anywhere and no test can fill a disk, so the operating system's refusals are put in its mouth:
an audit hook sees every opening, making and renaming, whichever library asks for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from repro.scheduling.run_process import start_process

At = Literal["open", "write", "rename"]
VARIABLE = "BROKEN_DISK"
CTRL_C = -1
"""In place of an error's number: the user loses patience at that moment."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_SYNCING = ("fsync", "posix_fallocate", "pwrite")


@dataclass
class _Fault:
    folder: str
    number: int
    at: At
    spared: int

    def strike(self, path: object) -> None:
        """The error, if `path` lies in the folder and enough operations were spared."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = str(Path(os.fsdecode(path)).absolute())
        if not name.startswith(self.folder):
            return
        self.spared -= 1
        if self.spared >= 0 or (self.at == "rename" and self.spared < -1):
            return
        if self.number == CTRL_C:
            self.spared = sys.maxsize  # once
            raise KeyboardInterrupt
        raise OSError(self.number, os.strerror(self.number), name)


_fault: _Fault | None = None
_hooked = False


@contextlib.contextmanager
def broken_disk(folder: Path, number: int, at: At = "open", spared: int = 0) -> Iterator[None]:
    """In the block nothing in `folder` can be opened for writing or made ("open") or brought to the disk
    ("write"), after `spared` times that still succeed; or one renaming to there fails ("rename").
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in _SYNCING:
            if hasattr(os, name):
                patch.setattr(os, name, _refusing(getattr(os, name)))
        _break(folder, number, at, spared)
        try:
            yield
        finally:
            _mend()


def broken_for_children(
    scratch: Path, patch: pytest.MonkeyPatch, folder: Path, number: int, at: At = "open", spared: int = 0
) -> None:
    """The same for every Python that this process starts from now on, runs' processes among them."""
    patch.setattr("repro.scheduling.local_pool.start", start_process)  # a fork server may have been started before
    hook = "import tests.broken_disk as disk\ndisk.break_as_told()\n"
    (scratch / "sitecustomize.py").write_text(hook)
    patch.setenv("PYTHONPATH", str(scratch))
    patch.setenv(VARIABLE, f"{number}:{at}:{spared}:{folder}")


def break_as_told() -> None:
    """In a child: break the disk as the environment says, for good."""
    number, at, spared, folder = os.environ[VARIABLE].split(":", 3)
    for name in _SYNCING:
        if hasattr(os, name):
            setattr(os, name, _refusing(getattr(os, name)))
    _break(Path(folder), int(number), at, int(spared))  # type: ignore[arg-type]


def _break(folder: Path, number: int, at: At, spared: int) -> None:
    global _fault, _hooked
    if not _hooked:
        sys.addaudithook(_hook)  # it stays, and does nothing without a fault
        _hooked = True
    _fault = _Fault(str(folder), number, at, spared)


def _mend() -> None:
    global _fault
    _fault = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _fault is None:
        return
    making = event == "os.mkdir" or (event == "open" and (arguments[2] or 0) & _WRITING)
    removing = event == "shutil.rmtree" and _fault.number in (errno.EROFS, CTRL_C)  # a full disk allows that
    if _fault.at == "open" and (making or removing):
        _fault.strike(arguments[0])
    elif _fault.at == "rename" and event == "os.rename":
        _fault.strike(arguments[1])


def _refusing(real: Callable[..., Any]) -> Callable[..., Any]:
    def instead(descriptor: int, *arguments: Any) -> Any:
        if _fault is not None and _fault.at == "write":
            link = Path(f"/proc/self/fd/{descriptor}")
            _fault.strike(link.readlink() if link.is_symlink() else _fault.folder)
        return real(descriptor, *arguments)

    return instead
