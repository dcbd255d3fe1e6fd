"""Whether response normalisation does anything: its divisor over the constant k (section 3.3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from repro.measurement.subject import Measured, Subject
from repro.training.evaluation import fixed_sample

VERSION = 1

_PICTURES = 128


def measure(subject: Subject) -> Measured:
    """Mean of s/k, the divisor before its power, over held-out pictures, for conv1 and conv2; 1 means inert."""
    sample = fixed_sample(subject.pictures.held_out, "normalisation", _PICTURES)
    pixels, _ = next(subject.inputs.batches(subject.pictures.held_out, sample, _PICTURES))
    captured: dict[str, Tensor] = {}
    with torch.inference_mode():
        for layer in subject.net.layers[:2]:
            pixels = layer(pixels, None, captured)
    values: dict[str, float | None] = {}
    for name in ("conv1", "conv2"):
        scale = captured.get(f"{name}.normalisation_scale")
        mean = None if scale is None else float(scale.mean()) / subject.net.net.normalisation.k
        values[f"normalisation_alive_{name}"] = 0.0 if mean is not None and not math.isfinite(mean) else mean
    return Measured(values)
