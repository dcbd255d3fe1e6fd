"""Averages of several nets' predictions (section 6, Table 2), by picture, on the centre crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from repro.measurement.subject import Subject, Taken
from repro.training.evaluation import rank_of_label

Probabilities = npt.NDArray[np.float32]
FIRST_LOOK = 6
"""Seeds of the first of two looks."""


def measure(subject: Subject) -> Taken:
    """Softmax outputs (held-out pictures, classes); a net whose outputs are not numbers guesses evenly."""
    outputs = torch.softmax(torch.from_numpy(subject.held_out.logits).double(), 1).float().numpy()
    return Taken(arrays={"probabilities": np.where(np.isfinite(outputs), outputs, np.float32(1 / subject.outputs))})


def subsets_of(seeds: Sequence[int], looks: str) -> list[tuple[int, ...]]:
    """Which seeds' nets are averaged: all, all but one, and the same of the first look's seeds where there are two."""
    groups = [tuple(seeds)]
    if looks == "two" and len(seeds) > FIRST_LOOK:
        groups.append(tuple(seeds[:FIRST_LOOK]))
    chosen = [
        subset
        for group in groups
        for subset in (group, *(tuple(seed for seed in group if seed != left_out) for left_out in group))
    ]
    return [subset for subset in dict.fromkeys(chosen) if len(subset) > 1]


def ensemble_arrays(
    variant: str,
    probabilities: Mapping[int, Probabilities],
    labels: npt.NDArray[np.int64],
    subsets: Sequence[tuple[int, ...]],
) -> dict[str, npt.NDArray[Any]]:
    """`ensemble/<variant>/<seeds>`: bits, picture by picture, of whether the mean prediction is right.

    `probabilities` by seed. A subset with a seed that is not among them is left out.
    """
    arrays = {}
    for seeds in subsets:
        if all(seed in probabilities for seed in seeds):
            mean = np.zeros(probabilities[seeds[0]].shape, dtype=np.float64)
            for seed in seeds:
                mean += probabilities[seed]
            right = rank_of_label(torch.from_numpy(mean), torch.from_numpy(labels)) == 0
            arrays[f"ensemble/{variant}/{'+'.join(map(str, seeds))}"] = np.packbits(right.numpy())
    return arrays
