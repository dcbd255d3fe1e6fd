"""What is kept of a run of the search for learning rates: its log, and what the log says. Nothing is computed anew."""

from __future__ import annotations

from typing import Any

from repro.study.tuning import trial_of
from repro.training.run_store import Run

_CURVES = ("epoch", "step", "learning_rate", "train_loss", "train_error")


def trial_row(run: Run, target_error: float) -> dict[str, Any]:
    """Status, scalars, curves and provenance of a finished run, as they stand in its row of the evidence.

    `train_error` is the learning curve's last (1 after divergence), `iterations_to_target` is null when the
    curve never comes down to `target_error`.
    """
    record, rows = run.result(), run.log()
    curves = {name: [row.get(name) for row in rows] for name in _CURVES}
    diverged = record["status"] == "diverged"
    trial = trial_of(target_error, curves["step"], curves["train_error"], diverged=diverged)
    kept = ("final_train_loss", "steps", "epochs", "cpu_seconds", "pictures_per_second")
    return {
        "status": record["status"],
        "collapse_reason": "the loss was not finite" if diverged else None,
        "scalars": {
            "learning_rate": run.spec().settings.training.learning_rate,
            "train_error": trial.final_error,
            "iterations_to_target": trial.iterations,
            **{name: record[name] for name in kept},
        },
        "curves": curves,
        "provenance": {
            **record["provenance"],
            "weights_digest": record["weights_digest"],
            "sittings": record["sittings"],
        },
    }
