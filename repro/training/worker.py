"""The process that trains one run: `python -m repro.training.worker --store STORE --run IDENTITY`.

Idempotent: a finished run exits 0 at once, an unfinished one resumes. Exit codes say what happened, so
that whatever started it (the local pool, a cluster's engine, a shell loop) knows what to do next.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

FINISHED = 0
FAILED = 1
USER_ERROR = 2
LEASE_TAKEN = 73
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m repro.training.worker", description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="the store of runs")
    parser.add_argument("--run", required=True, help="identity of the run")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda:0 and so on")
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0, help="seconds between checkpoints")
    parser.add_argument("--parent", type=int, help="process id to die with")
    options = parser.parse_args(arguments)
    if options.parent is not None:
        die_with_parent(options.parent)

    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return train_run(options.store, options.run, options.device, options.checkpoint_seconds, lambda: stopping)


def train_run(store: Path, identity: str, device: str, checkpoint_seconds: float, should_stop: Any) -> int:
    """Train a run to its end under its lease; returns an exit code."""
    from repro.errors import UserError, mendable
    from repro.training.lease import Lease, LeaseTaken
    from repro.training.run_store import Run

    run = Run(store, identity)
    if run.finished:
        return FINISHED
    try:
        with Lease(run.lease_path):
            if run.finished:  # by whoever held the lease until now
                return FINISHED
            return _train(run, device, checkpoint_seconds, should_stop)
    except LeaseTaken as taken:
        print(f"run {identity} is being trained by {taken.owner}", file=sys.stderr)
        return LEASE_TAKEN
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except OSError as error:
        told = mendable(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return USER_ERROR


def _train(run: Any, device: str, checkpoint_seconds: float, should_stop: Any) -> int:
    import torch

    from repro.data.packed import open_packed
    from repro.errors import UserError
    from repro.training.loop import Interrupted, Training
    from repro.training.progress_file import write_progress

    torch.set_num_threads(1)
    place = torch.device(device)
    spec = run.spec()
    check_device(place, spec.settings.training.precision)
    packed = open_packed(run.store / spec.pictures)
    if packed.digest != spec.data_digest:
        raise UserError(f"{run.store / spec.pictures} does not hold run {run.identity}'s pictures; run `repro prepare`")
    try:
        Training(run, packed, place).train(
            checkpoint_seconds=checkpoint_seconds,
            should_stop=should_stop,
            report=lambda progress: write_progress(run.folder, progress),
        )
    except Interrupted:
        return INTERRUPTED
    return FINISHED


def check_device(device: Any, precision: str) -> None:
    """UserError when a device is not there or cannot compute in a precision; sets what precision needs."""
    import torch

    from repro.errors import UserError

    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise UserError(f"--device {device}: there are {torch.cuda.device_count()} CUDA devices here; use cpu")
    if device.type == "cpu" and precision in ("bf16", "tf32"):
        raise UserError(f"training.precision: {precision} needs a GPU; on CPU use float32")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.use_deterministic_algorithms(True, warn_only=True)


if __name__ == "__main__":
    sys.exit(main())
