"""Runs small enough to be trained in a second, on the pictures of `packed_pictures`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repro.data.packed import open_packed
from repro.runs.store import Run, RunSpec
from repro.study.settings import RunSettings


def small_settings(*, net: dict[str, Any] | None = None, **training: Any) -> RunSettings:
    """A two-tower net of 16 px crops with dropout, normalisation and colour noise: everything random is on."""
    return RunSettings.model_validate(
        {
            "data": {"size": 20, "validation_per_class": training.pop("validation_per_class", 0)},
            "net": {
                "geometry": {
                    "crop": 16,
                    "conv1_kernel": 3,
                    "conv1_stride": 1,
                    "conv1_padding": 1,
                    "conv1_padding_kind": "symmetric",
                    "conv2_kernel": 3,
                    "conv2_padding": 1,
                },
                "widths": {"conv": [8, 8, 8, 8, 8], "fc": [16, 16]},
                "pooling": {"size": 2},
                "initial_values": {"rule": "he"},
                "input_divisor": 64.0,
                **(net or {}),
            },
            "training": {
                "batch_size": 7,
                "learning_rate": 0.005,
                "epochs": 3,
                "schedule": {"kind": "steps", "at": [0.5]},
                "curve_pictures": 16,
                **training,
            },
        }
    )


def small_run(store: Path, pictures: str, settings: RunSettings | None = None, seed: int = 1) -> Run:
    """A run in the store, created and not yet trained."""
    packed = open_packed(store / pictures)
    spec = RunSpec(settings or small_settings(), seed, packed.digest, pictures)
    run = Run(store, spec.identity)
    run.create(spec, {})
    return run
