"""Averages of several nets' predictions (section 6, Table 2), by picture: on the centre crop of all held-out pictures,
and over ten views, as in the paper, of those that are seen in ten views at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repro.measurement.predictions import views
from repro.measurement.subject import Measured, Subject
from repro.training.evaluation import rank_of_label

VERSION = 1

Ints = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]
FIRST_LOOK = 6
"""Seeds of the first of two looks."""
FIVE = 5
"""Nets that Table 2 averages: S70 needs averages of as many."""


def measure(subject: Subject) -> Measured:
    """Softmax outputs (held-out pictures, classes); a net whose outputs are not numbers guesses evenly."""
    outputs = torch.softmax(torch.from_numpy(subject.held_out.logits).double(), 1)
    return Measured(arrays={"probabilities": _kept(outputs, subject.outputs)})


def measure_ten_views(subject: Subject, *, view_pictures: int) -> Measured:
    """The mean softmax over ten views (pictures, classes) of the pictures that are seen in ten views."""
    split, inputs = subject.pictures.held_out, subject.inputs
    sample, means = views.viewed(split, view_pictures), []
    for start in range(0, len(sample), subject.batch):
        pictures = np.asarray(split.pictures[sample[start : start + subject.batch]])
        means.append(views.mean_probabilities(subject.net, views.ten_views(pictures, inputs)).cpu())
    return Measured(arrays={"probabilities": _kept(torch.cat(means), subject.outputs)})


def _kept(outputs: Tensor, classes: int) -> Probabilities:
    values = outputs.float().numpy()
    return np.where(np.isfinite(values), values, np.float32(1 / classes))


def subsets_of(seeds: Sequence[int], looks: str) -> list[tuple[int, ...]]:
    """Which seeds' nets are averaged: all, all but one, and the same of the first look's seeds where there are two.

    Also the first five, and those that are the first five where a seed is left out.
    """
    groups = [tuple(seeds)]
    if looks == "two" and len(seeds) > FIRST_LOOK:
        groups.append(tuple(seeds[:FIRST_LOOK]))
    chosen = [subset for group in groups for subset in (group, *_without_one(group))]
    if len(seeds) > FIVE:
        chosen += _without_one(tuple(seeds[: FIVE + 1]))
    return [subset for subset in dict.fromkeys(chosen) if len(subset) > 1]


def _without_one(group: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [tuple(seed for seed in group if seed != left_out) for left_out in group]


def ensemble_arrays(
    variant: str,
    probabilities: Mapping[int, Probabilities],
    labels: npt.NDArray[np.int64],
    subsets: Sequence[tuple[int, ...]],
) -> dict[str, npt.NDArray[Any]]:
    """`ensemble/<variant>/<seeds>`: bits, picture by picture, of whether the mean prediction is right.

    `probabilities` by seed. A subset with a seed that is not among them is left out.
    """
    ranks = _ranks(variant, probabilities, labels, subsets)
    return {name: np.packbits(rank == 0) for name, rank in ranks.items()}


def view_ensemble_arrays(
    variant: str,
    probabilities: Mapping[int, Probabilities],
    labels: npt.NDArray[np.int64],
    subsets: Sequence[tuple[int, ...]],
) -> dict[str, npt.NDArray[Any]]:
    """The same over ten views, for one guess and for five: `.../ten_views` and `.../ten_views_top5`."""
    arrays = {}
    for name, rank in _ranks(variant, probabilities, labels, subsets).items():
        arrays[f"{name}/ten_views"] = np.packbits(rank == 0)
        arrays[f"{name}/ten_views_top5"] = np.packbits(rank < 5)
    return arrays


def _ranks(
    variant: str,
    probabilities: Mapping[int, Probabilities],
    labels: npt.NDArray[np.int64],
    subsets: Sequence[tuple[int, ...]],
) -> dict[str, Ints]:
    """By the ensemble's name, the rank of each picture's true class by the mean prediction."""
    ranks = {}
    for seeds in subsets:
        if all(seed in probabilities for seed in seeds):
            mean = np.zeros(probabilities[seeds[0]].shape, dtype=np.float64)
            for seed in seeds:
                mean += probabilities[seed]
            rank = rank_of_label(torch.from_numpy(mean), torch.from_numpy(labels)).numpy()
            ranks[f"ensemble/{variant}/{'+'.join(map(str, seeds))}"] = rank
    return ranks
