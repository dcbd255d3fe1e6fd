"""Learning curves as a table, and the pictures that `dvc plots show` puts on its page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.files import write_bytes, write_text
from repro.report.drawing.kernel_images import sheet
from repro.report.drawing.own_matplotlib import Axes, Figure, default_style
from repro.report.drawing.words import finite
from repro.report.figures.towers import Tower, tower_kernels

COLUMNS = ("variant", "seed", "epoch", "train_loss", "train_error", "held_out_error")
_TRAIN, _HELD_OUT = "#8a8f98", "#1f5f8b"


def write_curves(evidence: Evidence, folder: Path) -> None:
    """Write `learning_curves.csv`, `learning_curves.png` and `kernels.png`: same evidence, same bytes.

    Errors are unrounded fractions, an empty field where nothing was measured. Raises UserError when the
    folder cannot be written or the evidence's arrays cannot be read.
    """
    write_text(folder / "learning_curves.csv", _table(evidence))
    with default_style():
        write_bytes(folder / "learning_curves.png", _curves_png(evidence))
        write_bytes(folder / "kernels.png", _kernels_png(evidence))


def points(run: RunRecord, name: str) -> list[tuple[float, float]]:
    """(epoch, value) of a logged curve, where it was measured; both finite."""
    pairs = zip(run.curves.get("epoch", []), run.curves.get(name, []), strict=False)
    known = [(finite(epoch), finite(value)) for epoch, value in pairs]
    return [(epoch, value) for epoch, value in known if epoch is not None and value is not None]


def epochs_a_step(run: RunRecord) -> float | None:
    """What a step is in epochs, by the last point of the log; None where it does not say."""
    pairs = list(zip(run.curves.get("epoch", []), run.curves.get("step", []), strict=False))
    if not pairs:
        return None
    epoch, step = (finite(value) for value in pairs[-1])
    return None if epoch is None or not step else epoch / step


def rate_drops(run: RunRecord) -> list[float]:
    """The epochs at whose end the learning rate fell."""
    log = list(zip(run.curves.get("epoch", []), run.curves.get("learning_rate", []), strict=False))
    known = [(epoch, rate) for at, value in log if (epoch := finite(at)) is not None and (rate := finite(value))]
    return [epoch for (epoch, rate), (_, following) in pairwise(known) if following < rate]


def reported(evidence: Evidence) -> Iterator[tuple[str, list[RunRecord]]]:
    """Each variant of the study that has runs, in the study's order."""
    for variant in evidence.study.variants:
        if runs := evidence.of(variant):
            yield variant, runs


def _table(evidence: Evidence) -> str:
    rows = []
    for variant, runs in reported(evidence):
        for run in runs:
            for place, epoch in enumerate(run.curves.get("epoch", [])):
                values = [_at(run, name, place) for name in COLUMNS[3:]]
                rows.append((variant, run.seed, epoch, *values))
    rows.sort(key=lambda row: row[:3])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue()


def _at(run: RunRecord, name: str, place: int) -> str:
    curve = run.curves.get(name, [])
    value = finite(curve[place]) if place < len(curve) else None
    return "" if value is None else repr(value)


def _curves_png(evidence: Evidence) -> bytes:
    variants = list(reported(evidence))
    columns = min(4, max(1, len(variants)))
    rows = max(1, -(-len(variants) // columns))
    figure = Figure(figsize=(2.9 * columns, 2.3 * rows + 0.4), dpi=110, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, (variant, runs) in zip(axes, variants, strict=False):
        for run in runs:
            for name, colour in (("train_error", _TRAIN), ("held_out_error", _HELD_OUT)):
                if line := points(run, name):
                    style = "-" if run.status == "finished" else ":"
                    axis.plot(*zip(*line, strict=True), style, color=colour, linewidth=1.1)
        axis.axhline(evidence.study.chance_error, color="#b0b0b0", linewidth=0.7, dashes=(2, 2))
        axis.set_title(variant, fontsize=9, loc="left", parse_math=False)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(bottom=0)
    for axis in axes[len(variants) :]:
        axis.set_axis_off()
    title = "Error by epoch: training grey, held-out blue, chance dashed" if variants else "no runs"
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return _png(figure)


def _kernels_png(evidence: Evidence) -> bytes:
    """Both towers of the first seed's nets: base, dense control, base before training."""
    shown: list[tuple[str, tuple[Tower, Tower]]] = []
    for variant, trained in (("base", True), ("dense", True), ("base", False)):
        for run in evidence.of(variant)[:1]:
            if found := tower_kernels(evidence, run, trained=trained):
                state = "" if trained else ", untrained"
                half = "half" if variant == "dense" else "tower"
                shown.append((f"{variant}, seed {run.seed}{state}, {half}", found.towers))
    figure = Figure(figsize=(8.0, 0.5 + 2.1 * max(1, len(shown))), dpi=110, layout="constrained")
    axes: Any = figure.subplots(max(1, len(shown)), 2, squeeze=False)
    for row, (name, towers) in zip(axes, shown, strict=False):
        for axis, tower in zip(row, towers, strict=True):
            _draw_tower(axis, name, tower)
    for row in axes[len(shown) :]:
        for axis in row:
            axis.set_axis_off()
    title = "First-layer kernels by the chroma share of their responses; excluded ones pale" if shown else "no kernels"
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return _png(figure)


def _draw_tower(axis: Axes, name: str, tower: Tower) -> None:
    kernels = [kernel.weights for kernel in tower.kernels]
    axis.imshow(sheet(kernels, [not kernel.live for kernel in tower.kernels], columns=8), interpolation="nearest")
    median = tower.median_chroma
    said = "no live kernels" if median is None else f"median chroma share {median:.2f}"
    axis.set_title(f"{name} {tower.number}: {said}", fontsize=8, loc="left", parse_math=False)
    axis.set_axis_off()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
