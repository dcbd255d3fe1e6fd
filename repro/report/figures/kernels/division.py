"""How the division of labour between towers comes about: J along training, J of untrained nets, what dense nets hold.

All of it is exploratory: no verdict reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.report.drawing.charts import Chart, Curve, Line, Plot, chart, mean_line
from repro.report.drawing.strips import Arm, Point, Strip, strip
from repro.report.drawing.words import decimal, finite, named, tick
from repro.report.figures.curves.logged import epochs_a_step, rate_drops
from repro.report.figures.kernels.sheets import J_TITLE
from repro.report.figures.kernels.tower_kernels import tower_kernels
from repro.verdicts.finding import NotEvaluated

ARMS = (("base", "second-arm"), ("dense", "first-arm"))
"""Variants whose division is followed, with the look of their lines."""
FEWEST_KERNELS = 3


@dataclass(frozen=True)
class DivisionFigures:
    """The figures for which the evidence has the numbers."""

    along: Chart | None
    control: Strip | None
    latent: Strip | None


def division_figures(evidence: Evidence, above: float) -> DivisionFigures:
    """above: chroma share above which a kernel is colour-specific."""
    return DivisionFigures(_along(evidence), _control(evidence, above), _latent(evidence))


# ---- along training --------------------------------------------------------------------------------


def _along(evidence: Evidence) -> Chart | None:
    """J of each run at the points that training kept, with the arms' means; None where no run kept any."""
    curves, said, drops = [], [], set()
    for variant, look in ARMS:
        lines = [(run, line) for run in evidence.of(variant) if (line := _kept(evidence, run))]
        curves += [Curve(f"{look} thin", line, run.status != "finished", run.seed) for run, line in lines]
        drops |= {x for run, _ in lines[:1] for x in rate_drops(run)}
        if mean := mean_line([line for _, line in lines]):
            curves.append(Curve(f"{look} mean", mean))
            said.append(f"{variant} goes from {decimal(mean[0][1])} to {decimal(mean[-1][1])} on average")
    curves.sort(key=lambda curve: curve.kind.endswith("mean"))
    there = {curve.kind.split()[0] for curve in curves}
    return chart(
        "J along training: means over the runs behind them",
        [Plot("", curves, "; ".join(said), drops=sorted(drops))],
        decimal,
        time="epoch",
        legend=[(f"{look} mean", named(variant)) for variant, look in ARMS if look in there],
        within=(0.0, 1.0),
        note="In the first passes few kernels have moved enough to count as live, so J is rough there.",
    )


def _kept(evidence: Evidence, run: RunRecord) -> Line:
    """(epoch, J) at each kept point; a point at which a tower had no live kernel has none."""
    scale = epochs_a_step(run)
    steps, divisions = (_array(evidence, run, f"conv1_points_{name}") for name in ("step", "division"))
    if scale is None or steps is None or divisions is None:
        return []
    return [
        (float(step) * scale, float(value)) for step, value in zip(steps, divisions, strict=False) if np.isfinite(value)
    ]


# ---- before training -------------------------------------------------------------------------------


def _control(evidence: Evidence, above: float) -> Strip | None:
    """J of both arms after and before training: what the initial weights alone give."""
    arms = []
    for variant, _ in ARMS:
        for trained in (True, False):
            points = [Point(run.seed, _j(evidence, run, above, trained)) for run in evidence.of(variant)]
            if any(point.value is not None for point in points):
                arms.append(Arm(named(variant) if trained else f"{named(variant)}, untrained", points))
    if not any(arm.name.endswith("untrained") for arm in arms):
        return None
    return strip(J_TITLE, arms, decimal, tick, within=(0.0, 1.0))


def _j(evidence: Evidence, run: RunRecord, above: float, trained: bool) -> float | None:
    kernels = tower_kernels(evidence, run, above, trained=trained)
    return None if kernels is None or isinstance(kernels.division, NotEvaluated) else kernels.division.j


# ---- dense nets ------------------------------------------------------------------------------------


def _latent(evidence: Evidence) -> Strip | None:
    """Per run of each net without towers, whether conv2 reads coloured kernels otherwise than grey ones."""
    arms = []
    for variant in evidence.study.variants:
        points = [
            Point(run.seed, _correlation(evidence, run), run.status != "finished") for run in evidence.of(variant)
        ]
        if any(point.value is not None for point in points):
            arms.append(Arm(named(variant), points))
    if not arms:
        return None
    title = "Correlation, over the live kernels of conv1, of a kernel's chroma share with what conv2 reads of it"
    return strip(title, arms, decimal, tick, references=[(0.0, "none")], within=(-1.0, 1.0))


def _correlation(evidence: Evidence, run: RunRecord) -> float | None:
    shares, vector = (_array(evidence, run, name) for name in ("conv1_chroma_response", "conv2_input_vector"))
    if shares is None or vector is None or shares.shape != vector.shape:
        return None
    live = _array(evidence, run, "conv1_live")
    counted = np.isfinite(shares) & np.isfinite(vector) & (True if live is None else live.astype(bool))
    x, y = shares[counted].astype(np.float64), vector[counted].astype(np.float64)
    if len(x) < FEWEST_KERNELS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return finite(float(np.corrcoef(x, y)[0, 1]))


def _array(evidence: Evidence, run: RunRecord, name: str) -> npt.NDArray[Any] | None:
    return evidence.array(run.identity, name) if evidence.has_array(run.identity, name) else None
