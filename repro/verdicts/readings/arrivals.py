"""Where on its learning curve a run arrives: at a target, or where its error has converged."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from repro.evidence.record import RunRecord
from repro.study.tuning import iterations_to

CONVERGED_WITHIN = 0.01
"""Relative distance from a run's lowest smoothed held-out error at which it has converged."""
STILL_FALLING = 0.9
"""A run whose error comes that near only after this share of its points may still be on its way down."""
SMOOTHED_OVER = 3
"""Points of a curve whose mean stands for the middle one."""


@dataclass(frozen=True)
class Arrival:
    """The iteration at which a run arrived; `censored`: the run ended there and had not arrived."""

    iterations: float
    censored: bool = False


def arrival_at(run: RunRecord, target: float) -> Arrival:
    """The iteration at which a run's training error first reached the target, by straight lines between points."""
    points = points_of(run, "train_error")
    reached = iterations_to(target, [step for step, _ in points], [error for _, error in points])
    return Arrival(points[-1][0], censored=True) if reached is None else Arrival(reached)


def convergence(run: RunRecord) -> Arrival:
    """The first iteration whose smoothed held-out error is within 1 % of the lowest; censored among the last points."""
    points = points_of(run, "held_out_error")
    errors = [error for _, error in points]
    around = SMOOTHED_OVER // 2
    smoothed = [fmean(errors[max(0, index - around) : index + around + 1]) for index in range(len(errors))]
    enough = min(smoothed) * (1 + CONVERGED_WITHIN)
    first = next(index for index, error in enumerate(smoothed) if error <= enough)
    return Arrival(points[first][0], censored=first >= STILL_FALLING * len(points))


def points_of(run: RunRecord, curve: str) -> list[tuple[float, float]]:
    """Steps and values of a curve where it has both."""
    pairs = zip(run.curves.get("step", ()), run.curves.get(curve, ()), strict=False)
    return [(float(step), float(value)) for step, value in pairs if step is not None and value is not None]
