"""Figures of verdicts on one arm: each run against bounds, the paper's number, or another number of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.report.cases.case import Case, numbers
from repro.report.drawing.number_formats import Look, look
from repro.report.drawing.strips import Arm, Point, strip
from repro.report.drawing.words import finite, named, percent, percent_tick
from repro.report.figures.claims.differences import Figure, effect_forest
from repro.verdicts.readings.readings import guessing

Part = tuple[float | None, float | None]


@dataclass(frozen=True)
class _Condition:
    """A metric with what the statement wants of it: limits, or other metrics that it is compared with; and the
    interval of its mean where the finding has one."""

    metric: str
    low: float | None
    high: float | None
    others: tuple[str, ...]
    wants: str
    mean: Part | None


def measures_figures(case: Case) -> list[Figure]:
    """A row for each condition, its region shaded; metrics that share a way of writing share an axis."""
    variant = case.present[0] if case.present else None
    items, parts = _items(case, "conditions"), _parts(case)
    conditions = [
        condition
        for index, item in enumerate(items)
        if (condition := _condition(case, item, parts[index] if len(parts) == len(items) else None))
    ]
    if variant is None or not conditions:
        return []
    figures: list[Figure] = []
    for group in _grouped(conditions):
        arms = [arm for condition in group for arm in _rows(case, variant, condition)]
        if not any(point.value is not None for arm in arms for point in arm.points):
            continue
        style = look(group[0].metric)
        ends = dict.fromkeys(end for condition in group for end in (condition.low, condition.high) if end is not None)
        marks = [(end, f"bound {style.tick(end)}" if len(ends) == 1 else "") for end in ends]
        if len(arms) == 1:  # the metric is the title, so that the row can be the variant's
            arms = [replace(arms[0], name=named(variant))]
        title = style.title if len(arms) == 1 else f"{named(variant)}, several measures of each run"
        figures.append(strip(title, arms, style.shown, style.tick, references=marks))
    return figures


def absolute_figures(case: Case) -> list[Figure]:
    """The runs' errors against the margin and the number that the paper prints; only where these are compared."""
    if case.finding is None or not case.present:
        return []
    variant, parts, items = case.present[0], _parts(case), _items(case, "numbers")
    figures: list[Figure] = []
    for index, item in enumerate(items):
        metric = _field(item, "metric")
        points = case.points(variant, metric) if isinstance(metric, str) else []
        if not any(point.value is not None for point in points):
            continue
        style = look(metric)
        low, high, printed = (finite(_field(item, name)) for name in ("lower", "upper", "printed"))
        wanted = (-math.inf if low is None else low, math.inf if high is None else high)
        marks = [] if printed is None else [(printed, f"paper {style.shown(printed)}")]
        marks += [(end, "") for end in wanted if math.isfinite(end)]
        mean = parts[index] if len(parts) == len(items) else None
        arms = [Arm(named(variant), points, wanted, _between(low, high, style), mean)]
        figures.append(strip(style.title, arms, style.shown, style.tick, references=marks))
    return figures


def per_image_figures(case: Case) -> list[Figure]:
    """The mean difference over pictures of each net, and the estimate with its interval."""
    values, seeds = numbers(case.details.get("first")), case.evidence.study.seeds
    figures: list[Figure] = []
    if any(value is not None for value in values):
        points = [Point(seeds[index] if index < len(seeds) else index, value) for index, value in enumerate(values)]
        title = "How much more often the first way errs, in points of error, a dot a net"
        arms = [Arm("", points, (0.0, math.inf))]
        figures.append(strip(title, arms, percent, percent_tick, references=[(0.0, "")]))
    if effect := effect_forest(case):
        figures.append(effect)
    return figures


def _items(case: Case, name: str) -> list[Any]:
    value = case.setting(name)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _field(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _parts(case: Case) -> list[Part]:
    """The interval of each part's estimate, in the order of the test."""
    kept = case.details.get("parts")
    if isinstance(kept, Mapping):
        ends = [numbers(part.get("interval")) for part in kept.values()]
        return [(pair[0], pair[1]) if len(pair) == 2 else (None, None) for pair in ends]
    if case.finding is None:
        return []
    low, high = (finite(end) for end in case.finding.interval)
    return [(low, high)]


def _condition(case: Case, item: Any, mean: Part | None) -> _Condition | None:
    metric = _field(item, "metric")
    if not isinstance(metric, str):
        return None
    share = (guessing(case.evidence, metric) or 0.0) if _field(item, "of_chance") else 1.0
    style, wants = look(metric), []
    limits: dict[str, float | None] = {}
    other = _field(item, "near")
    for word in ("above", "below"):
        bound = _field(item, word)
        limits[word] = None if finite(bound) is None else float(bound) * share
        if isinstance(bound, str):
            other = bound
        elif finite(bound) is not None:
            of_chance = f", {float(bound):g} of guessing" if share != 1.0 else ""
            wants.append(f"{word} {style.shown(float(bound) * share)}{of_chance}")
    if isinstance(other, str):
        word = next((word for word in ("above", "below", "near") if _field(item, word) == other), "near")
        within = finite(_field(item, "within"))
        wants.append("near the row below" if word == "near" else f"{word} each row below")
        wants[-1] += "" if within is None else f", within {style.shown(within)}"
        mean = None
    others = (other,) if isinstance(other, str) else ()
    return _Condition(metric, limits["above"], limits["below"], others, " and ".join(wants), mean)


def _grouped(conditions: Sequence[_Condition]) -> list[list[_Condition]]:
    """Conditions whose values look alike side by side: shares together, all others apart."""
    groups: dict[str, list[_Condition]] = {}
    for condition in conditions:
        group = groups.setdefault("share" if look(condition.metric).share else condition.metric, [])
        same = next((index for index, other in enumerate(group) if other.metric == condition.metric), None)
        if same is None:
            group.append(condition)
        else:
            group[same] = _both(group[same], condition)
    return list(groups.values())


def _both(first: _Condition, second: _Condition) -> _Condition:
    """Two conditions on one metric as one."""
    return _Condition(
        first.metric,
        second.low if first.low is None else first.low,
        second.high if first.high is None else first.high,
        (*first.others, *second.others),
        first.wants if first.wants == second.wants else f"{first.wants} and {second.wants}",
        first.mean or second.mean,
    )


def _rows(case: Case, variant: str, condition: _Condition) -> list[Arm]:
    low = -math.inf if condition.low is None else condition.low
    high = math.inf if condition.high is None else condition.high
    wanted = None if condition.low is None and condition.high is None else (low, high)
    points = case.points(variant, condition.metric)
    rows = [Arm(look(condition.metric).title, points, wanted, f"wanted {condition.wants}", condition.mean)]
    return rows + [Arm(look(other).title, case.points(variant, other)) for other in condition.others]


def _between(low: float | None, high: float | None, style: Look) -> str:
    """A margin in words."""
    if low is not None and high is not None:
        return f"margin {style.shown(low)} to {style.shown(high)}"
    if low is not None:
        return f"margin above {style.shown(low)}"
    return "" if high is None else f"margin below {style.shown(high)}"
