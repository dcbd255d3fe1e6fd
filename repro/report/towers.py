"""The first layer's kernels by tower, sorted by chroma share (section 6.1, Figure 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.specialisation import TowerSplit, tower_split


@dataclass(frozen=True)
class Kernel:
    """One kernel: number in the layer, weights (3, h, w), chroma share (None without energy), liveness."""

    number: int
    weights: npt.NDArray[Any]
    chroma: float | None
    live: bool


@dataclass(frozen=True)
class Tower:
    """A tower's kernels: live ones by ascending chroma share, then the excluded ones."""

    number: int
    kernels: tuple[Kernel, ...]

    @property
    def live(self) -> list[Kernel]:
        return [kernel for kernel in self.kernels if kernel.live]

    @property
    def excluded(self) -> list[Kernel]:
        return [kernel for kernel in self.kernels if not kernel.live]

    @property
    def median_chroma(self) -> float | None:
        """Median chroma share of the live kernels."""
        known = [kernel.chroma for kernel in self.live if kernel.chroma is not None]
        return float(np.median(known)) if known else None


@dataclass(frozen=True)
class TowerKernels:
    """A run's first layer in two halves, and how far these differ (or why that cannot be said)."""

    run: RunRecord
    trained: bool
    towers: tuple[Tower, Tower]
    split: TowerSplit | NotEvaluated


def tower_kernels(evidence: Evidence, run: RunRecord, *, trained: bool = True) -> TowerKernels | None:
    """A run's kernels by tower; None when the evidence holds none. Dense nets are cut in the middle.

    trained: False for the kernels before training, which all count as live.
    """
    suffix = "" if trained else "_initial"
    names = (f"conv1{suffix}", f"conv1_chroma{suffix}")
    if not all(evidence.has_array(run.identity, name) for name in names):
        return None
    weights, chroma = (evidence.array(run.identity, name) for name in names)
    live = np.ones(len(weights), dtype=bool)
    if trained and evidence.has_array(run.identity, "conv1_live"):
        live = evidence.array(run.identity, "conv1_live").astype(bool)
    if weights.ndim != 4 or weights.shape[1] != 3 or not len(weights) == len(chroma) == len(live):
        return None
    middle = len(weights) // 2
    halves = (slice(0, middle), slice(middle, None))
    first, second = (_tower(number, part, weights, chroma, live) for number, part in enumerate(halves))
    split = tower_split(
        (chroma[halves[0]], chroma[halves[1]]),
        (live[halves[0]], live[halves[1]]),
        seeds=max(1, len(evidence.study.seeds)),
    )
    return TowerKernels(run, trained, (first, second), split)


def _tower(number: int, part: slice, weights: Any, chroma: Any, live: Any) -> Tower:
    start = part.start or 0
    kernels = [
        Kernel(start + place, kernel, float(share) if np.isfinite(share) else None, bool(alive))
        for place, (kernel, share, alive) in enumerate(zip(weights[part], chroma[part], live[part], strict=True))
    ]
    kernels.sort(key=lambda kernel: (not kernel.live, kernel.chroma is None, kernel.chroma or 0.0, kernel.number))
    return Tower(number, tuple(kernels))
