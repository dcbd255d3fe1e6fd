"""Reading numbers of runs: metrics with collapsed runs counted, towers' kernels, the chroma threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.metrics import METRICS, Metric
from repro.verdicts.specialisation import TowerSplit, tower_split

EARLY = 0.1
"""Share of training that counts as its first stages."""
Halves = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def runs_of(evidence: Evidence, variant: str, seeds: Sequence[int]) -> list[RunRecord]:
    """The reported runs of a variant with these seeds, in their order; the seeds must all be there."""
    by_seed = _by_seed(evidence, variant)
    return [by_seed[seed] for seed in seeds]


def _by_seed(evidence: Evidence, variant: str) -> dict[int, RunRecord]:
    known = _RUNS.setdefault(evidence, {})
    if variant not in known:
        known[variant] = {run.seed: run for run in evidence.of(variant)}
    return known[variant]


_RUNS: WeakKeyDictionary[Evidence, dict[str, dict[int, RunRecord]]] = WeakKeyDictionary()
"""Runs by variant and seed: the same ones are asked for again with each claim and each seed left out."""


def collapsed_runs(evidence: Evidence, variant: str, seeds: Sequence[int]) -> int:
    """How many runs of these seeds collapsed or diverged."""
    known = _COLLAPSED.setdefault(evidence, {})
    key = (variant, tuple(seeds))
    if key not in known:
        known[key] = sum(run.status != "finished" for run in runs_of(evidence, variant, seeds))
    return known[key]


_COLLAPSED: WeakKeyDictionary[Evidence, dict[tuple[str, tuple[int, ...]], int]] = WeakKeyDictionary()


def missing_runs(evidence: Evidence, variants: Sequence[str], seeds: Sequence[int]) -> NotEvaluated | None:
    """Which runs of these variants and seeds are not there; None when all are."""
    gaps = []
    for variant in variants:
        present = _by_seed(evidence, variant)
        if gone := [str(seed) for seed in seeds if seed not in present]:
            gaps.append(f"{variant} seed{'s' if len(gone) > 1 else ''} {', '.join(gone)}")
    return NotEvaluated("missing_runs", f"missing runs: {'; '.join(gaps)}") if gaps else None


def metric_values(evidence: Evidence, variant: str, seeds: Sequence[int], metric: str) -> list[float] | NotEvaluated:
    """A metric of each run. A collapsed run without a number counts with what guessing would give."""
    known = _VALUES.setdefault(evidence, {})
    key = (variant, metric, tuple(seeds))
    if key not in known:
        known[key] = _metric_values(evidence, variant, seeds, metric)
    return known[key]


_VALUES: WeakKeyDictionary[Evidence, dict[tuple[str, str, tuple[int, ...]], list[float] | NotEvaluated]] = (
    WeakKeyDictionary()
)


def _metric_values(evidence: Evidence, variant: str, seeds: Sequence[int], metric: str) -> list[float] | NotEvaluated:
    values = []
    for run in runs_of(evidence, variant, seeds):
        value = early_train_loss(run) if metric == "early_train_loss" else run.scalar(metric)
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
    """A metric of a net that only guesses; None where guessing has no such value."""
    rule = METRICS.get(cast(Metric, metric))
    return None if rule is None or rule.guessing is None else rule.guessing(evidence.study.classes)


def _why_no_number(run: RunRecord, metric: str) -> NotEvaluated:
    """Why a run has no such number and nothing can stand for it."""
    where = f"{run.variant} seed {run.seed}"
    rule = METRICS.get(cast(Metric, metric))
    if run.status != "finished":
        return NotEvaluated("not_a_number", f"{where} {run.status} and has no {metric}, nor has a net that guesses")
    if metric not in run.scalars and metric != "early_train_loss":
        return NotEvaluated("not_a_number", f"the evidence of {where} holds no {metric}; `repro evaluate` measures it")
    if rule is not None and rule.absent is not None:
        return NotEvaluated("scale", f"{where} has no {metric}: {rule.absent}")
    return NotEvaluated("not_a_number", f"{metric} of {where} is not a number although it trained")


def halves(evidence: Evidence, run: RunRecord, name: str) -> Halves | NotEvaluated:
    """An array with one entry per first-layer kernel, by tower; dense nets are cut in the middle."""
    if not evidence.has_array(run.identity, name):
        return NotEvaluated("missing_runs", f"the evidence of {run.variant} seed {run.seed} has no {name}")
    values = evidence.array(run.identity, name)
    middle = len(values) // 2
    return values[:middle], values[middle:]


def splits_of(
    evidence: Evidence, variant: str, seeds: Sequence[int], *, initial: bool = False
) -> list[TowerSplit] | NotEvaluated:
    """How far the towers of each run differ; `initial`: before training, all kernels counted live."""
    known = _SPLITS.setdefault(evidence, {})
    key = (variant, tuple(seeds), initial)
    if key not in known:
        known[key] = _splits(evidence, variant, seeds, initial)
    return known[key]


_SPLITS: WeakKeyDictionary[Evidence, dict[tuple[str, tuple[int, ...], bool], list[TowerSplit] | NotEvaluated]] = (
    WeakKeyDictionary()
)


def _splits(evidence: Evidence, variant: str, seeds: Sequence[int], initial: bool) -> list[TowerSplit] | NotEvaluated:
    splits = []
    for run in runs_of(evidence, variant, seeds):
        chroma = halves(evidence, run, "conv1_chroma_initial" if initial else "conv1_chroma")
        live = halves(evidence, run, "conv1_live")
        if isinstance(chroma, NotEvaluated):
            return chroma
        if isinstance(live, NotEvaluated):
            return live
        if initial:
            live = np.ones(len(live[0]), dtype=bool), np.ones(len(live[1]), dtype=bool)
        split = tower_split(chroma, live, seeds=len(seeds))
        if isinstance(split, NotEvaluated):
            return NotEvaluated(split.code, f"{variant} seed {run.seed}: {split.reason}")
        splits.append(split)
    return splits


def chroma_threshold(evidence: Evidence, control: str, seeds: Sequence[int]) -> float | NotEvaluated:
    """The chroma share that best splits the control nets' live kernels into two clusters.

    Two means in one dimension, exactly: the cut with the smallest sum of squares within the clusters; the
    threshold is the middle of the gap. Comes from the control alone, so the nets it judges cannot move it.
    """
    pooled: list[npt.NDArray[Any]] = []
    for run in runs_of(evidence, control, seeds):
        chroma, live = halves(evidence, run, "conv1_chroma"), halves(evidence, run, "conv1_live")
        if isinstance(chroma, NotEvaluated):
            return chroma
        if isinstance(live, NotEvaluated):
            return live
        both, alive = np.concatenate(chroma), np.concatenate(live).astype(bool)
        pooled.append(both[alive & np.isfinite(both)])
    values = np.sort(np.concatenate(pooled))
    if len(values) < 2:
        return NotEvaluated("kernels", f"{control} has fewer than two live kernels")
    n = np.arange(1, len(values))
    sums, squares = np.cumsum(values), np.cumsum(values**2)
    left = squares[:-1] - sums[:-1] ** 2 / n
    right = (squares[-1] - squares[:-1]) - (sums[-1] - sums[:-1]) ** 2 / (len(values) - n)
    cut = int(np.argmin(left + right))
    return float((values[cut] + values[cut + 1]) / 2)
