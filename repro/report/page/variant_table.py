"""What each variant changes, its size, what its runs came to, and how the study departs from the print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.report.drawing.strips import Arm, Point, Strip, strip
from repro.report.drawing.words import count, decimal, finite, magnitude, named, percent, percent_tick, spread


@dataclass(frozen=True)
class Change:
    """A setting by its dotted name, before and after."""

    key: str
    before: str
    after: str


@dataclass(frozen=True)
class RunRow:
    """One run in the table of all runs."""

    seed: int
    status: str
    identity: str
    train_error: str
    held_out_error: str
    top5_error: str
    scale: str
    cosine: str
    why: str | None


@dataclass(frozen=True)
class VariantRow:
    """One variant: changes against the base, size, errors (mean and deviation over seeds), runs."""

    name: str
    changes: tuple[Change, ...]
    departures: tuple[Change, ...]
    parameters: str
    multiply_adds: str
    train_error: str
    held_out_error: str
    runs: tuple[RunRow, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True)
class FailedRun:
    """A run that collapsed or diverged: it stays in the evidence with its real error."""

    variant: str
    seed: int
    status: str
    why: str


def variant_rows(evidence: Evidence) -> tuple[VariantRow, ...]:
    """Every variant of the study in its order, those without runs too."""
    settings = evidence.study.settings
    base = settings.get("base", {})
    printed = set(evidence.study.deviations.get("base", ()))
    rows = []
    for name in evidence.study.variants:
        runs = evidence.of(name)
        more = [line for line in evidence.study.deviations.get(name, ()) if line not in printed]
        rows.append(
            VariantRow(
                name=name,
                changes=tuple(_changes(base, settings.get(name, base))),
                departures=tuple(_departure(line) for line in more),
                parameters=count(_first(runs, "parameters")),
                multiply_adds=magnitude(_first(runs, "multiply_adds")),
                train_error=_mean_and_spread(runs, "train_error"),
                held_out_error=_mean_and_spread(runs, "held_out_error"),
                runs=tuple(_run_row(run) for run in runs),
                missing=tuple(evidence.missing(name)),
            )
        )
    return tuple(rows)


def departures(evidence: Evidence) -> tuple[Change, ...]:
    """How the base departs from the recipe as printed."""
    return tuple(_departure(line) for line in evidence.study.deviations.get("base", ()))


def failed_runs(evidence: Evidence) -> tuple[FailedRun, ...]:
    return tuple(
        FailedRun(run.variant, run.seed, run.status, run.collapse_reason or "no reason recorded")
        for name in evidence.study.variants
        for run in evidence.of(name)
        if run.status != "finished"
    )


def error_strip(evidence: Evidence, metric: str, title: str) -> Strip | None:
    """A row of dots for every variant that has runs; None when no run has this metric."""
    arms = [
        Arm(named(name), metric_points(evidence, name, metric)) for name in evidence.study.variants if evidence.of(name)
    ]
    if not any(point.value is not None for arm in arms for point in arm.points):
        return None
    return strip(title, arms, percent, percent_tick)


def metric_points(evidence: Evidence, variant: str, metric: str) -> list[Point]:
    """A variant's runs as points of a strip."""
    return [Point(run.seed, finite(run.scalar(metric)), run.status != "finished") for run in evidence.of(variant)]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[Change]:
    lines: list[Change] = []
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            lines += _changes(old, new, f"{prefix}{key}.")
        elif old != new:
            lines.append(Change(f"{prefix}{key}", _value(old), _value(new)))
    return lines


def _value(value: Any) -> str:
    """A setting's value as a person would write it."""
    if isinstance(value, list | tuple):
        return ", ".join(_value(part) for part in value) or "none"
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _departure(line: str) -> Change:
    """A recorded line, `key: before -> after`; one of another shape stands whole as the key."""
    key, colon, rest = line.partition(": ")
    before, arrow, after = rest.partition(" -> ")
    return Change(key, _recorded(before), _recorded(after)) if colon and arrow else Change(line, "", "")


def _recorded(value: str) -> str:
    """A recorded value as a person would write it: lists without their brackets."""
    return value[1:-1] or "none" if value.startswith("[") and value.endswith("]") else value


def _first(runs: list[RunRecord], name: str) -> float | None:
    return next((value for run in runs if (value := finite(run.scalar(name))) is not None), None)


def _mean_and_spread(runs: list[RunRecord], name: str) -> str:
    values = [value for run in runs if (value := finite(run.scalar(name))) is not None]
    if not values:
        return percent(None)
    deviation = spread(values)
    mean = percent(fmean(values))
    return mean if deviation is None else f"{decimal(100 * fmean(values), 1)} ± {percent(deviation)}"


def _run_row(run: RunRecord) -> RunRow:
    names = ("normalisation_alive_conv1", "normalisation_alive_conv2")
    scales = [decimal(value) for name in names if (value := finite(run.scalar(name))) is not None]
    return RunRow(
        seed=run.seed,
        status=run.status,
        identity=run.identity[:12],
        train_error=percent(run.scalar("train_error"), 2),
        held_out_error=percent(run.scalar("held_out_error"), 2),
        top5_error=percent(run.scalar("held_out_top5_error"), 2),
        scale=" / ".join(scales) or decimal(None),
        cosine=decimal(run.scalar("kernel_cosine")),
        why=run.collapse_reason,
    )
