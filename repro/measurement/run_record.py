"""What a run's own record and log say: status, costs, curves, provenance. Nothing here runs a net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from repro.data.chosen_pictures import classes_in, pictures_of
from repro.data.packed import Packed
from repro.net.table.layers import layer_table, multiply_adds, parameters
from repro.runs.store import Run
from repro.study.tuning import trial_of
from repro.training.records.tensors_digest import tensors_digest_of_run

COLLAPSED_LOSS_SHARE = 0.95
"""A run whose final training loss is at least this share of ln(classes) has collapsed."""
LATE = 0.1
"""The last passes over which training's own loss and error are averaged, as a share of all; at least one pass."""
_CURVES = (
    *("epoch", "step", "learning_rate", "train_loss", "batch_error"),
    *("train_error", "held_out_error", "validation_error"),
)


def recorded_scalars(run: Run, record: Mapping[str, Any], outputs: int, train_pictures: int) -> dict[str, Any]:
    """Numbers of the run's final record, settings and net; `outputs` are the classes that the net tells apart."""
    settings = run.spec().settings
    table = layer_table(settings.net, outputs)
    return {
        "final_train_loss": record["final_train_loss"],
        **as_trained(run.log(), diverged=record["status"] == "diverged"),
        "decay_dose": record["decay_dose"],
        "steps": record["steps"],
        "epochs": record["epochs"],
        "steps_per_epoch": math.ceil(train_pictures / settings.training.batch_size),
        "learning_rate": settings.training.learning_rate,
        "cpu_seconds": record["cpu_seconds"],
        **{name: record.get(name) for name in ("clock_seconds", "augmented_step_seconds", "plain_step_seconds")},
        "pictures_per_second": record["pictures_per_second"],
        "parameters": parameters(table),
        "multiply_adds": multiply_adds(table),
    }


def as_trained(rows: list[dict[str, Any]], *, diverged: bool) -> dict[str, float | None]:
    """Loss and top-1 error of the last passes' batches as they were trained on; every pass has as many pictures.

    Null after divergence, and the error also where a pass did not count it (runs of older versions).
    """
    passes = [row for row in rows if "train_loss" in row]
    last = [] if diverged else passes[-max(1, round(len(passes) * LATE)) :]
    means: dict[str, float | None] = {}
    for name, column in (("train_error_as_trained", "batch_error"), ("train_loss_as_trained", "train_loss")):
        values = [row.get(column) for row in last]
        numbers = [value for value in values if value is not None]
        means[name] = fmean(numbers) if numbers and len(numbers) == len(values) else None
    return means


def status_of(record: Mapping[str, Any], classes: int, constant: bool) -> tuple[str, str | None]:
    """Whether a run collapsed: by its training log or a constant prediction, the same rule for every variant."""
    if record["status"] == "diverged":
        return "diverged", "the loss was not finite"
    loss = record["final_train_loss"]
    if loss >= COLLAPSED_LOSS_SHARE * math.log(classes):
        return "collapsed", f"final training loss {loss:.4f} is at least {COLLAPSED_LOSS_SHARE} of ln({classes})"
    if constant:
        return "collapsed", "every held-out picture gets the same answer"
    return "finished", None


def curves_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The log by column, a point an epoch; null where an epoch has no such number."""
    return {name: [row.get(name) for row in rows] for name in _CURVES if any(name in row for row in rows)}


def provenance_of(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    """Where and with what the run was trained, and digests of what came out."""
    return {
        **record["provenance"],
        "training_version": run.training_version(),
        "weights_digest": record["weights_digest"],
        "tensors_digest": tensors_digest_of_run(run),
        "sittings": record["sittings"],
    }


def registered_for(study: str, noted: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's note says of a study, as it stands in the run's row of evidence; empty where it says nothing."""
    of_study = noted.get("studies", {}).get(study)
    if of_study is None:
        return {}
    return {**of_study, "registry": {entry: noted["registry"][entry] for entry in of_study["family"]}}


def trial_row(run: Run, target_error: float, packed: Packed) -> dict[str, Any]:
    """Evidence row of a learning-rate trial, from its record and its log; the net is not evaluated.

    `packed` are all prepared pictures, of which the trial may see a part. `train_error` is the learning curve's
    last (1 after divergence), `iterations_to_target` is null when the curve never comes down to `target_error`.
    """
    record, curves = run.result(), curves_of(run.log())
    seen = pictures_of(run.spec().settings.training.pictures, packed)
    status, reason = status_of(record, classes_in(seen), constant=False)
    trial = trial_of(target_error, curves, diverged=status == "diverged")
    return {
        "status": status,
        "collapse_reason": reason,
        "scalars": {
            **recorded_scalars(run, record, len(seen.classes), len(seen.train)),
            "train_error": trial.final_error,
            "iterations_to_target": trial.iterations,
        },
        "curves": curves,
        "provenance": provenance_of(run, record),
    }
