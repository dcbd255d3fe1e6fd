"""Dot strips: one row an arm, one dot a run, on an axis in percent of the width.

All coordinates are percentages of the drawing's width, so the browser scales them to any screen
without scaling the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Format = Callable[[float], str]
_MARGIN = 4.0
"""Percent of the width that stays free at both ends, so that dots are not cut."""


@dataclass(frozen=True)
class Axis:
    """A linear scale from data to percent of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value lies, percent of the width, between 0 and 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, _MARGIN + share * (100 - 2 * _MARGIN))), 2)


@dataclass(frozen=True)
class Mark:
    """A labelled place on an axis; None for what lies off it."""

    x: float | None
    label: str


@dataclass(frozen=True)
class Dot:
    """A run. `collapsed` ones are drawn as crosses; `level` spreads neighbours over three lines; `beyond`
    says that the value lies off the axis and the mark at its end."""

    x: float
    label: str
    collapsed: bool
    level: int
    beyond: bool


@dataclass(frozen=True)
class Row:
    """An arm: its dots and their mean (no `x` when that lies off the axis); `missing` counts runs without
    this number."""

    name: str
    dots: tuple[Dot, ...]
    mean: Mark | None
    missing: int
    spoken: str


@dataclass(frozen=True)
class Strip:
    """A figure of rows on one axis, with at most one line of reference."""

    title: str
    rows: tuple[Row, ...]
    ticks: tuple[Mark, ...]
    reference: Mark | None


@dataclass(frozen=True)
class Point:
    """One run's value before it has a place: None where the run has no such number."""

    seed: int
    value: float | None
    collapsed: bool = False


@dataclass(frozen=True)
class Bar:
    """An estimate with its interval around a boundary."""

    x: float
    low: float
    high: float
    boundary: float
    ticks: tuple[Mark, ...]


def axis_over(values: Sequence[float], *, about: int = 4) -> Axis:
    """An axis with round ticks that holds all values; one value, or none, gets some room around it."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        room = max(0.005, 0.1 * abs(high))
        low, high = low - room, high + room
    step = _round_step((high - low) / about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(k * step, 12) for k in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def axis_within(low: float, high: float, *, about: int = 5) -> Axis:
    """An axis that ends at `low` and `high` exactly."""
    step = _round_step((high - low) / about)
    ticks = (round(low + k * step, 12) for k in range(about + 1))
    return Axis(low, high, tuple(tick for tick in ticks if tick <= high + 1e-9))


def strip(
    title: str,
    arms: Sequence[tuple[str, Sequence[Point]]],
    shown: Format,
    tick_shown: Format,
    *,
    reference: tuple[float, str] | None = None,
    within: tuple[float, float] | None = None,
) -> Strip:
    """A strip with a row for each arm; `shown` writes a value, `within` fixes the axis.

    Without `within` the axis is that of the runs which did not collapse: one run at chance would press all
    others into a corner.
    """
    known = [point for _, points in arms for point in points if point.value is not None]
    values = [point.value for point in known if not point.collapsed] or [point.value for point in known]
    axis = axis_within(*within) if within else axis_over([value for value in values if value is not None])
    return Strip(
        title=title,
        rows=tuple(_row(name, points, axis, shown) for name, points in arms),
        ticks=tuple(Mark(axis.place(tick), tick_shown(tick)) for tick in axis.ticks),
        reference=None if reference is None else Mark(axis.place(reference[0]), reference[1]),
    )


def bar(estimate: float, low: float, high: float, shown: Format, *, boundary: float = 0.0) -> Bar:
    """An estimate with its interval, on an axis that holds both and the boundary."""
    axis = axis_over([low, high, estimate, boundary])
    return Bar(
        x=axis.place(estimate),
        low=axis.place(low),
        high=axis.place(high),
        boundary=axis.place(boundary),
        ticks=tuple(Mark(axis.place(tick), shown(tick)) for tick in axis.ticks),
    )


def _row(name: str, points: Sequence[Point], axis: Axis, shown: Format) -> Row:
    known = [(point, point.value) for point in points if point.value is not None]
    dots = tuple(
        Dot(
            axis.place(value),
            f"seed {point.seed}: {shown(value)}",
            point.collapsed,
            place % 3,
            beyond=not axis.low <= value <= axis.high,
        )
        for place, (point, value) in enumerate(known)
    )
    mean = None
    if known:
        middle = sum(value for _, value in known) / len(known)
        mean = Mark(axis.place(middle) if axis.low <= middle <= axis.high else None, shown(middle))
    spoken = "; ".join(dot.label + (" (collapsed)" if dot.collapsed else "") for dot in dots) or "no values"
    return Row(name, dots, mean, len(points) - len(known), spoken)


def _round_step(step: float) -> float:
    """The next larger of 1, 2, 2.5 and 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if step <= power * factor * (1 + 1e-9))
