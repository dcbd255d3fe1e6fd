"""The picture beside a verdict: each run as a dot in its arm, and the estimate with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.evidence.directory import Evidence
from repro.report import words
from repro.report.strips import Bar, Format, Point, Strip, bar, strip
from repro.report.towers import tower_kernels
from repro.report.variant_table import metric_points
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.forms_registered import (
    AnyOfTest,
    DirectionTest,
    EveryRunTest,
    FairCoinTest,
    MostRunsTest,
    Test,
    TowerContrastTest,
)

_METRICS = {
    "train_error": "Training error",
    "train_loss": "Training loss",
    "held_out_error": "Held-out error",
    "held_out_loss": "Held-out loss",
    "held_out_top5_error": "Held-out top-5 error",
}


def evidence_strip(evidence: Evidence, test: Test | None) -> Strip | None:
    """The runs that a statistical test reads, one row an arm; None for other tests or without any run."""
    if isinstance(test, DirectionTest | AnyOfTest):
        arms = [
            (name, metric_points(evidence, name, test.metric)) for name in test.variants if evidence.of(name)
        ]
        if test.metric.endswith("_error"):
            return _unless_empty(_METRICS[test.metric], arms, words.percent, words.percent_tick)
        return _unless_empty(_METRICS[test.metric], arms, words.decimal, words.tick)
    if isinstance(test, TowerContrastTest | EveryRunTest | MostRunsTest):
        arms = [
            (name, _auc_points(evidence, name, folded=True)) for name in test.variants if evidence.of(name)
        ]
        threshold = getattr(test, "threshold", None)
        line = None if threshold is None else (threshold, f"registered {threshold:g}")
        title = "How far the towers' chroma shares differ (folded AUC; 0.5 not at all, 1 wholly)"
        return _unless_empty(title, arms, words.decimal, words.tick, reference=line, within=(0.5, 1.0))
    if isinstance(test, FairCoinTest):
        arms = [
            (name, _auc_points(evidence, name, folded=False)) for name in test.variants if evidence.of(name)
        ]
        title = "Which tower has the colour (AUC; 0 tower 0, 1 tower 1)"
        return _unless_empty(
            title, arms, words.decimal, words.tick, reference=(0.5, "no difference"), within=(0.0, 1.0)
        )
    return None


def effect_bar(row: Mapping[str, Any], unit: str | None) -> Bar | None:
    """Estimate and interval around zero, for differences; the claim says that the effect is positive."""
    ends = row["interval"]
    if unit not in ("points", "nats", "auc") or not isinstance(ends, Sequence) or len(ends) != 2:
        return None
    estimate, low, high = (words.finite(value) for value in (row["estimate"], *ends))
    if estimate is None or low is None or high is None:
        return None
    return bar(estimate, low, high, lambda value: tick_label(value, unit))


def tick_label(value: float, unit: str | None) -> str:
    """A tick of an effect's axis, with its sign."""
    scaled = 100 * value if unit == "points" else value
    return ("+" if scaled > 0 else "") + words.signed(f"{scaled:.4g}")


def _auc_points(evidence: Evidence, variant: str, *, folded: bool) -> list[Point]:
    points = []
    for run in evidence.of(variant):
        kernels = tower_kernels(evidence, run)
        value = None
        if kernels is not None and not isinstance(kernels.split, NotEvaluated):
            value = kernels.split.folded if folded else kernels.split.auc
        points.append(Point(run.seed, value, run.status != "finished"))
    return points


def _unless_empty(
    title: str, arms: list[tuple[str, list[Point]]], shown: Format, tick_shown: Format, **more: Any
) -> Strip | None:
    if not any(point.value is not None for _, points in arms for point in points):
        return None
    return strip(title, arms, shown, tick_shown, **more)
