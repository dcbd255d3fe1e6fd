"""Estimates with their intervals against a boundary: one row an estimate, the region of the claim shaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from repro.report.drawing.axes import Axis, Band, Mark, axis_over, band, log_axis_over

Format = Callable[[float], str]


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, in data units; an end that is None is infinite."""

    name: str
    value: float
    low: float | None
    high: float | None
    main: bool = True


@dataclass(frozen=True)
class Span:
    """A row: the estimate at `x`, its interval from `low` to `high`, with arrows where it goes on."""

    name: str
    x: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    label: str
    main: bool


@dataclass(frozen=True)
class Forest:
    """Rows on one axis; `holds` is the stretch in which the claim holds, `boundary` the line where it begins."""

    kind: ClassVar[str] = "forest"
    title: str
    rows: tuple[Span, ...]
    ticks: tuple[Mark, ...]
    boundaries: tuple[Mark, ...]
    holds: Band | None
    references: tuple[Mark, ...]


def forest(
    title: str,
    estimates: Sequence[Estimate],
    shown: Format,
    tick_shown: Format,
    *,
    neutral: float | None = None,
    holds: tuple[float, float] | None = None,
    references: Sequence[tuple[float, str]] = (),
    log: bool = False,
) -> Forest:
    """A forest on an axis that holds all estimates, finite ends, boundaries and references.

    neutral: where there is no effect; holds: from where to where the claim holds (infinite ends allowed).
    """
    ends = [end for row in estimates for end in (row.low, row.high) if end is not None and math.isfinite(end)]
    edges = [end for end in holds or () if math.isfinite(end)]
    about = [] if neutral is None else [neutral]
    values = [*(row.value for row in estimates), *ends, *edges, *about, *(value for value, _ in references)]
    axis = log_axis_over(values) if log else axis_over(values)
    lines = dict.fromkeys([*about, *edges])
    return Forest(
        title=title,
        rows=tuple(_span(row, axis, shown) for row in estimates),
        ticks=tuple(Mark(axis.position(tick), tick_shown(tick)) for tick in axis.ticks),
        boundaries=tuple(Mark(axis.position(value), tick_shown(value)) for value in lines),
        holds=None if holds is None else band(axis, *holds),
        references=tuple(Mark(axis.position(value), label) for value, label in references),
    )


def _span(row: Estimate, axis: Axis, shown: Format) -> Span:
    low = axis.low if row.low is None or not math.isfinite(row.low) else row.low
    high = axis.high if row.high is None or not math.isfinite(row.high) else row.high
    ends = ["−∞" if row.low is None else shown(row.low), "∞" if row.high is None else shown(row.high)]
    return Span(
        name=row.name,
        x=axis.position(row.value),
        low=0.0 if row.low is None else axis.position(low),
        high=100.0 if row.high is None else axis.position(high),
        open_low=row.low is None,
        open_high=row.high is None,
        label=f"{shown(row.value)} ({ends[0]} to {ends[1]})",
        main=row.main,
    )
