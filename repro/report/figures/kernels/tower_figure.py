"""The paper's Figure 3 with numbers: first-layer kernels per tower, one run large."""

from __future__ import annotations

from dataclasses import dataclass

from repro.evidence.directory import Evidence
from repro.evidence.division import COLOUR_SPECIFIC
from repro.report.drawing.kernel_images import data_address, kernel_pixels
from repro.report.drawing.strips import Strip
from repro.report.drawing.words import decimal, probability
from repro.report.figures.kernels.division import DivisionFigures, division_figures
from repro.report.figures.kernels.sheets import (
    MOST_CONTROLS,
    SheetRow,
    chroma_strip,
    halves_word,
    sheet_row,
    specific_line,
)
from repro.report.figures.kernels.tower_kernels import Tower, TowerKernels, tower_kernels
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.registry.registry import Registry
from repro.verdicts.registry.test_types import TowersTest

MOST_LARGE = 128
"""Kernels of a tower shown large; the small sheets show all."""


@dataclass(frozen=True)
class LargeKernel:
    """A kernel with its picture; `share` is its chroma share in two digits, without the leading zero."""

    number: int
    address: str
    share: str
    live: bool


@dataclass(frozen=True)
class LargeTower:
    """One tower of the run shown large."""

    name: str
    kernels: tuple[LargeKernel, ...]
    live: int
    excluded: int
    left_out: int
    median: str


@dataclass(frozen=True)
class TowerFigure:
    """The whole figure; `strip` shows each live kernel's chroma share by tower for the run shown large."""

    seed: int
    halves: str
    towers: tuple[LargeTower, ...]
    strip: Strip | None
    before: SheetRow | None
    division: DivisionFigures
    said: str
    sorted: bool
    kernel_side: int


def tower_figure(evidence: Evidence, above: float = COLOUR_SPECIFIC) -> TowerFigure | None:
    """The figure for the base; None when no base run has kernels in the evidence.

    above: chroma share above which a kernel is colour-specific.
    The run shown large is the first registered seed that did not collapse: nobody picked it.
    """
    base = [kernels for run in evidence.of("base") if (kernels := tower_kernels(evidence, run, above))]
    if not base:
        return None
    large = next((kernels for kernels in base if kernels.run.status == "finished"), base[0])
    towers = evidence.study.settings.get("base", {}).get("net", {}).get("towers", 2)
    halves = halves_word(towers)
    untrained = [
        kernels for pictured in base if (kernels := tower_kernels(evidence, pictured.run, above, trained=False))
    ]
    note = "The base's own initial kernels, all of them counted."
    return TowerFigure(
        seed=large.run.seed,
        halves=halves,
        towers=tuple(_large(tower, halves) for tower in large.towers),
        strip=chroma_strip(large, halves, "Chroma share of each live kernel's responses", specific_line(above)),
        before=sheet_row("Before training", note, untrained, halves, MOST_CONTROLS) if untrained else None,
        division=division_figures(evidence, above),
        said=_in_words(large, halves),
        sorted=any(kernel.chroma is not None for tower in large.towers for kernel in tower.kernels),
        kernel_side=large.towers[0].kernels[0].weights.shape[-1] if large.towers[0].kernels else 0,
    )


def specific_above(registry: Registry) -> float:
    """The chroma share above which the registry calls a kernel colour-specific, for figures that belong to no claim."""
    thresholds = (entry.test.specific_above for entry in registry if isinstance(entry.test, TowersTest))
    return next(thresholds, COLOUR_SPECIFIC)


def _large(tower: Tower, halves: str) -> LargeTower:
    shown = tower.kernels[:MOST_LARGE]
    return LargeTower(
        name=f"{halves} {tower.number}",
        kernels=tuple(
            LargeKernel(kernel.number, data_address(kernel_pixels(kernel.weights)), _share(kernel.chroma), kernel.live)
            for kernel in shown
        ),
        live=len(tower.live),
        excluded=len(tower.excluded),
        left_out=len(tower.kernels) - len(shown),
        median=decimal(tower.median_chroma),
    )


def _share(chroma: float | None) -> str:
    return decimal(chroma).removeprefix("0") if chroma is None or chroma < 0.995 else "1.0"


def _in_words(net: TowerKernels, halves: str) -> str:
    """What this one run shows, in a sentence."""
    division = net.division
    if isinstance(division, NotEvaluated):
        return f"How this run divides its kernels cannot be said: {division.reason}."
    counts = [
        f"{specific} of {live} live kernels of {halves.lower()} {number}"
        for number, (specific, live) in enumerate(zip(division.specific, division.live, strict=True))
    ]
    return (
        f"In this run {counts[0]} and {counts[1]} are colour-specific: J, the difference between these two shares, is "
        f"{decimal(division.j)} (exact permutation p {probability(division.p)})."
    )
