"""Lines over time as small multiples on the same two axes, each an SVG of 100 x 100 that stretches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from repro.report.drawing.axes import Axis, Band, Mark, axis_over, axis_within

MOST_POINTS = 150
"""A line has no more points than this: more cannot be seen, and the page stays small."""
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """A line in data units; `kind` names its look, `broken` a run that collapsed, `seed` the run's."""

    kind: str
    line: Line
    broken: bool = False
    seed: int | None = None


@dataclass(frozen=True)
class Arrival:
    """A point on a curve that matters, with what it says."""

    kind: str
    x: float
    y: float
    label: str
    seed: int | None = None


@dataclass(frozen=True)
class Trace:
    """A line as the points of an SVG polyline."""

    kind: str
    points: str
    broken: bool
    seed: int | None


@dataclass(frozen=True)
class Panel:
    """One panel's lines, and in words what they say. `area` are the points of a polygon behind them, `windows` shaded
    stretches of time, `drops` the times at which the learning rate fell."""

    name: str
    traces: tuple[Trace, ...]
    arrivals: tuple[Arrival, ...]
    spoken: str
    area: str
    windows: tuple[Band, ...]
    drops: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """What a panel shows, in data units. `area`: (time, low, high) of a band behind the lines."""

    name: str
    curves: Sequence[Curve]
    spoken: str
    arrivals: Sequence[Arrival] = field(default_factory=tuple)
    area: Sequence[tuple[float, float, float]] = field(default_factory=tuple)
    windows: Sequence[tuple[float, float]] = field(default_factory=tuple)
    drops: Sequence[float] = field(default_factory=tuple)


@dataclass(frozen=True)
class Guide:
    """A level line across all panels."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """All panels; `legend` names the looks of lines. `below` has a second plot for each panel, over the same time;
    `note` stands below all."""

    kind: ClassVar[str] = "chart"
    title: str
    panels: tuple[Panel, ...]
    ticks: tuple[Mark, ...]
    start: str
    end: str
    guides: tuple[Guide, ...]
    legend: tuple[tuple[str, str], ...]
    below: Chart | None = None
    note: str = ""


def chart(
    title: str,
    plots: Sequence[Plot],
    shown: Callable[[float], str],
    *,
    time: str,
    legend: Sequence[tuple[str, str]],
    guides: Sequence[tuple[float, str]] = (),
    within: tuple[float, float] | None = None,
    span: tuple[float, float] | None = None,
    note: str = "",
) -> Chart | None:
    """A chart whose height begins at 0 (or below); None when no plot has a point.

    time: what x counts; within: ends of the height, in place of those of the values; span: first and last time.
    """
    everything = [point for plot in plots for curve in plot.curves for point in curve.line]
    if not everything:
        return None
    ends = [end for plot in plots for _, low, high in plot.area for end in (low, high)]
    values = [0.0, *(value for value, _ in guides), *(value for _, value in everything), *ends]
    axis = axis_within(*within) if within else axis_over(values, about=4)
    first, last = span or span_of(plots)
    frame = _Frame(first, max(last - first, 1e-9), axis)
    return Chart(
        title=title,
        panels=tuple(_panel(plot, frame) for plot in plots),
        ticks=tuple(Mark(frame.down(tick), shown(tick)) for tick in axis.ticks),
        start=f"{time} {first:,.0f}",
        end=f"{last:,.0f}",
        guides=tuple(Guide(frame.down(value), label) for value, label in guides),
        legend=tuple(legend),
        note=note,
    )


def span_of(plots: Sequence[Plot]) -> tuple[float, float]:
    """First and last time of all lines."""
    times = [x for plot in plots for curve in plot.curves for x, _ in curve.line]
    return min(times), max(times)


def _panel(plot: Plot, frame: _Frame) -> Panel:
    lower, upper = [(x, low) for x, low, _ in plot.area], [(x, high) for x, _, high in plot.area]
    return Panel(
        plot.name,
        tuple(Trace(curve.kind, frame.drawn(curve.line), curve.broken, curve.seed) for curve in plot.curves),
        tuple(Arrival(at.kind, frame.across(at.x), frame.down(at.y), at.label, at.seed) for at in plot.arrivals),
        plot.spoken,
        f"{frame.drawn(upper)} {frame.drawn(_thinned(lower)[::-1])}" if plot.area else "",
        tuple(
            Band(frame.across(start), round(frame.across(end) - frame.across(start), 1)) for start, end in plot.windows
        ),
        tuple(frame.across(x) for x in plot.drops),
    )


@dataclass(frozen=True)
class _Frame:
    first: float
    width: float
    axis: Axis

    def across(self, x: float) -> float:
        return round(100 * (x - self.first) / self.width, 1)

    def down(self, value: float) -> float:
        return round(100 - 100 * (value - self.axis.low) / (self.axis.high - self.axis.low), 1)

    def drawn(self, line: Line) -> str:
        return " ".join(f"{self.across(x):g},{self.down(value):g}" for x, value in _thinned(line))


def mean_line(lines: Sequence[Line]) -> Line:
    """Mean over lines at each x that all of them have."""
    by_x = [dict(line) for line in lines if line]
    if not by_x:
        return []
    shared = sorted(set.intersection(*(set(line) for line in by_x)))
    return [(x, sum(line[x] for line in by_x) / len(by_x)) for x in shared]


def _thinned(line: Line) -> Line:
    if len(line) <= MOST_POINTS:
        return line
    kept = [round(index * (len(line) - 1) / (MOST_POINTS - 1)) for index in range(MOST_POINTS)]
    return [line[index] for index in kept]
