"""Was learning cut short? What the curve of the held-out error says of it.

Nets that are stopped early are ranked by how fast they learn, which favours shallow ones; nets whose error has come to
rest at the first learning rate are ranked by what they can learn. How far the training error has left the held-out
error behind says nothing of it: an AlexNet trained on all of ImageNet errs on 35 % of its training pictures and 40 %
of the others (Zeiler and Fergus 2014, table 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated

QUARTERS = 4


def fall_from_guessing(
    evidence: Evidence, runs: Sequence[RunRecord], fewest: int, curve: str | None = None
) -> float | NotEvaluated | None:
    """By how much an error still fell in the last quarter of the steps at the first learning rate.

    The mean curve's fall from the third quarter's points to the last quarter's, as a share of its whole fall from
    guessing's error to the last quarter's; single runs are too noisy for it. `fewest`: points that either quarter
    must have in each run. None when every run was ended by its plateau schedule: such a run has settled by
    definition. curve: the error's name among the run's curves; None: the validation error where a schedule has one,
    else the held-out error.
    """
    before, after = [], []
    for run in runs:
        if run.status == "finished" and _ended_by_plateau(evidence, run):
            continue
        if run.status != "finished":  # it stays in with its error, and has no curve that means anything
            continue
        third, last = _quarters(run, curve or settled_curve(run))
        if min(len(third), len(last)) < fewest:
            return NotEvaluated(
                "not_a_number",
                f"the learning curve of {run.variant} seed {run.seed} has {len(third)} and {len(last)} points in the "
                f"third and the last quarter of the steps at the first learning rate; at least {fewest} each are "
                f"needed: {_remedy(evidence, run)}",
            )
        before.append(fmean(third))
        after.append(fmean(last))
    if not after:
        return None
    whole = evidence.study.chance_error - fmean(after)
    return (fmean(before) - fmean(after)) / whole if whole > 0 else 1.0


def _remedy(evidence: Evidence, run: RunRecord) -> str:
    """Which setting gives more points: a finer curve, or more passes where it has a point a pass already."""
    every = evidence.study.settings.get(run.variant, {}).get("training", {}).get("curve_every", 1)
    return "a smaller training.curve_every gives more" if every > 1 else "more training.epochs give more"


def settled_curve(run: RunRecord) -> str:
    """The name of the curve by which a run has settled: its validation error, else its held-out error."""
    return "validation_error" if "validation_error" in run.curves else "held_out_error"


def settled_windows(run: RunRecord) -> tuple[float, float, float] | None:
    """Where the last two quarters of the steps at the first learning rate begin, and where the last one ends.

    A point belongs to the window at whose end it stands. None for a run without points at its first rate.
    """
    rates, steps = run.curves.get("learning_rate", []), run.curves.get("step", [])
    first = [float(step) for rate, step in zip(rates, steps, strict=False) if rate == rates[0] and step is not None]
    return None if not first else ((1 - 2 / QUARTERS) * first[-1], (1 - 1 / QUARTERS) * first[-1], first[-1])


def _quarters(run: RunRecord, error: str) -> tuple[list[float], list[float]]:
    """Errors at the points in the third and in the last quarter of the steps at the first learning rate."""
    windows = settled_windows(run)
    if windows is None:
        return [], []
    third, last, end = windows
    points = zip(run.curves["step"], run.curves.get(error, []), strict=False)
    curve = [(float(step), float(value)) for step, value in points if step is not None and value is not None]
    return (
        [value for step, value in curve if third < step <= last],
        [value for step, value in curve if last < step <= end],
    )


def _ended_by_plateau(evidence: Evidence, run: RunRecord) -> bool:
    training = evidence.study.settings.get(run.variant, {}).get("training", {})
    planned, passes = training.get("epochs"), run.scalar("epochs")
    plateau = training.get("schedule", {}).get("kind") == "plateau"
    return plateau and planned is not None and passes is not None and passes < planned
