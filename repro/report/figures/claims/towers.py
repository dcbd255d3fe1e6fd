"""Figures of the verdicts on towers (S76 to S79): how far they differ in each run, and the kernels themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repro.evidence.division import COLOUR_SPECIFIC
from repro.evidence.record import RunRecord
from repro.report.cases.case import Case
from repro.report.drawing.forest import Forest
from repro.report.drawing.strips import Arm, Point, Strip, strip
from repro.report.drawing.words import decimal, finite, named, probability, tick
from repro.report.figures.claims.differences import effect_forest
from repro.report.figures.kernels.sheets import (
    J_TITLE,
    MOST_CONTROLS,
    MOST_NETS,
    SheetRow,
    chroma_strip,
    halves_word,
    sheet_row,
    specific_line,
)
from repro.report.figures.kernels.tower_kernels import tower_kernels
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.statistics.specialisation import NetDivision

Figure = Strip | Forest | SheetRow


def tower_figures(case: Case) -> list[Figure]:
    """What each form of claim on towers reads of the runs."""
    if case.form == "tower_contrast":
        effect = effect_forest(case)
        return [*_some(_contrast(case)), *([effect] if effect else []), *_sheets(case)]
    if case.form == "most_runs":
        return [*_some(_chroma_strip(case)), *_some(_majorities(case))]
    return _some(_sides(case) if case.form == "fair_coin" else _every_run(case))


def _some(figure: Strip | None) -> list[Figure]:
    return [] if figure is None else [figure]


# ---- J of each run ---------------------------------------------------------------------------------


def _contrast(case: Case) -> Strip | None:
    """J of all arms, and below them of nets that decide nothing: further variants, nets before training."""
    names = [*case.present, *(name for name in case.names("beside") if case.runs(name))]
    arms = [_j_arm(case, name) for name in names]
    if case.present:
        arms.append(_j_arm(case, case.present[0], trained=False))
    p = finite(case.details.get("rematch_p"))
    note = ""
    if p is not None:
        note = (
            "Nets whose towers merely differ, each by luck, would exceed dense halves too. Matching these nets' "
            f"towers anew at random gives differences as large with p {probability(p)}."
        )
    return _j_strip(arms, note=note)


def _every_run(case: Case) -> Strip | None:
    """J of each run; a run that does not show the division as registered is hollow."""
    least, level = finite(case.setting("least_division")), finite(case.setting("level"))
    if least is None or level is None:
        return _j_strip([_j_arm(case, name) for name in case.present])

    def shows(net: NetDivision) -> bool:
        return net.j >= least and net.p <= level

    first = [_j_arm(case, name, shows=shows, wanted=(least, 1.0)) for name in case.present[:1]]
    rest = [_j_arm(case, name) for name in case.present[1:]]
    return _j_strip(
        [*first, *rest],
        lines=[(least, f"shown from {least:.3g}")],
        note=f"Hollow: a run that does not show the division (J below the line, or p above {level:g}).",
    )


def _sides(case: Case) -> Strip | None:
    """Per run by how much tower 1 is more coloured than tower 0; hollow where that is not beyond chance."""
    level = finite(case.setting("level")) or 0.0
    points = [
        Point(run.seed, None if net is None else net.shares[1] - net.shares[0], pale=net is None or net.p > level)
        for run, net in _divisions(case, case.variants[0])
    ]
    if not any(point.value is not None for point in points):
        return None
    return strip(
        "Share of colour-specific kernels in tower 1 less that in tower 0: on which side the colour is",
        [Arm(named(case.variants[0]), points)],
        decimal,
        tick,
        references=[(0.0, "no difference")],
        within=(-1.0, 1.0),
        note=f"Hollow: a run whose towers do not differ beyond chance (p above {level:g}), which has no side.",
    )


def _j_arm(
    case: Case,
    variant: str,
    *,
    trained: bool = True,
    shows: Callable[[NetDivision], bool] | None = None,
    wanted: tuple[float, float] | None = None,
) -> Arm:
    points = [
        Point(
            run.seed,
            None if net is None else net.j,
            run.status != "finished",
            said="" if net is None else f"p {probability(net.p)}",
            pale=net is not None and shows is not None and not shows(net),
        )
        for run, net in _divisions(case, variant, trained=trained)
    ]
    return Arm(named(variant) if trained else f"{named(variant)}, untrained", points, wanted)


def _j_strip(arms: Sequence[Arm], *, lines: Sequence[tuple[float, str]] = (), note: str = "") -> Strip | None:
    with_values = [arm for arm in arms if any(point.value is not None for point in arm.points)]
    if not with_values:
        return None
    return strip(J_TITLE, with_values, decimal, tick, references=lines, within=(0.0, 1.0), note=note)


def _divisions(case: Case, variant: str, *, trained: bool = True) -> list[tuple[RunRecord, NetDivision | None]]:
    """Each run with how its kernels divide, by the registered threshold."""
    above = finite(case.setting("specific_above", COLOUR_SPECIFIC)) or 0.0
    divisions: list[tuple[RunRecord, NetDivision | None]] = []
    for run in case.runs(variant):
        kernels = tower_kernels(case.evidence, run, above, trained=trained)
        division = None if kernels is None else kernels.division
        divisions.append((run, None if isinstance(division, NotEvaluated) else division))
    return divisions


# ---- single kernels --------------------------------------------------------------------------------


def _chroma_strip(case: Case) -> Strip | None:
    """Each live kernel of the first run of the split nets, by tower, against the registered threshold."""
    runs = case.runs(case.variants[0]) if case.variants else []
    every_run = [kernels for run in runs if (kernels := tower_kernels(case.evidence, run))]
    chosen = next((kernels for kernels in every_run if kernels.run.status == "finished"), None)
    if chosen is None:
        return None
    above = finite(case.setting("specific_above"))
    title = f"Chroma share of each live kernel's responses, seed {chosen.run.seed}"
    return chroma_strip(chosen, "Tower", title, [] if above is None else specific_line(above))


def _majorities(case: Case) -> Strip | None:
    """Per run the agnostic share of the less coloured tower's kernels, and the specific share of the other's."""
    majority = finite(case.setting("majority")) or 0.5
    divided = [(run.seed, net) for run, net in _divisions(case, case.variants[0]) if net is not None]
    if not divided:
        return None
    rows = {
        "Grey tower, agnostic": [
            Point(seed, 1 - min(net.shares), pale=not net.largely(majority)) for seed, net in divided
        ],
        "Colour tower, specific": [
            Point(seed, max(net.shares), pale=not net.largely(majority)) for seed, net in divided
        ],
    }
    return strip(
        "Share of the tower's live kernels that are of its kind, a dot a run",
        [Arm(name, points, (majority, 1.0)) for name, points in rows.items()],
        decimal,
        tick,
        references=[(majority, f"largely: {majority:.3g}")],
        within=(0.0, 1.0),
        note="Hollow: a run that is not largely divided, because one of its two shares is below the line.",
    )


def _sheets(case: Case) -> list[Figure]:
    """Every seed of the split nets, and of their control."""
    rows: list[Figure] = []
    notes = ("The same net from other random numbers.", "No towers, cut into arbitrary halves: what luck alone does.")
    above = finite(case.setting("specific_above", COLOUR_SPECIFIC)) or 0.0
    for index, variant in enumerate(case.present):
        nets = [kernels for run in case.runs(variant) if (kernels := tower_kernels(case.evidence, run, above))]
        towers = case.evidence.study.settings.get(variant, {}).get("net", {}).get("towers", 2)
        if nets:
            title = f"Kernels of {named(variant)}, every seed"
            most = MOST_CONTROLS if index else MOST_NETS
            rows.append(sheet_row(title, notes[min(index, 1)], nets, halves_word(towers), most))
    return rows
