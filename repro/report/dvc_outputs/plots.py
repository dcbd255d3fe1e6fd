"""What `dvc plots show` shows of a study: learning curves and first-layer kernels.

The curves are a table that DVC draws by the template `.dvc/plots/learning_curves.json`; the kernels are a picture.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.files import write_bytes, write_text
from repro.report.drawing.kernel_images import png
from repro.report.drawing.words import finite
from repro.report.figures.kernels.plate import kernel_plate, words_alone

COLUMNS = ("variant", "seed", "epoch", "train_loss", "train_error", "held_out_error")


def write_plots(evidence: Evidence, folder: Path) -> None:
    """Write `learning_curves.csv` and `kernels.png`: same evidence, same bytes.

    Errors are unrounded fractions, an empty field where nothing was measured. Raises UserError when the
    folder cannot be written or the evidence's arrays cannot be read.
    """
    write_text(folder / "learning_curves.csv", _table(evidence))
    kernels = kernel_plate(evidence)
    write_bytes(folder / "kernels.png", png(words_alone("no kernels") if kernels is None else kernels))


def _table(evidence: Evidence) -> str:
    rows = []
    for variant in evidence.study.variants:
        for run in evidence.of(variant):
            for index, epoch in enumerate(run.curves.get("epoch", [])):
                values = [_at(run, name, index) for name in COLUMNS[3:]]
                rows.append((variant, run.seed, epoch, *values))
    rows.sort(key=lambda row: row[:3])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue()


def _at(run: RunRecord, name: str, index: int) -> str:
    curve = run.curves.get(name, [])
    value = finite(curve[index]) if index < len(curve) else None
    return "" if value is None else repr(value)
