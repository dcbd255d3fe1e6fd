"""Learning curves of two arms, their difference below, and the windows that the gate `settled` reads of them.

The mean of each arm stands over its runs. The difference of the means has Welch's interval at each point, uncorrected
for the many points: it shows where the arms part and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.evidence.record import RunRecord
from repro.report.cases.case import Case
from repro.report.drawing.charts import Chart, Curve, Line, Plot, chart, mean_line, span_of
from repro.report.drawing.number_formats import unit_look
from repro.report.drawing.words import decimal, named, percent
from repro.report.figures.curves.logged import epochs_a_step, points, rate_drops
from repro.verdicts.authoring.samples import Arms, EachAgainst
from repro.verdicts.readings.learning_curves import settled_curve, settled_windows
from repro.verdicts.statistics.estimates import welch

CURVES: Mapping[str, str] = {
    "held_out_error": "held_out_error",
    "train_error": "train_error",
    "train_error_as_trained": "batch_error",
    "train_loss_as_trained": "train_loss",
    "early_train_loss": "train_loss",
}
"""The logged curve of each metric that has one."""
_TITLES: Mapping[str, str] = {
    "held_out_error": "Held-out error by epoch",
    "validation_error": "Validation error by epoch",
    "train_error": "Training error by epoch, in evaluation mode",
    "batch_error": "Training error by epoch, as training sees it",
    "train_loss": "Training loss by epoch, as training sees it",
}
_WINDOWS = "Shaded: the third and the last quarter of the steps at the first learning rate, between which the gate "
_DIFFERENCE = (
    "Below: the difference of the means, {sign}, with Welch's 95 % interval at each point, uncorrected; it decides "
    "nothing."
)


def arm_curves(case: Case) -> list[Chart]:
    """A chart for each curve that the test's metrics have, and for the one that its gate `settled` reads."""
    pairs = _pairs(case)
    if not pairs:
        return []
    metrics = [str(case.setting("metric")), *case.names("also")]
    read = None
    if "settled" in case.names("gates"):
        read = settled_curve(case.runs(pairs[0][1])[0])
    names = dict.fromkeys([*(CURVES[metric] for metric in metrics if metric in CURVES), *([read] if read else [])])
    return [made for name in names if (made := _chart(case, pairs, name, shaded=name == read))]


def _pairs(case: Case) -> list[tuple[str, str]]:
    """The pairs of variants that are compared and have runs."""
    samples = case.samples
    firsts = samples.firsts if isinstance(samples, EachAgainst) else ()
    if isinstance(samples, Arms):
        firsts = (samples.first,)
    if not isinstance(samples, Arms | EachAgainst):
        return []
    return [(first, samples.second) for first in firsts if all(map(case.runs, (first, samples.second)))]


def _chart(case: Case, pairs: Sequence[tuple[str, str]], name: str, *, shaded: bool) -> Chart | None:
    unit = "nats" if name == "train_loss" else "points"
    sign = -1.0 if case.setting("larger") == "second" else 1.0
    upper, lower, differ = [], [], False
    for first, second in pairs:
        arms = [case.runs(variant) for variant in (first, second)]
        lines = [_lines(runs, name) for runs in arms]
        if not all(lines):
            continue
        windows = _windows([*arms[0], *arms[1]]) if shaded else []
        differ |= shaded and windows is None
        plot = _upper((first, second), arms, name)
        upper.append(replace(plot, windows=windows or (), drops=_drops(arms)))
        lower.append(replace(_lower(lines, sign, unit), windows=windows or (), drops=_drops(arms)))
    if not upper:
        return None
    one = len(upper) == 1
    legend = [
        ("first-arm mean", named(pairs[0][0]) if one else "the variant of the panel"),
        ("second-arm mean", named(pairs[0][1])),
    ]
    directed = case.setting("larger") is not None
    note = _DIFFERENCE.format(sign="positive in the statement's direction" if directed else "the first less the second")
    if shaded and not differ:
        note = f"{_WINDOWS}settled reads by how much the {_word(name)} still fell. {note}"
    elif differ:
        note = f"The runs left their first learning rate at different steps, so no window is shaded. {note}"
    made = chart(
        f"{_TITLES[name]}: means over the runs behind them",
        upper,
        (lambda value: decimal(value, 1)) if unit == "nats" else (lambda value: percent(value, 0)),
        time="epoch",
        legend=legend,
        note=note,
    )
    below = chart("Difference", lower, unit_look(unit)[1], time="epoch", legend=(), span=span_of(upper))
    return None if made is None else replace(made, below=below)


def _upper(names: tuple[str, str], arms: Sequence[Sequence[RunRecord]], name: str) -> Plot:
    """The runs as thin lines, the means of the arms over them."""
    curves, said = [], []
    for kind, variant, runs in zip(("first-arm", "second-arm"), names, arms, strict=True):
        curves += [
            Curve(f"{kind} thin", line, run.status != "finished", run.seed)
            for run in runs
            if (line := points(run, name))
        ]
        if mean := mean_line(_lines(runs, name)):
            curves.append(Curve(f"{kind} mean", mean))
            said.append(f"{named(variant)} ends at {decimal(mean[-1][1], 3)} on average")
    looks = ("second-arm mean", "first-arm mean")  # on top the dashed one, through which the other is seen
    curves.sort(key=lambda curve: looks.index(curve.kind) if curve.kind in looks else -1)
    return Plot(f"{named(names[0])} against {named(names[1])}", curves, "; ".join(said))


def _lower(lines: Sequence[Sequence[Line]], sign: float, unit: str) -> Plot:
    """The difference of the means where all runs have a point."""
    first, second = ([dict(line) for line in arm] for arm in lines)
    shared = sorted(set.intersection(*(set(line) for line in (*first, *second))))
    line, area = [], []
    for x in shared:
        estimate = welch([sign * at[x] for at in first], [sign * at[x] for at in second])
        line.append((x, estimate.value))
        low, high = estimate.interval()
        if math.isfinite(low):
            area.append((x, low, high))
    shown = unit_look(unit)[0]
    said = f"difference at the end {shown(line[-1][1])}" if line else "no point that all runs share"
    return Plot("difference", [Curve("difference", line)], said, area=area)


def _lines(runs: Sequence[RunRecord], name: str) -> list[Line]:
    """The curves of the runs that were trained to their end: a mean goes no further than the shortest."""
    return [line for run in runs if run.status != "diverged" and (line := points(run, name))]


def _windows(runs: Sequence[RunRecord]) -> list[tuple[float, float]] | None:
    """Both windows in epochs; None where the runs' own differ."""
    windows = set()
    for run in runs:
        ends, scale = settled_windows(run), epochs_a_step(run)
        if ends is not None and scale is not None:
            windows.add(tuple(round(end * scale, 6) for end in ends))
    if len(windows) != 1:
        return None
    third, last, end = windows.pop()
    return [(third, last), (last, end)]


def _drops(arms: Sequence[Sequence[RunRecord]]) -> list[float]:
    return sorted({x for runs in arms for run in runs[:1] for x in rate_drops(run)})


def _word(name: str) -> str:
    return name.replace("_", " ").replace("held out", "held-out")
