"""Pictures of the verdicts on towers (S76 to S79): how far they differ in each run, and the kernels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from repro.report.case import Case, numbers
from repro.report.kernel_images import data_address, sheet
from repro.report.strips import Arm, Point, Strip, strip
from repro.report.towers import Tower, TowerKernels, tower_kernels
from repro.report.words import decimal, finite, named, tick
from repro.verdicts.finding import NotEvaluated

MOST_NETS, MOST_CONTROLS = 20, 6
"""Nets of the base, and of each control, shown as sheets; the page says how many it left out."""
STATES = {"specialised": "specialised", "not": "not specialised", "unclear": "unclear"}


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
    """A net as two sheets with the folded AUC of chroma share between them, or why there is none."""

    name: str
    towers: tuple[TowerSheet, TowerSheet]
    auc: str | None
    state: str | None
    why: str | None


@dataclass(frozen=True)
class SheetRow:
    """Nets of one kind side by side."""

    kind: ClassVar[str] = "sheets"
    title: str
    note: str
    nets: tuple[NetSheets, ...]
    left_out: int


Figure = Strip | SheetRow


def tower_pictures(case: Case) -> list[Figure]:
    """What each form of claim on towers reads of the runs."""
    if case.form == "fair_coin":
        return _some(_auc_strip(case, folded=False))
    strips = _some(_auc_strip(case, folded=True))
    if case.form == "tower_contrast":
        return [*strips, *_sheets(case)]
    if case.form == "most_runs":
        return [*_some(_chroma_strip(case)), *_some(_majorities(case))] or [*strips]
    return [*strips]


def sheet_row(title: str, note: str, nets: Sequence[TowerKernels], halves: str, most: int) -> SheetRow:
    """The nets as sheets, at most so many."""
    shown = nets[:most]
    return SheetRow(title, note, tuple(_net(net, halves) for net in shown), len(nets) - len(shown))


def halves_word(towers: Any) -> str:
    """What the two parts of the first layer of a net with so many towers are called."""
    return "Tower" if towers == 2 else "Half"


def _some(figure: Strip | None) -> list[Figure]:
    return [] if figure is None else [figure]


def _sheets(case: Case) -> list[Figure]:
    """Every seed of the split nets, and of their control."""
    rows: list[Figure] = []
    notes = ("The same net from other random numbers.", "No towers, cut into arbitrary halves: what luck alone does.")
    for place, variant in enumerate(case.present):
        nets = [kernels for run in case.evidence.of(variant) if (kernels := tower_kernels(case.evidence, run))]
        towers = case.evidence.study.settings.get(variant, {}).get("net", {}).get("towers", 2)
        if nets:
            title = f"Kernels of {named(variant)}, every seed"
            most = MOST_CONTROLS if place else MOST_NETS
            rows.append(sheet_row(title, notes[min(place, 1)], nets, halves_word(towers), most))
    return rows


def _auc_strip(case: Case, *, folded: bool) -> Strip | None:
    variants = case.present if folded else case.present[:1]
    arms = [Arm(named(name), _auc_points(case, name, folded=folded)) for name in variants]
    if not any(point.value is not None for arm in arms for point in arm.points):
        return None
    if not folded:
        title = "Which tower has the colour (AUC: 0 tower 0, 1 tower 1)"
        return strip(title, arms, decimal, tick, references=[(0.5, "no difference")], within=(0.0, 1.0))
    threshold = finite(case.setting("threshold"))
    lines = [] if threshold is None else [(threshold, f"registered {threshold:g}")]
    if threshold is not None:
        arms[0] = Arm(arms[0].name, arms[0].points, (threshold, 1.0))
    title = "How far the towers differ in chroma share (folded AUC: 0.5 not at all, 1 wholly)"
    return strip(title, arms, decimal, tick, references=lines, within=(0.5, 1.0))


def _auc_points(case: Case, variant: str, *, folded: bool) -> list[Point]:
    points = []
    for run in case.evidence.of(variant):
        kernels = tower_kernels(case.evidence, run)
        value = None
        if kernels is not None and not isinstance(kernels.split, NotEvaluated):
            value = kernels.split.folded if folded else kernels.split.auc
        points.append(Point(run.seed, value, run.status != "finished"))
    return points


def _chroma_strip(case: Case) -> Strip | None:
    """Each live kernel of the first run of the split nets, by tower, and the threshold where one was found."""
    runs = case.evidence.of(case.variants[0]) if case.variants else []
    found = [kernels for run in runs if (kernels := tower_kernels(case.evidence, run))]
    chosen = next((kernels for kernels in found if kernels.run.status == "finished"), None)
    if chosen is None or not any(tower.live for tower in chosen.towers):
        return None
    threshold = finite(case.details.get("chroma_threshold"))
    lines = [] if threshold is None else [(threshold, f"threshold {threshold:.2f}")]
    return chroma_strip(chosen, "Tower", f"Chroma share of each live kernel, seed {chosen.run.seed}", lines)


def chroma_strip(
    kernels: TowerKernels, halves: str, title: str, lines: Sequence[tuple[float, str]] = ()
) -> Strip | None:
    """A dot a live kernel, a row a tower."""
    if not any(tower.live for tower in kernels.towers):
        return None
    arms = [
        Arm(f"{halves} {tower.number}", [Point(kernel.number, kernel.chroma) for kernel in tower.live])
        for tower in kernels.towers
    ]
    return strip(title, arms, decimal, tick, references=lines, within=(0.0, 1.0), dots="kernel")


def _majorities(case: Case) -> Strip | None:
    """Per run the share of the grey tower's kernels below the threshold, and of the colour tower's above it."""
    pairs = case.details.get("below_and_above")
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        return None
    seeds = [run.seed for run in case.evidence.of(case.variants[0])]
    shares = [numbers(pair) for pair in pairs]
    known = [(seed, share) for seed, share in zip(seeds, shares, strict=False) if len(share) == 2]
    if not known:
        return None
    names = ("Grey tower, below", "Colour tower, above")
    arms = [
        Arm(name, [Point(seed, share[place]) for seed, share in known], (0.5, 1.0)) for place, name in enumerate(names)
    ]
    title = "Share of the tower's live kernels on its side of the threshold, a dot a run"
    return strip(title, arms, decimal, tick, references=[(0.5, "one half")], within=(0.0, 1.0))


def _net(net: TowerKernels, halves: str) -> NetSheets:
    first, second = (_sheet(tower, halves) for tower in net.towers)
    split = net.split
    if isinstance(split, NotEvaluated):
        return NetSheets(f"seed {net.run.seed}", (first, second), None, None, split.reason)
    state = STATES[split.state] if halves == "Tower" and net.trained else None
    return NetSheets(f"seed {net.run.seed}", (first, second), decimal(split.folded), state, None)


def _sheet(tower: Tower, halves: str) -> TowerSheet:
    kernels = [kernel.weights for kernel in tower.kernels]
    return TowerSheet(
        name=f"{halves.lower()} {tower.number}",
        address=data_address(sheet(kernels, [not kernel.live for kernel in tower.kernels])),
        median=decimal(tower.median_chroma),
        live=len(tower.live),
        of=len(tower.kernels),
    )
