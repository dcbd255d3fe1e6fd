"""A run's last sign of life, for the live table. Losing one costs nothing, so it is not synced to disk."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.training.loop import Training


def progress_of(run: Training, epoch: int, steps_per_second: float) -> dict[str, Any]:
    """Where a run is in its training, how it stands and how fast it goes."""
    loss = run.sums.mean_loss
    return {
        "step": run.step,
        "steps": run.schedule.total_steps,
        "epoch": epoch + 1,
        "epochs": run.settings.epochs,
        "loss": loss if math.isfinite(loss) else None,
        "error": next((row["held_out_error"] for row in reversed(run.rows) if "held_out_error" in row), None),
        "steps_per_second": steps_per_second,
        "pictures_per_second": steps_per_second * run.settings.batch_size,
    }


def write_progress(folder: Path, progress: dict[str, Any]) -> None:
    """Replace `progress.json`; a full disk is left to the checkpoint to complain about."""
    draft = folder / ".progress.json"
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(progress))
        os.replace(draft, folder / "progress.json")
