"""The paper's Figure 3 with numbers: first-layer kernels per tower, one run large and every seed small."""

from __future__ import annotations

from dataclasses import dataclass

from repro.evidence.directory import Evidence
from repro.report.kernel_images import data_address, kernel_pixels, sheet
from repro.report.strips import Point, Strip, strip
from repro.report.towers import Tower, TowerKernels, tower_kernels
from repro.report.words import decimal, probability, tick
from repro.verdicts.finding import NotEvaluated

MOST_SMALL, MOST_CONTROLS = 20, 6
"""Nets of the base, and of each control, shown small; the page says how many it left out."""
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
class SmallTower:
    name: str
    address: str
    median: str
    live: int
    of: int


@dataclass(frozen=True)
class SmallNet:
    """A net as two sheets with the folded AUC of chroma share between them, or why there is none."""

    name: str
    towers: tuple[SmallTower, SmallTower]
    auc: str | None
    why: str | None


@dataclass(frozen=True)
class SmallRow:
    """Nets of one kind side by side."""

    title: str
    note: str
    nets: tuple[SmallNet, ...]
    left_out: int


@dataclass(frozen=True)
class TowerFigure:
    """All of it; `strip` shows each live kernel's chroma share by tower for the run shown large."""

    seed: int
    halves: str
    towers: tuple[LargeTower, ...]
    strip: Strip | None
    rows: tuple[SmallRow, ...]
    verdict: str
    kernel_side: int


def tower_figure(evidence: Evidence) -> TowerFigure | None:
    """The figure for the base; None when no base run has kernels in the evidence.

    The run shown large is the first registered seed that did not collapse: nobody picked it.
    """
    base = [kernels for run in evidence.of("base") if (kernels := tower_kernels(evidence, run))]
    if not base:
        return None
    large = next((kernels for kernels in base if kernels.run.status == "finished"), base[0])
    two = evidence.study.settings.get("base", {}).get("net", {}).get("towers", 2) == 2
    halves = "Tower" if two else "Half"
    untrained = [kernels for known in base if (kernels := tower_kernels(evidence, known.run, trained=False))]
    dense = [kernels for run in evidence.of("dense") if (kernels := tower_kernels(evidence, run))]
    rows = [
        _row("Every seed of the base", "The same net from other random numbers.", base, halves, MOST_SMALL),
        _row(
            "Dense control",
            "One tower of the same widths, cut into arbitrary halves: how far luck splits kernels.",
            dense,
            "Half",
            MOST_CONTROLS,
        ),
        _row(
            "Before training",
            "The base's own initial kernels. Noise has a chroma share of about 0.67.",
            untrained,
            halves,
            MOST_CONTROLS,
        ),
    ]
    return TowerFigure(
        seed=large.run.seed,
        halves=halves,
        towers=tuple(_large(tower, halves) for tower in large.towers),
        strip=_chroma_strip(large, halves),
        rows=tuple(row for row in rows if row.nets),
        verdict=_in_words(large, halves),
        kernel_side=large.towers[0].kernels[0].weights.shape[-1] if large.towers[0].kernels else 0,
    )


def _large(tower: Tower, halves: str) -> LargeTower:
    shown = tower.kernels[:MOST_LARGE]
    return LargeTower(
        name=f"{halves} {tower.number}",
        kernels=tuple(
            LargeKernel(
                kernel.number, data_address(kernel_pixels(kernel.weights)), _share(kernel.chroma), kernel.live
            )
            for kernel in shown
        ),
        live=len(tower.live),
        excluded=len(tower.excluded),
        left_out=len(tower.kernels) - len(shown),
        median=decimal(tower.median_chroma),
    )


def _share(chroma: float | None) -> str:
    return decimal(chroma).removeprefix("0") if chroma is None or chroma < 0.995 else "1.0"


def _chroma_strip(kernels: TowerKernels, halves: str) -> Strip | None:
    if not any(tower.live for tower in kernels.towers):
        return None
    arms = [
        (f"{halves} {tower.number}", [Point(kernel.number, kernel.chroma) for kernel in tower.live])
        for tower in kernels.towers
    ]
    return strip("Chroma share of each live kernel", arms, decimal, tick, within=(0.0, 1.0))


def _row(title: str, note: str, nets: list[TowerKernels], halves: str, most: int) -> SmallRow:
    shown = nets[:most]
    return SmallRow(title, note, tuple(_small(net, halves) for net in shown), len(nets) - len(shown))


def _small(net: TowerKernels, halves: str) -> SmallNet:
    first, second = (
        SmallTower(
            name=f"{halves.lower()} {tower.number}",
            address=data_address(
                sheet(
                    [kernel.weights for kernel in tower.kernels],
                    [not kernel.live for kernel in tower.kernels],
                )
            ),
            median=decimal(tower.median_chroma),
            live=len(tower.live),
            of=len(tower.kernels),
        )
        for tower in net.towers
    )
    return SmallNet(
        name=f"seed {net.run.seed}",
        towers=(first, second),
        auc=None if isinstance(net.split, NotEvaluated) else decimal(net.split.folded),
        why=net.split.reason if isinstance(net.split, NotEvaluated) else None,
    )


def _in_words(net: TowerKernels, halves: str) -> str:
    """What this one run shows, in a sentence."""
    split = net.split
    if isinstance(split, NotEvaluated):
        return f"How far the two halves of this run differ cannot be said: {split.reason}."
    colour = f"{halves.lower()} {split.colour_tower}"
    word = {"specialised": "are specialised", "not": "are not specialised", "unclear": "leave it open"}[
        split.state
    ]
    return (
        f"In this run a kernel of {colour} has the larger chroma share with a probability of "
        f"{decimal(split.folded)} (folded AUC; exact p {probability(split.p)}): "
        f"by the registered rule its towers {word}."
    )
