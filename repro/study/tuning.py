"""The search for each variant's learning rate (section 3.1: rates chosen independently): what is asked, what won.

A study that compares how fast nets learn gives each of them its best rate: every rate of a grid is tried on
seeds that no report uses, and the rate wins that reaches a training error in the fewest iterations.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from repro.settings import Settings

Rate = Annotated[float, Field(gt=0)]


class Tuning(Settings):
    """The `tuning:` block of a study."""

    variants: tuple[str, ...] = Field(min_length=1, description="whose learning rate is searched")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, description="none of the study's own")
    learning_rates: tuple[Rate, ...] = Field(min_length=2, description="tried, in ascending order")
    target_error: float = Field(0.25, gt=0, lt=1, description="training error to be reached; figure 1: 0.25")

    @model_validator(mode="after")
    def _nothing_twice(self) -> Tuning:
        for key in ("variants", "seeds"):
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: {list(values)} names something twice")
        if list(self.learning_rates) != sorted(set(self.learning_rates)):
            raise ValueError(f"learning_rates: {list(self.learning_rates)} must ascend without repetition")
        return self


@dataclass(frozen=True)
class Trial:
    """What came of training a variant with one rate from one tuning seed."""

    iterations: float | None
    """To the target error; None when it was not reached."""
    final_error: float
    """Training error at the end; 1 for a run that diverged."""


@dataclass(frozen=True)
class TunedRate:
    """The rate that won. At the edge of the grid (`interior` false) the best rate may lie beyond it."""

    rate: float
    interior: bool
    criterion: Literal["iterations", "final_train_error"]
    """What decided: the final error where no rate reached the target in more than half of its trials."""

    def record(self) -> dict[str, Any]:
        return asdict(self)


def iterations_to(target: float, steps: Sequence[float | None], errors: Sequence[float | None]) -> float | None:
    """Where a curve first comes down to `target`, by straight lines between its points; None when it never does.

    Points without an error are passed over.
    """
    points = [
        (step, error) for step, error in zip(steps, errors, strict=True) if step is not None and error is not None
    ]
    if points and points[0][1] <= target:
        return float(points[0][0])
    for (before, high), (after, low) in pairwise(points):
        if low <= target:
            return before + (after - before) * (high - target) / (high - low)
    return None


def trial_of(target: float, curves: Mapping[str, Sequence[float | None]], *, diverged: bool) -> Trial:
    """The trial of a run, from its logged curves (`step`, `train_error`) and from whether it diverged."""
    steps, errors = curves.get("step", ()), curves.get("train_error", ())
    last = next((error for error in reversed(errors) if error is not None), 1.0)
    return Trial(iterations_to(target, steps, errors), 1.0 if diverged else last)


def best_rate(trials: Mapping[float, Sequence[Trial]]) -> TunedRate:
    """Of rates with their trials, the one with the fewest iterations to the target, by the median over trials.

    An unreached target counts as more iterations than any. Ties, and rates of which none reaches it, are
    decided by the median final training error, then for the smaller rate.
    """
    iterations, _, rate = min((_median_iterations(of), _median_error(of), rate) for rate, of in trials.items())
    return TunedRate(
        rate=rate,
        interior=min(trials) < rate < max(trials),
        criterion="iterations" if math.isfinite(iterations) else "final_train_error",
    )


def _median_iterations(trials: Sequence[Trial]) -> float:
    return statistics.median(math.inf if trial.iterations is None else trial.iterations for trial in trials)


def _median_error(trials: Sequence[Trial]) -> float:
    return statistics.median(trial.final_error for trial in trials)
