"""What every process that works for long needs: to end with its parent, to stop at a checkpoint, memory that stays.

For training and for measuring; nothing here knows of either.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 75  # after a checkpoint; the same command again goes on

# glibc returns large blocks to the kernel and page-faults them anew at every step unless told not to;
# read at process start, so whoever starts a worker must set them. See docs/scaling.md.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "10000000000",
    "MALLOC_TOP_PAD_": "200000000",
}


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

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return lambda: stopping
