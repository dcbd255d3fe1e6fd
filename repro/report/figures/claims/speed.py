"""Figures of verdicts on speed: the curves with the points of arrival, and the ratios on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.evidence.record import RunRecord
from repro.report.cases.case import Case, numbers
from repro.report.drawing.charts import Arrival, Chart, Curve, Line, Plot, chart
from repro.report.drawing.forest import Estimate, Forest, forest
from repro.report.drawing.number_formats import unit_look
from repro.report.drawing.words import finite, named, percent
from repro.report.figures.claims.differences import Figure, region
from repro.verdicts.authoring.samples import Pairs
from repro.verdicts.readings.arrivals import arrival_at, convergence

_CURVES = {"converged": "held_out_error"}
_LEGEND = (("first-arm", "said to be slower"), ("second-arm", "said to be faster"))


def speed_figures(case: Case) -> list[Figure]:
    """A panel for each pair of variants, and the ratio of their iterations with its interval."""
    return [figure for figure in (_curves(case), _ratios(case)) if figure is not None]


def pairs_of(case: Case) -> list[tuple[str, str]]:
    """The pairs that have runs, slower first."""
    samples = case.samples
    pairs = samples.pairs if isinstance(samples, Pairs) else ()
    return [pair for pair in pairs if all(case.runs(name) for name in pair)]


def _curves(case: Case) -> Chart | None:
    metric = _CURVES.get(str(case.setting("criterion")), "train_error")
    target = None
    if metric == "train_error":
        target = finite(case.details.get("target")) or finite(case.setting("target"))
    plots = []
    for pair in pairs_of(case):
        curves, arrivals, said = [], [], []
        for kind, variant in zip(("first-arm", "second-arm"), pair, strict=True):
            for run in case.runs(variant):
                if not (line := _line(run, metric)):
                    continue
                curves.append(Curve(kind, line, run.status != "finished", run.seed))
                name = f"{named(variant)} seed {run.seed}"
                arrival = _arrival(run, line, target, metric, kind, name)
                arrivals += [arrival] if arrival else []
                said.append(arrival.label if arrival else f"{name} ends at {percent(line[-1][1])}")
        if curves:
            plots.append(Plot(f"{named(pair[0])} against {named(pair[1])}", curves, "; ".join(said), arrivals))
    return chart(
        f"{'Training' if metric == 'train_error' else 'Held-out'} error by step; a mark where a run arrives",
        plots,
        lambda value: percent(value, 0),
        time="step",
        legend=_LEGEND,
        guides=[] if target is None else [(target, f"target {percent(target, 0)}")],
    )


def _line(run: RunRecord, metric: str) -> Line:
    pairs = zip(run.curves.get("step", []), run.curves.get(metric, []), strict=False)
    checked = [(finite(x), finite(y)) for x, y in pairs]
    return [(x, y) for x, y in checked if x is not None and y is not None]


def _arrival(run: RunRecord, line: Line, target: float | None, metric: str, kind: str, name: str) -> Arrival | None:
    """The point on a run's curve that counts; None for a run that never arrives."""
    if metric != "train_error":
        arrival = convergence(run)
        height = dict(line).get(arrival.iterations)
        if arrival.censored or height is None:
            return None
        return Arrival(
            kind, arrival.iterations, height, f"{name} has converged at step {arrival.iterations:,.0f}", run.seed
        )
    if target is None or (arrival := arrival_at(run, target)).censored:
        return None
    label = f"{name} reaches {percent(target)} at step {arrival.iterations:,.0f}"
    return Arrival(kind, arrival.iterations, target, label, run.seed)


def _ratios(case: Case) -> Forest | None:
    kept, shown = case.details.get("parts"), unit_look("ratio")
    parts = [row for name, part in kept.items() if (row := _row(str(name), part))] if isinstance(kept, Mapping) else []
    name = "weakest of them" if parts else ""
    whole = [Estimate(name, *case.interval)] if case.interval and case.interval[0] > 0 else []
    if not parts and not whole:
        return None
    title = "Ratio of iterations, slower over faster, on a logarithmic axis"
    return forest(title, [*parts, *whole], *shown, neutral=1.0, holds=region(case), log=True)


def _row(name: str, part: Any) -> Estimate | None:
    if not isinstance(part, Mapping):
        return None
    estimate, ends = finite(part.get("estimate")), numbers(part.get("interval"))
    if estimate is None or estimate <= 0 or len(ends) != 2:
        return None
    low = ends[0] if ends[0] is not None and ends[0] > 0 else None
    return Estimate(named(name), estimate, low, ends[1], main=False)
