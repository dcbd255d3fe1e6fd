"""Lines over time as small multiples on the same two axes, each an SVG of 100 x 100 that stretches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from repro.report.axes import Axis, Mark, axis_over

MOST_POINTS = 150
"""A line has no more points than this: more cannot be seen, and the page stays small."""
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """A line before it has places; `kind` names its look, `broken` a run that collapsed."""

    kind: str
    line: Line
    broken: bool = False


@dataclass(frozen=True)
class Arrival:
    """A point on a curve that matters, with what it says."""

    kind: str
    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Trace:
    """A line as the points of an SVG polyline."""

    kind: str
    points: str
    broken: bool


@dataclass(frozen=True)
class Panel:
    """One panel's lines, and in words what they say."""

    name: str
    traces: tuple[Trace, ...]
    arrivals: tuple[Arrival, ...]
    spoken: str


@dataclass(frozen=True)
class Plot:
    """A panel before it has places; arrivals in data units."""

    name: str
    curves: Sequence[Curve]
    spoken: str
    arrivals: Sequence[Arrival] = field(default_factory=tuple)


@dataclass(frozen=True)
class Guide:
    """A level line across all panels."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """All panels; `legend` names the looks of lines."""

    kind: ClassVar[str] = "chart"
    title: str
    panels: tuple[Panel, ...]
    ticks: tuple[Mark, ...]
    start: str
    end: str
    guides: tuple[Guide, ...]
    legend: tuple[tuple[str, str], ...]


def chart(
    title: str,
    plots: Sequence[Plot],
    shown: Callable[[float], str],
    *,
    time: str,
    legend: Sequence[tuple[str, str]],
    guides: Sequence[tuple[float, str]] = (),
) -> Chart | None:
    """A chart whose height begins at 0 (or below); None when no plot has a point. `time`: what x counts."""
    everything = [point for plot in plots for curve in plot.curves for point in curve.line]
    if not everything:
        return None
    axis = axis_over([0.0, *(value for value, _ in guides), *(value for _, value in everything)], about=4)
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    frame = _Frame(first, max(last - first, 1e-9), axis)
    return Chart(
        title=title,
        panels=tuple(
            Panel(
                plot.name,
                tuple(Trace(curve.kind, frame.drawn(curve.line), curve.broken) for curve in plot.curves),
                tuple(Arrival(at.kind, frame.across(at.x), frame.down(at.y), at.label) for at in plot.arrivals),
                plot.spoken,
            )
            for plot in plots
        ),
        ticks=tuple(Mark(frame.down(tick), shown(tick)) for tick in axis.ticks),
        start=f"{time} {first:,.0f}",
        end=f"{last:,.0f}",
        guides=tuple(Guide(frame.down(value), label) for value, label in guides),
        legend=tuple(legend),
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
    known = [dict(line) for line in lines if line]
    if not known:
        return []
    shared = sorted(set.intersection(*(set(line) for line in known)))
    return [(x, sum(line[x] for line in known) / len(known)) for x in shared]


def _thinned(line: Line) -> Line:
    if len(line) <= MOST_POINTS:
        return line
    kept = [round(place * (len(line) - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)]
    return [line[place] for place in kept]
