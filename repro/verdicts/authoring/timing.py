"""What training took by the clock, as claims on time read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.evidence.record import RunRecord

Accelerators = tuple[str, ...]
"""The makers' names of a run's devices, one each; empty on CPU."""


@dataclass(frozen=True)
class RunTiming:
    """Clock seconds of one run.

    epoch         of a pass over the training pictures; learning curves and checkpoints are included
    step          of an update, likewise
    augmentation  what it adds to a step's gradients, as a share of them; None where not timed (on CPU)
    """

    epoch: float
    step: float
    augmentation: float | None


def timings_by_accelerators(runs: Sequence[RunRecord]) -> dict[Accelerators, list[RunTiming]]:
    """The timings of runs by what they ran on.

    Left out are runs whose clock seconds are not known, that shared their device with others, whose update
    was a CUDA graph, since it can be one only on a single device, or that diverged, which ended early.
    """
    timings: dict[Accelerators, list[RunTiming]] = {}
    for run in runs:
        seconds, steps, epochs = (run.scalar(name) for name in ("clock_seconds", "steps", "epochs"))
        accelerators = run.provenance.get("accelerators")
        usual = run.provenance.get("runs_a_device") == 1 and not run.provenance.get("graphed")
        if run.status == "diverged" or accelerators is None or not usual or seconds is None or not steps or not epochs:
            continue
        augmented, plain = run.scalar("augmented_step_seconds"), run.scalar("plain_step_seconds")
        augmentation = None if augmented is None or not plain else augmented / plain - 1
        timing = RunTiming(seconds / epochs, seconds / steps, augmentation)
        timings.setdefault(tuple(accelerators), []).append(timing)
    return timings


def said(accelerators: Accelerators) -> str:
    """The accelerators in words, for instance "2 x GeForce GTX 580"."""
    names = dict.fromkeys(accelerators)
    return " and ".join(f"{accelerators.count(name)} x {name}" for name in names)
