"""What is kept of a run of the search for learning rates: what its own record and log say; its net is not run."""

from __future__ import annotations

from typing import Any

from repro.measurement.run_record import curves_of, provenance_of, recorded_scalars, status_of
from repro.runs.store import Run
from repro.study.tuning import trial_of


def trial_row(run: Run, target_error: float, classes: int, train_pictures: int) -> dict[str, Any]:
    """Status, scalars, curves and provenance of a finished run, as they stand in its row of the evidence.

    `train_error` is the learning curve's last (1 after divergence), `iterations_to_target` is null when the
    curve never comes down to `target_error`.
    """
    record, curves = run.result(), curves_of(run.log())
    status, reason = status_of(record, classes, constant=False)
    trial = trial_of(target_error, curves, diverged=status == "diverged")
    return {
        "status": status,
        "collapse_reason": reason,
        "scalars": {
            **recorded_scalars(run, record, classes, train_pictures),
            "train_error": trial.final_error,
            "iterations_to_target": trial.iterations,
        },
        "curves": curves,
        "provenance": provenance_of(run, record),
    }
