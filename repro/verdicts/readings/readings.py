"""Reading numbers of runs: metrics with collapsed runs counted, the division of towers' kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.kept import kept
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.statistics.specialisation import NetDivision, net_division

EARLY = 0.1
"""Share of training that counts as its first stages."""


def runs_of(evidence: Evidence, variant: str, seeds: Sequence[int]) -> list[RunRecord]:
    """The reported runs of a variant with these seeds, in their order; the seeds must all be there."""
    by_seed = _by_seed(evidence, variant)
    return [by_seed[seed] for seed in seeds]


@kept
def _by_seed(evidence: Evidence, variant: str) -> dict[int, RunRecord]:
    return {run.seed: run for run in evidence.of(variant)}


@kept
def collapsed_runs(evidence: Evidence, variant: str, seeds: Sequence[int]) -> int:
    """How many runs of these seeds collapsed or diverged."""
    return sum(run.status != "finished" for run in runs_of(evidence, variant, seeds))


def untrained_runs(evidence: Evidence, variant: str, seeds: Sequence[int], bound: float) -> list[int] | NotEvaluated:
    """Seeds whose run collapsed, diverged or has a training error of at least `bound`."""
    errors = metric_values(evidence, variant, seeds, "train_error")
    if isinstance(errors, NotEvaluated):
        return errors
    runs = runs_of(evidence, variant, seeds)
    return [run.seed for run, error in zip(runs, errors, strict=True) if run.status != "finished" or error >= bound]


def missing_runs(evidence: Evidence, variants: Sequence[str], seeds: Sequence[int]) -> NotEvaluated | None:
    """NotEvaluated, which names the missing runs of these variants and seeds; None when all are there."""
    gaps = []
    for variant in variants:
        present = _by_seed(evidence, variant)
        if absent := [str(seed) for seed in seeds if seed not in present]:
            gaps.append(f"{variant} seed{'s' if len(absent) > 1 else ''} {', '.join(absent)}")
    return NotEvaluated("missing_runs", f"missing runs: {'; '.join(gaps)}") if gaps else None


@kept
def metric_values(evidence: Evidence, variant: str, seeds: Sequence[int], metric: str) -> list[float] | NotEvaluated:
    """A metric of each run; of a run without a number, or that diverged, what guessing gives.

    All answers of a net that diverged count as wrong, which is more than guessing errs: a run that broke must not weigh
    more than one that learned nothing. NotEvaluated where a run has no such number and guessing has none either.
    """
    values = []
    for run in runs_of(evidence, variant, seeds):
        early = metric == "early_train_loss"
        value = early_train_loss(run) if early else run.scalar(metric)
        if run.status == "diverged" and not early and (guess := guessing(evidence, metric)) is not None:
            value = guess
        if value is None or not math.isfinite(value):
            value = guessing(evidence, metric) if run.status != "finished" else None
            if value is None:
                return _why_no_number(run, metric)
        values.append(value)
    return values


def early_train_loss(run: RunRecord) -> float | None:
    """Mean logged training loss over the first tenth of training, at least one epoch."""
    losses = [loss for loss in run.curves.get("train_loss", ()) if loss is not None]
    return fmean(losses[: max(1, round(len(losses) * EARLY))]) if losses else None


def guessing(evidence: Evidence, metric: str) -> float | None:
    """The value of a metric for a net that only guesses; None where there is no such value."""
    rule = METRICS.get(metric)
    return None if rule is None or rule.guessing is None else rule.guessing(evidence.study.classes)


def _why_no_number(run: RunRecord, metric: str) -> NotEvaluated:
    """Why a run has no such number and nothing can stand for it."""
    where = f"{run.variant} seed {run.seed}"
    rule = METRICS.get(metric)
    if run.status != "finished":
        return NotEvaluated("not_a_number", f"{where} {run.status} and has no {metric}, nor has a net that guesses")
    if metric not in run.scalars and metric != "early_train_loss":
        return NotEvaluated("not_a_number", f"the evidence of {where} holds no {metric}; `repro evaluate` measures it")
    if rule is not None and rule.absent is not None:
        return NotEvaluated("scale", f"{where} has no {metric}: {rule.absent}")
    return NotEvaluated("not_a_number", f"{metric} of {where} is not a number although it trained")


@kept
def divisions_of(
    evidence: Evidence, variant: str, seeds: Sequence[int], above: float, *, initial: bool = False
) -> list[NetDivision] | NotEvaluated:
    """How the first-layer kernels of each run divide between its towers (a dense net's halves).

    above    chroma share above which a kernel is colour-specific
    initial  before training, all kernels counted live
    """
    divisions = []
    name = "conv1_chroma_response_initial" if initial else "conv1_chroma_response"
    for run in runs_of(evidence, variant, seeds):
        where = f"{variant} seed {run.seed}"
        if not evidence.has_array(run.identity, name) or not evidence.has_array(run.identity, "conv1_live"):
            return NotEvaluated(
                "kernels",
                f"the evidence of {where} holds no chroma responses of its kernels; `repro evaluate` measures them",
            )
        shares, live = evidence.array(run.identity, name), evidence.array(run.identity, "conv1_live").astype(bool)
        net = net_division(shares, np.ones_like(live) if initial else live, above)
        if 0 in net.live:
            return NotEvaluated("kernels", f"{where}: tower {net.live.index(0)} has no live kernel")
        divisions.append(net)
    return divisions
