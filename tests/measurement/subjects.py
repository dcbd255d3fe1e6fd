"""Runs opened for measuring that never were trained: small nets, on the pictures of `packed_pictures`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.data.packed import Colour, Packed, Split, open_packed
from repro.measurement.subject import Subject
from repro.net.alexnet import AlexNet
from repro.study.settings import EvaluationSettings, RunSettings
from tests.packed_pictures import make_packed
from tests.small_runs import small_settings

SEED = 3
FEW = EvaluationSettings(
    train_sample=20,
    view_pictures=5,
    hidden_pictures=12,
    dropout_pictures=4,
    dropout_masks=9,
    neighbour_queries=8,
    neighbour_database=16,
    code_bits=4,
    selectivity_permutations=99,
)
"""Samples that are taken in a moment."""


def small_packed(folder: Path, **counts: int) -> Packed:
    """Noise pictures of 20 px in 8 classes."""
    return open_packed(folder / make_packed(folder, **{"classes": 8, **counts}))


def subject_of(packed: Packed, settings: RunSettings | None = None, seed: int = SEED, **evaluation: Any) -> Subject:
    """A run whose final weights are its initial ones."""
    settings = settings or small_settings()
    dtype = torch.float64 if settings.training.precision == "float64" else torch.float32
    net = AlexNet(settings.net, len(packed.classes), seed, dtype=dtype)
    return Subject(net, packed, settings, seed, EvaluationSettings(**evaluation))


def packed_of(
    train: tuple[np.ndarray, np.ndarray], held_out: tuple[np.ndarray, np.ndarray], classes: tuple[str, ...]
) -> Packed:
    """Prepared pictures in memory: (pictures, labels) of both splits."""
    pixels = train[0].reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(pixels.T))
    return Packed(
        folder=Path("in memory"),
        train=Split(*train),
        validation=Split(train[0][:0], train[1][:0]),
        held_out=Split(*held_out),
        mean_picture=train[0].mean(axis=0).astype(np.float32),
        colour=Colour(np.cov(pixels.T), vectors[:, ::-1], np.sqrt(np.maximum(values[::-1], 0))),
        classes=classes,
        digest="made up",
        manifest={},
    )
