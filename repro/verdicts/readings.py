"""Reading numbers of runs: metrics with collapsed runs counted, towers' kernels, the chroma threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.specialisation import TowerSplit, tower_split

Halves = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def runs_of(evidence: Evidence, variant: str, seeds: Sequence[int]) -> list[RunRecord]:
    """The reported runs of a variant with these seeds, in their order; the seeds must all be there."""
    by_seed = {run.seed: run for run in evidence.of(variant)}
    return [by_seed[seed] for seed in seeds]


def missing_runs(evidence: Evidence, variants: Sequence[str], seeds: Sequence[int]) -> NotEvaluated | None:
    """Which runs of these variants and seeds are not there; None when all are."""
    gaps = []
    for variant in variants:
        present = {run.seed for run in evidence.of(variant)}
        if gone := [str(seed) for seed in seeds if seed not in present]:
            gaps.append(f"{variant} seed{'s' if len(gone) > 1 else ''} {', '.join(gone)}")
    return NotEvaluated("missing_runs", f"missing runs: {'; '.join(gaps)}") if gaps else None


def metric_values(
    evidence: Evidence, variant: str, seeds: Sequence[int], metric: str
) -> list[float] | NotEvaluated:
    """A metric of each run. A collapsed run without a number counts with guessing's error or loss."""
    values = []
    for run in runs_of(evidence, variant, seeds):
        value = run.scalar(metric)
        if value is None or not math.isfinite(value):
            if run.status == "finished":
                return NotEvaluated(
                    "not_a_number",
                    f"{metric} of {variant} seed {run.seed} is not a number although it trained",
                )
            value = _of_guessing(evidence, metric)
        values.append(value)
    return values


def _of_guessing(evidence: Evidence, metric: str) -> float:
    classes = evidence.study.classes
    if metric.endswith("_loss"):
        return math.log(classes)
    return 1 - min(5, classes) / classes if "top5" in metric else 1 - 1 / classes


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
