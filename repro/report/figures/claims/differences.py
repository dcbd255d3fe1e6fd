"""Figures of verdicts on differences between arms: a dot a run, and the estimates with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from repro.report.cases.case import Case, numbers
from repro.report.drawing.charts import Chart
from repro.report.drawing.forest import Estimate, Forest, forest
from repro.report.drawing.number_formats import Format, look, unit_look
from repro.report.drawing.strips import Arm, Point, Strip, strip
from repro.report.drawing.words import finite, named
from repro.report.figures.curves.arm_curves import arm_curves
from repro.report.figures.curves.variant_curves import curve_figure

Figure = Strip | Forest | Chart


def difference_figures(case: Case) -> list[Figure]:
    """Each metric's runs by arm, the differences with their intervals, and curves for the generalisation gap."""
    figures: list[Figure] = [figure for metric in _metrics(case) if (figure := arms_strip(case, metric, case.present))]
    if figures and (differences := _differences(case)):
        figures.append(differences)
    if "generalisation_gap" in _metrics(case) and (curves := curve_figure(case.evidence, case.present)):
        figures.append(curves)
    return [*figures, *arm_curves(case)]


def arms_strip(case: Case, metric: str, variants: Sequence[str]) -> Strip | None:
    """A row of dots for each variant; None when no run has the metric."""
    arms = [Arm(named(name), case.points(name, metric)) for name in variants]
    if not any(point.value is not None for arm in arms for point in arm.points):
        return None
    style = look(metric)
    return strip(style.title, arms, style.shown, style.tick)


def generic_figures(case: Case) -> list[Figure]:
    """For forms that have no figures of their own: the values per seed that the finding kept, and the interval."""
    shown, tick = unit_look(case.unit)
    names = case.present if len(case.present) == 2 else ("first arm", "second arm")
    arms = []
    for key, name in zip(("first", "second"), names, strict=True):
        values = numbers(case.details.get(key))
        if any(value is not None for value in values):
            seeds = case.evidence.study.seeds
            points = [Point(seeds[index] if index < len(seeds) else index, value) for index, value in enumerate(values)]
            arms.append(Arm(named(name) if len(case.present) == 2 or "second" in case.details else "", points))
    figures: list[Figure] = [strip("Value of each run", arms, shown, tick)] if arms else []
    if effect := effect_forest(case):
        figures.append(effect)
    return figures


def effect_forest(case: Case, *, name: str = "", log: bool = False) -> Forest | None:
    """The verdict's own estimate with its interval, the claim's region shaded."""
    if case.interval is None:
        return None
    return _forest(case, [Estimate(name, *case.interval)], log=log)


def region(case: Case) -> tuple[float, float] | None:
    """Where the estimate must lie for the claim to hold; None when several parts have regions of their own."""
    if case.boundary is not None:
        return (case.boundary, math.inf)
    low, high = (finite(case.details.get(key)) for key in ("lo", "hi"))
    if "parts" in case.details or (low is None and high is None):
        return None
    return (-math.inf if low is None else low, math.inf if high is None else high)


def _forest(case: Case, estimates: Sequence[Estimate], *, log: bool = False) -> Forest:
    shown, tick = unit_look(case.unit)
    words = {
        "points": "Difference in percentage points, positive in the statement's direction",
        "nats": "Difference in nats, positive in the statement's direction",
        "J": "Difference of mean J, positive in the statement's direction",
        "ratio": "Ratio, above 1 in the statement's direction",
    }
    return forest(
        words.get(case.unit or "", "Estimate and interval, in the statement's direction"),
        estimates,
        shown,
        tick,
        neutral=1.0 if case.unit == "ratio" else 0.0,
        holds=region(case),
        references=smallest_effect(case, tick),
        log=log,
    )


def smallest_effect(case: Case, tick: Format) -> list[tuple[float, str]]:
    """The line below which an effect contradicts although it has the statement's sign, where one is registered."""
    finding = case.finding
    if finding is None or finding.boundary is None or finding.smallest_effect <= 0:
        return []
    edge = finding.boundary + finding.smallest_effect
    return [(edge, f"smallest effect {tick(edge)}")]


def _metrics(case: Case) -> tuple[str, ...]:
    own = case.setting("metric")
    return tuple(dict.fromkeys((*([str(own)] if own else []), *case.names("also"))))


def _differences(case: Case) -> Forest | None:
    """A row for each part where there are several, and the verdict's own."""
    parts = _parts(case)
    name = "weakest of them" if parts else ""
    whole = [Estimate(name, *case.interval)] if case.interval else []
    rows = [*parts, *whole]
    return _forest(case, rows) if rows else None


def _parts(case: Case) -> list[Estimate]:
    kept = case.details.get("parts")
    if not isinstance(kept, Mapping):
        return []
    return [row for name, part in kept.items() if (row := _part(str(name), part, case.unit))]


def _part(name: str, part: Any, unit: str | None) -> Estimate | None:
    """A part in the verdict's own unit; others have no position on its axis."""
    if not isinstance(part, Mapping) or part.get("unit", unit) != unit:
        return None
    estimate, ends = finite(part.get("estimate")), numbers(part.get("interval"))
    if estimate is None or len(ends) != 2:
        return None
    return Estimate(named(name), estimate, ends[0], ends[1], main=False)
