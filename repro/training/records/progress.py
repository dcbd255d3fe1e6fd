"""How far a run has come, for whoever watches it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from repro.study.settings import TrainingSettings


def progress_of(
    settings: TrainingSettings,
    loss: float,
    curve: Sequence[Mapping[str, Any]],
    step: int,
    steps: int,
    epoch: int,
    steps_per_second: float,
) -> dict[str, Any]:
    """Step, epoch (from 1), mean training loss, last held-out error of the curve, and speed; null what is not known."""
    return {
        "step": step,
        "steps": steps,
        "epoch": epoch + 1,
        "epochs": settings.epochs,
        "loss": loss if math.isfinite(loss) else None,
        "error": next((row["held_out_error"] for row in reversed(curve) if "held_out_error" in row), None),
        "steps_per_second": steps_per_second,
        "pictures_per_second": steps_per_second * settings.batch_size,
    }
