"""Kernels with the Gabor functions that fit them, and a map of their orientations and frequencies (S75)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

import numpy as np

from repro.evidence.directory import Evidence
from repro.report.drawing.kernel_images import Pixels, data_address, kernel_pixels
from repro.report.drawing.words import decimal
from repro.report.figures.gabor import GaborFit, fit_gabor
from repro.report.figures.towers import Kernel, tower_kernels

MOST_KERNELS = 96
FEWEST_CYCLES = 0.5
"""Cycles across the kernel below which a fit is a blob: it has no orientation to speak of."""
WELL = 0.7
"""Share of a pattern's energy from which a kernel counts as well described by its fit."""
_RADIUS = 150.0


@dataclass(frozen=True)
class FittedKernel:
    """A kernel beside its fit, one picture; `said` are orientation, period and the share explained."""

    number: int
    address: str
    said: str
    explained: str
    blob: bool


@dataclass(frozen=True)
class MapPoint:
    """A kernel on the map, in the map's own units, its centre at (0, 0)."""

    x: float
    y: float
    address: str
    said: str
    well: bool


@dataclass(frozen=True)
class Ring:
    """A frequency on the map."""

    radius: float
    label: str


@dataclass(frozen=True)
class GaborFigure:
    """All live kernels of one run, those with stripes by orientation, then the blobs."""

    kind: ClassVar[str] = "gabor"
    seed: int
    kernels: tuple[FittedKernel, ...]
    points: tuple[MapPoint, ...]
    rings: tuple[Ring, ...]
    summary: str
    left_out: int


def gabor_figure(evidence: Evidence) -> GaborFigure | None:
    """For the first registered seed of the base that did not collapse; None without live kernels."""
    found = [kernels for run in evidence.of("base") if (kernels := tower_kernels(evidence, run))]
    chosen = next((kernels for kernels in found if kernels.run.status == "finished"), None)
    if chosen is None:
        return None
    live = [kernel for tower in chosen.towers for kernel in tower.live]
    fits = [(kernel, fit) for kernel in live[:MOST_KERNELS] if (fit := fit_gabor(kernel.weights))]
    if not fits:
        return None
    side = max(fits[0][0].weights.shape[1:])
    striped = [(kernel, fit) for kernel, fit in fits if not _blob(fit, side)]
    blobs = [(kernel, fit) for kernel, fit in fits if _blob(fit, side)]
    striped.sort(key=lambda pair: (pair[1].orientation, pair[0].number))
    blobs.sort(key=lambda pair: (-pair[1].explained, pair[0].number))
    return GaborFigure(
        seed=chosen.run.seed,
        kernels=tuple(_fitted(kernel, fit, side) for kernel, fit in (*striped, *blobs)),
        points=tuple(_point(kernel, fit, side) for kernel, fit in striped),
        rings=tuple(
            Ring(round(_radius(cycles / side, side), 1), f"{side / cycles:.2g} px")
            for cycles in (0.5, 1, 2, 4)
            if cycles / side <= 0.5
        ),
        summary=_summary([fit for _, fit in fits], len(striped), len(blobs)),
        left_out=max(0, len(live) - MOST_KERNELS),
    )


def _blob(fit: GaborFit, side: int) -> bool:
    return fit.frequency * side < FEWEST_CYCLES


def _fitted(kernel: Kernel, fit: GaborFit, side: int) -> FittedKernel:
    blob = _blob(fit, side)
    said = "blob" if blob else f"{fit.orientation:.0f}°, period {1 / fit.frequency:.1f} px"
    return FittedKernel(kernel.number, data_address(_side_by_side(kernel, fit)), said, decimal(fit.explained), blob)


def _side_by_side(kernel: Kernel, fit: GaborFit) -> Pixels:
    """Kernel and fit in one scale, a transparent column between."""
    scale = float(np.abs(kernel.weights).max()) or 1.0
    fitted = np.clip(fit.picture / scale, -1.0, 1.0)
    pictures = [kernel_pixels(kernel.weights), np.rint(127.5 + 127.5 * fitted.transpose(1, 2, 0)).astype(np.uint8)]
    high, wide = pictures[0].shape[:2]
    pixels = np.zeros((high, 2 * wide + 1, 4), dtype=np.uint8)
    for picture, left in zip(pictures, (0, wide + 1), strict=True):
        pixels[:, left : left + wide, :3] = picture & 0xFC
        pixels[:, left : left + wide, 3] = 255
    return pixels


def _radius(frequency: float, side: int) -> float:
    """Octaves above half a cycle across the kernel, scaled so that the finest stripes reach the rim."""
    octaves = math.log2(max(frequency * side / FEWEST_CYCLES, 1.0))
    most = math.log2(0.5 * side / FEWEST_CYCLES)
    return 30.0 + (_RADIUS - 30.0) * min(1.0, octaves / max(most, 1e-9))


def _point(kernel: Kernel, fit: GaborFit, side: int) -> MapPoint:
    radius, angle = _radius(fit.frequency, side), math.radians(fit.orientation)
    return MapPoint(
        x=round(radius * math.cos(angle), 1),
        y=round(-radius * math.sin(angle), 1),
        address=data_address(kernel_pixels(kernel.weights) & np.uint8(0xFC)),
        said=f"kernel {kernel.number}: {fit.orientation:.0f}°, period {1 / fit.frequency:.1f} pixels",
        well=fit.explained >= WELL,
    )


def _summary(fits: list[GaborFit], striped: int, blobs: int) -> str:
    well = sum(fit.explained >= WELL for fit in fits)
    return (
        f"Of {len(fits)} live kernels {striped} have stripes and {blobs} are blobs (less than half a cycle across). "
        f"A Gabor function explains {WELL:.0%} or more of the energy of {well}; "
        f"the median is {median(fit.explained for fit in fits):.0%}."
    )
