"""Learning curves: a panel a variant, a thin line a run, the base behind each."""

from __future__ import annotations

from collections.abc import Sequence

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.report.drawing.charts import Chart, Curve, Line, Plot, chart, mean_line
from repro.report.drawing.words import named, percent
from repro.report.figures.curves.logged import points

LEGEND = (
    ("held-out", "held-out error"),
    ("training", "training error"),
    ("base", "base, held-out, mean"),
)


def curve_figure(evidence: Evidence, variants: Sequence[str] | None = None) -> Chart | None:
    """Training and held-out error by epoch of every variant, or of some; None when no run logged an error."""
    base = mean_line([points(run, "held_out_error") for run in evidence.of("base")])
    plots = []
    for name in evidence.study.variants if variants is None else variants:
        runs = evidence.of(name)
        if not any(_lines(run) for run in runs):
            continue
        curves = [Curve(kind, line, run.status != "finished", run.seed) for run in runs for kind, line in _lines(run)]
        if name != "base" and base:
            curves.insert(0, Curve("base", base))
        plots.append(Plot(named(name), curves, _spoken(runs)))
    return chart(
        "Error by epoch",
        plots,
        lambda value: percent(value, 0),
        time="epoch",
        legend=LEGEND if len(plots) > 1 else LEGEND[:2],
        guides=[(evidence.study.chance_error, "guessing")],
    )


def _lines(run: RunRecord) -> list[tuple[str, Line]]:
    curves = (("training", "train_error"), ("held-out", "held_out_error"))
    return [(kind, line) for kind, name in curves if (line := points(run, name))]


def _spoken(runs: Sequence[RunRecord]) -> str:
    ends = []
    for run in runs:
        for kind, line in _lines(run):
            ends.append(f"seed {run.seed} ends at {percent(line[-1][1])} {kind} error")
    return "; ".join(ends)
