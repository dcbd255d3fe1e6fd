"""What training took by the clock, as claims on time read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.evidence.record import RunRecord

Accelerators = tuple[str, ...]
"""The makers' names of a run's devices, one each; empty on CPU."""


@dataclass(frozen=True)
class RunTiming:
    """Clock seconds of one run.

    training     of the whole training, its learning curves and checkpoints included
    step         that divided by the steps
    pictures     what making its batch adds to a step's gradients, as a share of them; None where not timed (on CPU)
    """

    training: float
    step: float
    pictures: float | None


def timings_by_accelerators(runs: Sequence[RunRecord]) -> dict[Accelerators, list[RunTiming]]:
    """The timings of runs by what they ran on; runs whose clock seconds are not known are left out."""
    found: dict[Accelerators, list[RunTiming]] = {}
    for run in runs:
        seconds, steps = run.scalar("clock_seconds"), run.scalar("steps")
        accelerators = run.provenance.get("accelerators")
        if accelerators is None or seconds is None or not steps:
            continue
        new, same = run.scalar("new_batch_seconds"), run.scalar("same_batch_seconds")
        pictures = None if new is None or not same else new / same - 1
        found.setdefault(tuple(accelerators), []).append(RunTiming(seconds, seconds / steps, pictures))
    return found


def said(accelerators: Accelerators) -> str:
    """As people say it: 2 x GeForce GTX 580."""
    names = dict.fromkeys(accelerators)
    return " and ".join(f"{accelerators.count(name)} x {name}" for name in names)


Timings = Mapping[Accelerators, Sequence[RunTiming]]
