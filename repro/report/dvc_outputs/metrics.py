"""A study in at most ten numbers, for `dvc metrics show` and `dvc metrics diff`."""

from __future__ import annotations

from statistics import fmean

from repro.evidence.directory import Evidence
from repro.evidence.division import COLOUR_SPECIFIC
from repro.report.drawing.words import finite
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.readings import divisions_of, metric_values


def headline_metrics(evidence: Evidence) -> dict[str, float | int]:
    """Flat and JSON-able; means over the registered seeds, errors as fractions.

    A number that this evidence does not have (a variant that the study lacks, kernels that are not alive)
    is left out. No key is called just `error`: DVC takes that for a file that it failed to load.
    """
    reported = [run for variant in evidence.study.variants for run in evidence.of(variant)]
    values: dict[str, float | int | None] = {
        "runs": len(reported),
        "collapsed_runs": sum(run.status != "finished" for run in reported),
        "chance_error": evidence.study.chance_error,
        "base_train_error": _mean(evidence, "base", "train_error"),
        "base_held_out_error": _mean(evidence, "base", "held_out_error"),
        "no_weight_decay_train_error": _mean(evidence, "no_weight_decay", "train_error"),
        "smallest_removal_cost": _smallest_removal_cost(evidence),
        "base_kernel_cosine": _mean(evidence, "base", "kernel_cosine"),
        "base_division": _division(evidence, "base"),
        "dense_division": _division(evidence, "dense"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _mean(evidence: Evidence, variant: str, metric: str) -> float | None:
    """Mean of a metric over a variant's runs; a collapsed run without a number counts as guessing."""
    seeds = [run.seed for run in evidence.of(variant)]
    if metric == "kernel_cosine":
        finite_values = [value for run in evidence.of(variant) if (value := finite(run.scalar(metric))) is not None]
        return fmean(finite_values) if finite_values else None
    values = metric_values(evidence, variant, seeds, metric)
    return None if isinstance(values, NotEvaluated) or not values else fmean(values)


def _smallest_removal_cost(evidence: Evidence) -> float | None:
    """How much the held-out error rises without the conv layer that is missed least (S12)."""
    base = _mean(evidence, "base", "held_out_error")
    without = [
        error
        for variant in evidence.study.variants
        if variant.startswith("remove_conv") and (error := _mean(evidence, variant, "held_out_error")) is not None
    ]
    return min(without) - base if without and base is not None else None


def _division(evidence: Evidence, variant: str) -> float | None:
    """Mean J, the difference between the towers' shares of colour-specific live kernels (S76)."""
    nets = divisions_of(evidence, variant, [run.seed for run in evidence.of(variant)], COLOUR_SPECIFIC)
    return None if isinstance(nets, NotEvaluated) or not nets else fmean(net.j for net in nets)
