"""Nets as sheets of their first-layer kernels, a sheet a tower, and each kernel's chroma share by tower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from repro.report.drawing.kernel_images import data_address, sheet
from repro.report.drawing.strips import Arm, Point, Strip, strip
from repro.report.drawing.words import decimal, probability, tick
from repro.report.figures.kernels.tower_kernels import Tower, TowerKernels
from repro.verdicts.finding import NotEvaluated

MOST_NETS, MOST_CONTROLS = 20, 6
"""Nets of the base, and of each control, shown as sheets; the page says how many it left out."""
J_TITLE = "J, how far the towers' shares of colour-specific kernels differ (0 not at all, 1 wholly divided)"


@dataclass(frozen=True)
class TowerSheet:
    """A tower's kernels as one picture."""

    name: str
    address: str
    median: str
    live: int
    of: int


@dataclass(frozen=True)
class NetSheets:
    """A net as two sheets with its J and the permutation p of that, or why there is none."""

    name: str
    seed: int
    towers: tuple[TowerSheet, TowerSheet]
    j: str | None
    p: str | None
    why: str | None


@dataclass(frozen=True)
class SheetRow:
    """Nets of one kind side by side."""

    kind: ClassVar[str] = "sheets"
    title: str
    note: str
    nets: tuple[NetSheets, ...]
    left_out: int


def sheet_row(title: str, note: str, nets: Sequence[TowerKernels], halves: str, most: int) -> SheetRow:
    """The nets as sheets, at most so many."""
    shown = nets[:most]
    return SheetRow(title, note, tuple(_net(net, halves) for net in shown), len(nets) - len(shown))


def halves_word(towers: Any) -> str:
    """What the two parts of the first layer of a net with so many towers are called."""
    return "Tower" if towers == 2 else "Half"


def chroma_strip(
    kernels: TowerKernels, halves: str, title: str, lines: Sequence[tuple[float, str]] = ()
) -> Strip | None:
    """A dot a live kernel, a row a tower; None where no live kernel has a chroma share."""
    if not any(kernel.chroma is not None for tower in kernels.towers for kernel in tower.live):
        return None
    arms = [
        Arm(f"{halves} {tower.number}", [Point(kernel.number, kernel.chroma) for kernel in tower.live])
        for tower in kernels.towers
    ]
    return strip(title, arms, decimal, tick, references=lines, within=(0.0, 1.0), dots="kernel")


def specific_line(above: float) -> list[tuple[float, str]]:
    """The line above which a kernel is colour-specific."""
    return [(above, f"colour-specific above {above:g}")]


def _net(net: TowerKernels, halves: str) -> NetSheets:
    first, second = (_sheet(tower, halves) for tower in net.towers)
    name, seed, division = f"seed {net.run.seed}", net.run.seed, net.division
    if isinstance(division, NotEvaluated):
        return NetSheets(name, seed, (first, second), None, None, division.reason)
    return NetSheets(name, seed, (first, second), decimal(division.j), probability(division.p), None)


def _sheet(tower: Tower, halves: str) -> TowerSheet:
    kernels = [kernel.weights for kernel in tower.kernels]
    return TowerSheet(
        name=f"{halves.lower()} {tower.number}",
        address=data_address(sheet(kernels, [not kernel.live for kernel in tower.kernels])),
        median=decimal(tower.median_chroma),
        live=len(tower.live),
        of=len(tower.kernels),
    )
