"""The first layer's kernels by tower, sorted by the chroma share of their responses (section 6.1, Figure 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.evidence.directory import Evidence
from repro.evidence.division import COLOUR_SPECIFIC
from repro.evidence.record import RunRecord
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.statistics.specialisation import NetDivision, net_division


@dataclass(frozen=True)
class Kernel:
    """One kernel: number in the layer, weights (3, h, w), chroma share of its responses to natural patches (None where
    it answers nothing or none was measured), liveness."""

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
        shares = [kernel.chroma for kernel in self.live if kernel.chroma is not None]
        return float(np.median(shares)) if shares else None


@dataclass(frozen=True)
class TowerKernels:
    """A run's first layer in two halves, and how it divides its kernels between them (or why that cannot be said)."""

    run: RunRecord
    trained: bool
    towers: tuple[Tower, Tower]
    division: NetDivision | NotEvaluated


def tower_kernels(
    evidence: Evidence, run: RunRecord, above: float = COLOUR_SPECIFIC, *, trained: bool = True
) -> TowerKernels | None:
    """A run's kernels by tower; None when the evidence holds none. Dense nets are cut in the middle.

    above    chroma share above which a kernel is colour-specific
    trained  False for the kernels before training, which all count as live

    Without measured responses (evidence of older versions) kernels stay in the order of the layer.
    """
    suffix = "" if trained else "_initial"
    if not evidence.has_array(run.identity, f"conv1{suffix}"):
        return None
    weights = evidence.array(run.identity, f"conv1{suffix}")
    has_responses = evidence.has_array(run.identity, f"conv1_chroma_response{suffix}")
    chroma = (
        evidence.array(run.identity, f"conv1_chroma_response{suffix}")
        if has_responses
        else np.full(len(weights), np.nan)
    )
    live = np.ones(len(weights), dtype=bool)
    if trained and evidence.has_array(run.identity, "conv1_live"):
        live = evidence.array(run.identity, "conv1_live").astype(bool)
    if weights.ndim != 4 or weights.shape[1] != 3 or not len(weights) == len(chroma) == len(live):
        return None
    middle = len(weights) // 2
    halves = (slice(0, middle), slice(middle, None))
    first, second = (_tower(number, part, weights, chroma, live) for number, part in enumerate(halves))
    return TowerKernels(run, trained, (first, second), _division(chroma, live, above, has_responses))


def _division(chroma: Any, live: Any, above: float, has_responses: bool) -> NetDivision | NotEvaluated:
    if not has_responses:
        return NotEvaluated("kernels", "this evidence holds no responses of its kernels to natural patches")
    divided = net_division(chroma, live, above)
    if 0 in divided.live:
        return NotEvaluated("kernels", f"tower {divided.live.index(0)} has no live kernel")
    return divided


def _tower(number: int, part: slice, weights: Any, chroma: Any, live: Any) -> Tower:
    start = part.start or 0
    kernels = [
        Kernel(start + index, kernel, float(share) if np.isfinite(share) else None, bool(alive))
        for index, (kernel, share, alive) in enumerate(zip(weights[part], chroma[part], live[part], strict=True))
    ]
    kernels.sort(key=lambda kernel: (not kernel.live, kernel.chroma is None, kernel.chroma or 0.0, kernel.number))
    return Tower(number, tuple(kernels))
