"""The folder that `prepare` works in: one process at a time, space checked first, published by one rename."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from repro.errors import UserError
from repro.files import writing
from repro.progress import say

_MARGIN = 16 << 20


@contextlib.contextmanager
def errors_of(folder: Path, afterwards: str) -> Iterator[None]:
    """Make `folder`, and turn a full disk or a missing permission in the block into one clear error.

    `afterwards` says what has become of the work done so far.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror or error}; {afterwards}") from error


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold `lock` for the block; a second process says that it waits, and waits. A killed holder frees it."""
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout:
        say(f"another process prepares the same pictures ({lock.name}); waiting for it")
        held.acquire()
    try:
        yield
    finally:
        held.release()


def check_space(folder: Path, needed: int, advice: str) -> None:
    """UserError when the disk has not `needed` bytes for `folder`; what lies in it already counts.

    `advice` says what to do but making room.
    """
    taken = sum(path.stat().st_blocks * 512 for path in folder.iterdir())
    missing = max(0, needed - taken) + _MARGIN
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise UserError(
            f"{folder.parent} needs {missing / 1e9:.2f} GB for the pictures, {free / 1e9:.2f} GB are free; make room "
            f"or {advice}"
        )


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as .npy, atomically."""
    with writing(path) as handle:
        np.save(handle, array, allow_pickle=False)


def publish(work: Path, folder: Path) -> None:
    """Give the finished folder its name; its manifest is already in it."""
    if folder.exists():
        raise UserError(f"{folder} exists but is not finished; remove it and run `repro prepare` again")
    work.rename(folder)
