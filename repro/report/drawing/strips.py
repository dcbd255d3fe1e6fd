"""Dot strips: one row an arm, one dot a run, on an axis in percent of the width."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from repro.report.drawing.axes import Axis, Band, Mark, axis_over, axis_within, band, log_axis_over

Format = Callable[[float], str]


@dataclass(frozen=True)
class Point:
    """One run's value in data units: None where the run has no such number; `bound` for a run that
    was cut off, so that its value is only a lower bound; `pale` for one that does not count as the statement wants;
    `said` is shown behind its value."""

    seed: int
    value: float | None
    collapsed: bool = False
    bound: bool = False
    pale: bool = False
    said: str = ""


@dataclass(frozen=True)
class Dot:
    """A run, or a kernel, which has no seed. `collapsed` ones are drawn as crosses, bounds as open arrows, pale ones
    hollow; `level` spreads neighbours over three lines; `beyond` says that the value lies off the axis and the mark at
    its end."""

    x: float
    label: str
    collapsed: bool
    bound: bool
    pale: bool
    level: int
    beyond: bool
    seed: int | None


@dataclass(frozen=True)
class Row:
    """An arm: its dots and their mean (no `x` when that lies off the axis); `missing` counts runs without
    this number. `band` is where the statement wants the dots, `wants` the same in words; `interval` is that of the
    mean."""

    name: str
    dots: tuple[Dot, ...]
    mean: Mark | None
    missing: int
    spoken: str
    band: Band | None = None
    wants: str = ""
    interval: Band | None = None


@dataclass(frozen=True)
class Strip:
    """A figure of rows on one axis, with lines of reference; `note` stands below."""

    kind: ClassVar[str] = "strip"
    title: str
    rows: tuple[Row, ...]
    ticks: tuple[Mark, ...]
    references: tuple[Mark, ...]
    note: str = ""


@dataclass(frozen=True)
class Arm:
    """What a row shows, in data units.

    `wanted` is the stretch of the axis in which the statement wants the dots, `mean` the interval of their mean (None
    for an end that is infinite or unknown).
    """

    name: str
    points: Sequence[Point]
    wanted: tuple[float, float] | None = None
    wants: str = ""
    mean: tuple[float | None, float | None] | None = None


def strip(
    title: str,
    arms: Sequence[Arm],
    shown: Format,
    tick_shown: Format,
    *,
    references: Sequence[tuple[float, str]] = (),
    within: tuple[float, float] | None = None,
    log: bool = False,
    dots: str = "seed",
    note: str = "",
) -> Strip:
    """A strip with a row for each arm; `shown` writes a value, `within` fixes the axis,
    `dots` says what a dot is.

    Without `within` the axis is that of the runs which did not collapse, and of the references: one run at
    chance would press all others into a corner.
    """
    with_value = [point for arm in arms for point in arm.points if point.value is not None]
    values = [point.value for point in with_value if not point.collapsed] or [point.value for point in with_value]
    wide = [*(value for value in values if value is not None), *(value for value, _ in references)]
    axis = axis_within(*within) if within else log_axis_over(wide) if log else axis_over(wide)
    return Strip(
        title=title,
        rows=tuple(_row(arm, axis, shown, dots) for arm in arms),
        ticks=tuple(Mark(axis.position(tick), tick_shown(tick)) for tick in axis.ticks),
        references=tuple(Mark(axis.position(value), label) for value, label in references),
        note=note,
    )


def _row(arm: Arm, axis: Axis, shown: Format, what: str) -> Row:
    with_value = [(point, point.value) for point in arm.points if point.value is not None]
    dots = tuple(
        Dot(
            axis.position(value),
            f"{what} {point.seed}: {'more than ' if point.bound else ''}{shown(value)}"
            + (f", {point.said}" if point.said else ""),
            point.collapsed,
            point.bound,
            point.pale,
            index % 3,
            beyond=not axis.holds(value),
            seed=point.seed if what == "seed" else None,
        )
        for index, (point, value) in enumerate(with_value)
    )
    mean = None
    if with_value and not any(point.bound for point, _ in with_value):
        middle = sum(value for _, value in with_value) / len(with_value)
        mean = Mark(axis.position(middle) if axis.holds(middle) else None, shown(middle))
    spoken = "; ".join(dot.label + (" (collapsed)" if dot.collapsed else "") for dot in dots) or "no values"
    wanted = None if arm.wanted is None else band(axis, *arm.wanted)
    interval = None
    if arm.mean is not None and with_value and (arm.mean[0] is not None or arm.mean[1] is not None):
        low, high = arm.mean
        interval = band(axis, -math.inf if low is None else low, math.inf if high is None else high)
    return Row(arm.name, dots, mean, len(arm.points) - len(with_value), spoken, wanted, arm.wants, interval)
