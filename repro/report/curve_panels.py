"""Learning curves as small multiples: a panel a variant, a thin line a run, the base behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.report.curves import points, reported
from repro.report.strips import Mark, axis_over
from repro.report.words import percent

MOST_POINTS = 150
"""A line has no more points than this: more cannot be seen, and the page stays small."""
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Trace:
    """A run's line as the points of an SVG polyline on 100 x 100; `kind` is training, held-out or base."""

    kind: str
    points: str
    broken: bool


@dataclass(frozen=True)
class Panel:
    """One variant's lines, and in words where they end."""

    variant: str
    traces: tuple[Trace, ...]
    spoken: str


@dataclass(frozen=True)
class CurveFigure:
    """All panels on the same two axes; `chance` is the height of guessing's error."""

    panels: tuple[Panel, ...]
    epochs: int
    ticks: tuple[Mark, ...]
    chance: float


def curve_figure(evidence: Evidence) -> CurveFigure | None:
    """Training and held-out error by epoch of every variant; None when no run logged an error."""
    variants = [(name, runs) for name, runs in reported(evidence) if any(_lines(run) for run in runs)]
    everything = [point for _, runs in variants for run in runs for _, line in _lines(run) for point in line]
    if not everything:
        return None
    chance = evidence.study.chance_error
    axis = axis_over([0.0, chance, *(value for _, value in everything)], about=4)
    first, last = min(epoch for epoch, _ in everything), max(epoch for epoch, _ in everything)

    def height(value: float) -> float:
        return 100 - 100 * (value - axis.low) / (axis.high - axis.low)

    def drawn(line: Line) -> str:
        width = max(last - first, 1e-9)
        return " ".join(
            f"{100 * (epoch - first) / width:.1f},{height(value):.1f}" for epoch, value in _thinned(line)
        )

    base = _mean_line([points(run, "held_out_error") for run in evidence.of("base")])
    panels = []
    for name, runs in variants:
        traces = [
            Trace(kind, drawn(line), run.status != "finished") for run in runs for kind, line in _lines(run)
        ]
        if name != "base" and base:
            traces.insert(0, Trace("base", drawn(base), False))
        panels.append(Panel(name, tuple(traces), _spoken(runs)))
    ticks = tuple(Mark(height(tick), percent(tick, 0)) for tick in axis.ticks)
    return CurveFigure(tuple(panels), round(last), ticks, height(chance))


def _lines(run: RunRecord) -> list[tuple[str, Line]]:
    named = (("training", "train_error"), ("held-out", "held_out_error"))
    return [(kind, line) for kind, name in named if (line := points(run, name))]


def _mean_line(lines: Sequence[Line]) -> Line:
    """Mean over runs at each epoch that all of them measured."""
    known = [dict(line) for line in lines if line]
    if not known:
        return []
    shared = sorted(set.intersection(*(set(line) for line in known)))
    return [(epoch, sum(line[epoch] for line in known) / len(known)) for epoch in shared]


def _thinned(line: Line) -> Line:
    if len(line) <= MOST_POINTS:
        return line
    kept = [round(place * (len(line) - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)]
    return [line[place] for place in kept]


def _spoken(runs: Sequence[RunRecord]) -> str:
    ends = []
    for run in runs:
        for kind, line in _lines(run):
            ends.append(f"seed {run.seed} ends at {percent(line[-1][1])} {kind} error")
    return "; ".join(ends)
