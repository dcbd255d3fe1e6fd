"""Evidence drawn at the level of metrics from a world of true means, in memory and over and over.

Runs are drawn by their variant's mean in each metric plus noise of a named shape, and errors with the noise of
the test pictures that all runs share; what claims read otherwise (curves, outcomes per picture, kernels per
tower) is made to agree with those numbers. A draw overwrites the one before it: take an evidence's verdicts
before the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord, StudyRecord
from repro.randomness import generator
from repro.verdicts.readings.picture_outcomes import variance_of_pictures
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.statistics.specialisation import net_division
from simulations.null_world import LOG_ITERATIONS, World, scale_of

Floats = npt.NDArray[np.float64]
Shape = Literal["normal", "t3", "skew", "collapse"]
SHAPES: tuple[Shape, ...] = ("normal", "t3", "skew", "collapse")
COLLAPSES = 0.03
"""Share of runs that lose another 20 to 50 points, in the shape of that name."""
DEVIATIONS = (0.3, 1.5)
"""A variant's deviation between runs is drawn between these, in points (in other units alike)."""
OTHER_PICTURES = "half_split_"
"""Variants whose held-out pictures are others than those of all the rest."""
KERNELS = 24
"""First-layer kernels of each tower."""
NETS = 400
"""Different first layers that runs are given."""
AGNOSTIC, SPECIFIC = 0.05, 0.6
"""Chroma shares of the two kinds of kernel."""
BY_LUCK = 0.05
"""Permutation p up to which a net's towers differ."""
CONSTANT = {
    "normalisation_alive_conv1": 1.6,
    "normalisation_alive_conv2": 1.6,
    "kernel_cosine": 0.4,
    "decay_dose": 1.0,
}
"""What gates read: all of them are open."""
CURVE = (0.1, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Points of a run's curves, in multiples of the iterations it needs; the third is where it arrives."""
ERRORS = (0.9, 0.5, 0.05, 0.05, 0.05, 0.05)

_FIXED = {
    "train_error": [*ERRORS],
    "held_out_error": [error + 0.3 for error in ERRORS],
    "epoch": [*range(len(ERRORS))],
    "learning_rate": [0.01] * len(ERRORS),
}


def noise(shape: Shape, size: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Mean 0 and deviation 1; collapses are added by whole runs."""
    if shape == "t3":
        return rng.standard_t(3, size) / math.sqrt(3.0)
    if shape == "skew":
        return rng.standard_exponential(size) - 1.0
    return rng.standard_normal(size)


class _Scalars(Mapping[str, Any]):
    """A run's row of the drawn numbers, by name."""

    def __init__(self, row: Floats, columns: Mapping[str, int], constant: Mapping[str, float]) -> None:
        self.row, self.columns, self.constant = row, columns, constant

    def __getitem__(self, name: str) -> float:
        column = self.columns.get(name)
        return self.constant[name] if column is None else float(self.row[column])

    def get(self, name: str, default: Any = None) -> Any:
        column = self.columns.get(name)
        return self.constant.get(name, default) if column is None else float(self.row[column])

    def __contains__(self, name: object) -> bool:
        return name in self.columns or name in self.constant

    def __iter__(self) -> Iterator[str]:
        yield from self.columns
        yield from self.constant

    def __len__(self) -> int:
        return len(self.columns) + len(self.constant)


class _Curves(Mapping[str, list[Any]]):
    """A run's curves: it comes down to its lowest errors at the iterations that were drawn for it."""

    def __init__(self, scalars: _Scalars) -> None:
        self.scalars = scalars

    def __getitem__(self, name: str) -> list[Any]:
        if name == "step":
            arrival = math.exp(self.scalars[LOG_ITERATIONS])
            return [fraction * arrival for fraction in CURVE]
        if name == "train_loss":
            return [self.scalars["early_train_loss"]] + [0.1] * (len(CURVE) - 1)
        return _FIXED[name]

    def get(self, name: str, default: Any = None) -> list[Any]:
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("step", "train_loss", *_FIXED))

    def __len__(self) -> int:
        return 2 + len(_FIXED)


@dataclass(frozen=True)
class TowerNets:
    """How the towers of two-tower nets come out: `split_share` of the runs divide colour between them wholly.

    Where none does, no kernel knows its tower, as in dense nets. Where some do, the others are such nets without
    those whose towers differ by luck. Of the nets that divide it, a share of `second` has the colour in the second
    tower.
    """

    split_share: float
    second: float


ALIKE = TowerNets(split_share=0.0, second=0.5)


class NullStudy:
    """Draws evidence of one study in one world."""

    def __init__(
        self,
        record: StudyRecord,
        world: World,
        shape: Shape,
        towers: TowerNets = ALIKE,
        *,
        deviation: float | None = None,
        pictures: int = 1000,
    ) -> None:
        """deviation: of all variants, in points; None: drawn anew for each."""
        self.record, self.world, self.shape, self.towers = record, world, shape, towers
        self.deviation, self.pictures = deviation, pictures
        self.metrics = (*METRICS, LOG_ITERATIONS)
        columns = {metric: column for column, metric in enumerate(self.metrics)}
        variants, seeds = record.variants, record.seeds
        self.means = np.array([[world.mean((variant, metric)) for metric in self.metrics] for variant in variants])
        self.scales = np.array([scale_of(metric) for metric in self.metrics])
        self.base, self.held_out = variants.index("base"), columns["held_out_error"]
        self.of_pictures = np.array([self._picture_deviation(metric) for metric in self.metrics])
        self.ten_views = columns["ten_view_error"]
        self.drawn: Floats = np.zeros((len(variants), len(seeds), len(self.metrics)))
        counted = ("held_out_pictures", "view_pictures", "dropout_pictures")
        constant = {**CONSTANT, **dict.fromkeys(counted, float(pictures))}
        self.apart = np.array([name.startswith(OTHER_PICTURES) for name in variants])
        self.runs = tuple(
            _run(variant, seed, _Scalars(self.drawn[v, s], columns, constant))
            for v, variant in enumerate(variants)
            for s, seed in enumerate(seeds)
        )

    def draw(self, rng: np.random.Generator) -> Evidence:
        """New runs of everything."""
        variants, seeds, _ = self.drawn.shape
        sizes = np.full(variants, self.deviation or 0.0)
        if self.deviation is None:
            sizes = rng.uniform(*DEVIATIONS, variants)
        spread = sizes[:, None, None] * self.scales
        self.drawn[:] = self.means[:, None, :] + spread * noise(self.shape, self.drawn.shape, rng)
        luck = rng.standard_normal()
        lucks = np.where(self.apart, rng.standard_normal(variants), luck)
        self.drawn += self.of_pictures * lucks[:, None, None]
        halves = self.metrics.index("halves_excess")
        self.drawn[:, :, halves] += 2.0 * self.of_pictures[self.held_out] * rng.standard_normal()
        if self.shape == "collapse":
            gone = rng.random((variants, seeds)) < COLLAPSES
            lost = gone * rng.uniform(20.0, 50.0, (variants, seeds))
            self.drawn += lost[:, :, None] * self.scales
        arrays = {**self._outcomes(luck, rng), **self._kernels(rng)}
        return Evidence(Path("drawn"), self.record, self.runs, {}, arrays)

    def _picture_deviation(self, metric: str) -> float:
        """What the luck of the test pictures, the same for all runs and views, makes of a mean over them."""
        if metric not in METRICS or METRICS[metric].pictures is None:
            return 0.0
        return math.sqrt(variance_of_pictures(metric, self.world.mean(("base", metric)), self.pictures))

    def _outcomes(self, luck: float, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Which pictures the base's nets got right: easier and harder ones, in all as often as their errors say."""
        errors = self.drawn[self.base]
        seeds = self.record.seeds
        rows = {
            "held_out_correct": errors[:, self.held_out],
            "ten_view_centre_correct": errors[:, self.held_out],
            "ten_view_correct": errors[:, self.ten_views],
        }
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, values in rows.items():
            for seed, bits in zip(seeds, self._right(values, rng), strict=True):
                arrays[f"base-{seed}/{name}"] = bits
        ways = {"": "ensemble_error", "/ten_views": "ensemble_error", "/ten_views_top5": "ensemble_top5_error"}
        for way, metric in ways.items():
            together = self.world.mean(("base", metric)) + luck * self._picture_deviation(metric)
            for group in _groups(seeds):
                (bits,) = self._right(np.array([together]), rng)
                arrays[f"ensemble/base/{'+'.join(map(str, group))}{way}"] = bits
        return arrays

    def _right(self, errors: Floats, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        share = 1.0 - errors
        hardness = 0.5 * np.minimum(share, errors).clip(0.0)
        sides = np.where(np.arange(self.pictures) % 2 == 0, 1.0, -1.0)
        chance = share[:, None] + hardness[:, None] * sides
        drawn = rng.random((len(errors), self.pictures), dtype=np.float32)
        return np.packbits(drawn < chance, axis=1)

    def _kernels(self, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        arrays: dict[str, npt.NDArray[Any]] = {}
        live = np.ones(2 * KERNELS, dtype=bool)
        for variant in ("base", "dense"):
            if variant not in self.record.variants:
                continue
            for seed in self.record.seeds:
                identity = f"{variant}-{seed}"
                nets = first_layers()[self._kind_of_net(variant, rng)]
                arrays[f"{identity}/conv1_chroma_response"] = nets[rng.integers(len(nets))]
                arrays[f"{identity}/conv1_live"] = live
        return arrays

    def _kind_of_net(self, variant: str, rng: np.random.Generator) -> str:
        if variant != "base" or self.towers.split_share == 0.0:
            return "mixed"
        if rng.random() >= self.towers.split_share:
            return "unremarkable"
        return "second" if rng.random() < self.towers.second else "first"


def _run(variant: str, seed: int, scalars: _Scalars) -> RunRecord:
    identity = f"{variant}-{seed}"
    return RunRecord(identity, variant, seed, "report", None, "finished", None, scalars, _Curves(scalars), {})


def _groups(seeds: Sequence[int]) -> list[tuple[int, ...]]:
    """The ensembles that the decision may ask for: all seeds, those of a first look, and five of six."""
    groups = [tuple(seeds)]
    if len(seeds) >= 6:
        first = tuple(seeds[:6])
        groups += [first] if len(seeds) == 12 else []
        groups += [first[:gone] + first[gone + 1 :] for gone in range(6)] if len(seeds) in (6, 12) else []
    return groups


@lru_cache(maxsize=1)
def first_layers() -> dict[str, Floats]:
    """Chroma shares of both towers' kernels, by how a net came out."""
    rng = generator("first layers")
    mixed = np.where(rng.random((NETS, 2 * KERNELS)) < 0.5, SPECIFIC, AGNOSTIC)
    live = np.ones(2 * KERNELS, dtype=bool)
    by_luck = np.array([net_division(net, live, (SPECIFIC + AGNOSTIC) / 2).p <= BY_LUCK for net in mixed])
    grey, coloured = np.full((1, KERNELS), AGNOSTIC), np.full((1, KERNELS), SPECIFIC)
    return {
        "mixed": mixed,
        "unremarkable": mixed[~by_luck],
        "first": np.concatenate([coloured, grey], axis=1),
        "second": np.concatenate([grey, coloured], axis=1),
    }
