"""What every process that works for long needs: to end with its parent, to stop at a checkpoint, memory that stays.

For training and for measuring; nothing here knows of either.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

INTERRUPTED = 75  # after a checkpoint; the same command again goes on
ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)

# Read at process start, so whoever starts a process that computes must set them; docs/scaling.md says what they win.
_ALLOCATOR = {
    # glibc returns large blocks to the kernel and page-faults them anew at every step unless told not to.
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "10000000000",
    "MALLOC_TOP_PAD_": "200000000",
    # Linux puts pages of 2 MB under large tensors if torch asks for them, and under the rest if glibc (2.35) does.
    "THP_MEM_ALLOC_ENABLE": "1",
}
_TUNABLES = "GLIBC_TUNABLES"
ALLOCATOR_VARIABLES = (*_ALLOCATOR, _TUNABLES)


def allocator() -> dict[str, str]:
    """Environment variables with which a process that computes keeps its memory, in large pages."""
    tunables = filter(None, [os.environ.get(_TUNABLES), "glibc.malloc.hugetlb=1"])  # the user's own stay
    return {**_ALLOCATOR, _TUNABLES: ":".join(tunables)}


ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""For a process that shares the cores with others like it."""


@contextlib.contextmanager
def extended_environment(values: Mapping[str, str]) -> Iterator[None]:
    """What processes started in the block find in their environment: it is read before any of our code runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def die_with_parent(parent: int | None) -> None:
    """Ask the kernel to end this process when its parent ends (Linux), so that no orphan trains on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit(INTERRUPTED)


def leave_on_sigterm() -> None:
    """Let SIGTERM raise SystemExit, so that `with` blocks end in order and the runs in them write their checkpoints."""

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        sys.exit(INTERRUPTED)

    signal.signal(signal.SIGTERM, leave)


def stop_on_signals() -> Callable[[], bool]:
    """A function that says whether SIGTERM or SIGINT has come; from now on neither ends the process by itself."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in ASKED_TO_END:
        signal.signal(number, stop)
    return lambda: stopping
