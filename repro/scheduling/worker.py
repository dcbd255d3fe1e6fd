"""The process that trains one run: `python -m repro.scheduling.worker --store STORE --run IDENTITY`.

Idempotent: a finished run exits 0 at once, an unfinished one resumes. Exit codes say what happened, so
that whatever started it (the local pool, a cluster's engine, a shell loop) knows what to do next.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import UserError, mendable
from repro.processes import INTERRUPTED, die_with_parent, stop_on_signals
from repro.runs.lease import Lease, LeaseTaken
from repro.runs.store import Run

if TYPE_CHECKING:  # torch is imported when a run is really trained
    from repro.training.devices.run_placement import RunPlacement

FINISHED = 0
FAILED = 1
USER_ERROR = 2
LEASE_TAKEN = 73
"""Beside these: `repro.processes.INTERRUPTED`."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m repro.scheduling.worker", description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="the store of runs")
    parser.add_argument("--run", required=True, help="identity of the run")
    parser.add_argument(
        "--device", default="cpu", help="cpu, cuda:0, cuda:0+graph and so on; cuda:0,cuda:1 splits the towers"
    )
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0, help="seconds between checkpoints")
    parser.add_argument("--runs-a-device", type=int, default=1, help="how many runs share the device; recorded")
    parser.add_argument("--parent", type=int, help="process id to die with")
    options = parser.parse_args(arguments)
    if options.parent is not None:
        die_with_parent(options.parent)

    return train_run(
        Run(options.store, options.run),
        options.device,
        options.checkpoint_seconds,
        stop_on_signals(),
        runs_a_device=options.runs_a_device,
    )


def train_run(
    run: Run,
    device: str,
    checkpoint_seconds: float,
    should_stop: Callable[[], bool],
    *,
    runs_a_device: int = 1,
) -> int:
    """Train a run to its end under its lease; returns an exit code."""
    if run.finished:
        return FINISHED
    try:
        with Lease(run.lease_path):
            if run.finished:  # by whoever held the lease until now
                return FINISHED
            return compute(run, _placement_of(run, device, runs_a_device), checkpoint_seconds, should_stop)
    except LeaseTaken as taken:
        print(f"run {run.identity} is being trained by {taken.owner}", file=sys.stderr)
        return LEASE_TAKEN
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except OSError as error:
        mistake = mendable(error)
        if mistake is None:
            raise
        print(f"error: {mistake}", file=sys.stderr)
        return USER_ERROR


def _placement_of(run: Run, device: str, runs_a_device: int) -> RunPlacement:
    """One device, or one for each tower: of two devices a net of one tower takes the first."""
    from repro.training.devices.run_placement import RunPlacement, training_devices

    devices, graphed = training_devices(device)
    return RunPlacement(*devices[: run.spec().settings.net.towers], runs_a_device=runs_a_device, graphed=graphed)


def compute(
    run: Run,
    placement: RunPlacement,
    checkpoint_seconds: float,
    should_stop: Callable[[], bool],
    report: Callable[[dict[str, Any]], None] = lambda progress: None,
) -> int:
    """Train a run, whose lease is held, at its placement; returns an exit code."""
    import torch

    from repro.data.packed import open_packed
    from repro.scheduling.progress_file import write_progress
    from repro.training.devices.run_placement import prepare_devices
    from repro.training.loop import Interrupted, Training

    def report_progress(progress: dict[str, Any]) -> None:
        if placement.leads:
            write_progress(run.folder, progress)
            report(progress)

    torch.set_num_threads(1)
    spec = run.spec()
    prepare_devices(placement.devices, spec.settings.training.precision)
    packed = open_packed(run.store / spec.pictures)
    if packed.digest != spec.data_digest:
        raise UserError(f"{run.store / spec.pictures} does not hold run {run.identity}'s pictures; run `repro prepare`")
    try:
        Training(run, packed, placement).train(
            checkpoint_seconds=checkpoint_seconds,
            should_stop=should_stop,
            report=report_progress,
        )
    except Interrupted:
        return INTERRUPTED
    return FINISHED


if __name__ == "__main__":
    sys.exit(main())
