"""Which figures a verdict gets: by its form, from the numbers that it was judged on, and never a wrong one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from repro.evidence.directory import Evidence
from repro.report.cases.case import Case
from repro.report.drawing.axes import Mark
from repro.report.drawing.charts import Chart
from repro.report.drawing.forest import Forest
from repro.report.drawing.strips import Strip
from repro.report.figures.claims.claim_figures import ClaimFigure, claim_figures
from repro.report.figures.claims.comparison_table import comparison_table
from repro.report.figures.claims.towers import SheetRow
from repro.report.figures.retrieval.figure import RetrievalFigure
from repro.report.page.gate_table import gate_rows
from repro.report.page.judgements import Basis, judgement
from repro.verdicts.authoring.samples import Arms
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.judge import finding_on
from tests.report.every_form import SEEDS, every_form
from tests.report.made_up_study import project_registry

REGISTRY = project_registry()


def case_of(statement: str, evidence: Evidence | None = None, test: Any = None, **row: Any) -> Case:
    """A verdict of the study with every form, or the same with something changed."""
    known, rows = every_form()
    found = next(item for item in rows if item["id"] == statement and item["study"] == "smoke")
    entry = REGISTRY[statement]
    return Case(evidence or known, entry, test or entry.test, REGISTRY.gates, {**found, **row})


def kinds(drawn: tuple[ClaimFigure, ...]) -> list[type]:
    return [type(figure) for figure in drawn]


EXPECTED = {
    "S30": [Strip, Forest, Chart],  # direction, with both arms' curves
    "S12": [Strip, Forest, Chart],  # any_of
    "S58": [Strip, Strip, Forest],  # any_of in two metrics, neither of which has a curve
    "S19": [Strip, Forest],  # descending
    "S74b": [Strip, Forest, Chart],  # equivalent
    "S51": [Strip, Strip, Forest, Chart, Chart],  # a gap, with the curves that opened it, and an error
    "S20": [Chart, Forest],  # speed
    "S60b": [Chart, Forest],
    "S80": [Strip],  # measures
    "S75": [Strip, Strip, Strip, Strip],
    "S54": [Strip, Forest],  # per_image
    "S76": [Strip, Forest, SheetRow, SheetRow],  # towers
    "S77": [Strip, Strip],
    "S78": [Strip],
    "S79": [Strip],
}


@pytest.mark.parametrize("statement", EXPECTED)
def test_each_form_has_its_figures(statement: str) -> None:
    assert kinds(claim_figures(case_of(statement))) == EXPECTED[statement]


def test_every_statistical_verdict_that_was_decided_has_a_figure() -> None:
    _, rows = every_form()
    decided = [row for row in rows if row["verdict"] in ("supported", "contradicted", "inconclusive") and row["n"]]
    assert len(decided) > 40
    for row in decided:
        if REGISTRY[row["id"]].repeats is None:
            assert claim_figures(case_of(row["id"])), row["id"]


def test_a_dot_a_run_and_the_verdicts_own_interval() -> None:
    case = case_of("S30")
    strip, forest, _ = claim_figures(case)
    assert isinstance(strip, Strip)
    assert isinstance(forest, Forest)
    assert [row.name for row in strip.rows] == ["half width one tower", "base"]
    assert all(len(row.dots) == len(SEEDS) for row in strip.rows)
    (row,) = forest.rows
    low, high = case.row["interval"]
    assert row.label == f"+{100 * case.row['estimate']:.2f} (+{100 * low:.2f} to +{100 * high:.2f})"
    assert forest.holds is not None
    assert forest.holds.x == forest.boundaries[0].x < row.low, "supported: the whole interval lies where it holds"


def test_any_of_shows_each_part_and_the_weakest() -> None:
    _, forest, _ = claim_figures(case_of("S12"))
    assert isinstance(forest, Forest)
    assert [row.name for row in forest.rows] == [*(f"remove conv{n}" for n in range(1, 6)), "weakest of them"]
    assert [row.main for row in forest.rows] == [False] * 5 + [True]
    assert forest.rows[-1].x == min(row.x for row in forest.rows)


def test_speed_marks_where_each_run_arrives() -> None:
    chart, forest = claim_figures(case_of("S20"))
    assert isinstance(chart, Chart)
    assert isinstance(forest, Forest)
    tanh, _ = chart.panels
    assert len(tanh.traces) == 2 * len(SEEDS)
    slow = [at.x for at in tanh.arrivals if at.kind == "first-arm"]
    fast = [at.x for at in tanh.arrivals if at.kind == "second-arm"]
    assert len(fast) == len(SEEDS)
    assert max(fast) < min(slow)
    (target,) = chart.guides
    assert target.label.startswith("target ")
    assert [boundary.label for boundary in forest.boundaries] == ["1×", "2×"]


def test_measures_show_bounds_and_what_they_are_compared_with() -> None:
    share, *_ = claim_figures(case_of("S75"))
    assert isinstance(share, Strip)
    first, second = share.rows
    assert first.wants.replace("\u202f", " ") == "wanted above 30.0 % and above each row below"
    assert first.band is not None
    assert first.band.x == share.references[0].x
    assert first.interval is not None
    assert second.name == "Selective kernels before training"
    assert second.band is None


def test_a_share_of_guessing_is_drawn_where_it_lies() -> None:
    (strip,) = claim_figures(case_of("S80"))
    assert isinstance(strip, Strip)
    assert "0.75 of guessing" in strip.rows[0].wants
    assert strip.references == (Mark(strip.references[0].x, strip.references[0].label),)
    assert strip.references[0].label.replace("\u202f", " ") == "bound 68.75 %"


def test_the_papers_number_stands_on_the_axis_at_its_scale() -> None:
    evidence, _ = every_form()
    counts = {"train": 1_281_167, "held_out": 50_000}
    data = {"name": "ilsvrc", "counts": counts, "size": 256, "crop": 224}
    as_printed: dict[str, Any] = {"base": {"net": {}, "training": {}}}
    full = replace(evidence.study, classes=1000, scaling="none", data=data, settings=as_printed)
    seen = Evidence(evidence.path, full, evidence.runs, evidence.facts, evidence.arrays)
    drawn = claim_figures(case_of("S68", seen, verdict="contradicted", estimate=0.1, interval=[0.09, 0.11]))
    assert kinds(drawn) == [Strip, Strip]
    labels = [mark.label.replace("\u202f", " ") for figure in drawn for mark in figure.references if mark.label]
    assert labels == ["paper 40.7 %", "paper 18.2 %"]


def test_towers_stand_against_the_lines_of_the_registry() -> None:
    contrast, effect, *_ = claim_figures(case_of("S76"))
    assert isinstance(contrast, Strip)
    assert isinstance(effect, Forest)
    assert [row.name for row in contrast.rows] == ["base", "dense", "base, untrained"]
    assert contrast.rows[0].mean is not None
    assert contrast.rows[0].mean.label == "1.00", "towers of one kind each"
    assert "p < 0.0001" in contrast.rows[0].dots[0].label
    assert "Matching these nets' towers anew at random" in contrast.note
    assert [mark.label for mark in effect.references] == ["smallest effect +0.1"]
    kernels, majorities = claim_figures(case_of("S77"))
    assert isinstance(kernels, Strip)
    assert isinstance(majorities, Strip)
    assert [mark.label for mark in kernels.references] == ["colour-specific above 0.25"]
    assert [mark.label for mark in majorities.references] == ["largely: 0.667"]
    (every,) = claim_figures(case_of("S78"))
    assert isinstance(every, Strip)
    assert [mark.label for mark in every.references] == ["shown from 0.333"]
    assert every.rows[0].band is not None
    assert not any(dot.pale for dot in every.rows[0].dots)


def test_runs_that_show_no_division_are_hollow() -> None:
    evidence, _ = every_form()
    alike = {
        name: np.tile([0.1, 0.6], len(value) // 2) if name.endswith("chroma_response") else value
        for name, value in evidence.arrays.items()
    }
    seen = Evidence(evidence.path, evidence.study, evidence.runs, evidence.facts, alike)
    (every,) = claim_figures(case_of("S78", seen))
    (sides,) = claim_figures(case_of("S79", seen))
    for drawn in (every, sides):
        assert isinstance(drawn, Strip)
        assert all(dot.pale for dot in drawn.rows[0].dots)
        assert drawn.note.startswith("Hollow: ")


def test_a_studys_own_smallest_effect_is_the_line() -> None:
    evidence, rows = every_form()
    study = replace(evidence.study, smallest_effects={"S76": 0.3})
    seen = Evidence(evidence.path, study, evidence.runs, evidence.facts, evidence.arrays)
    row = next(item for item in rows if item["id"] == "S76" and item["study"] == "smoke")
    entry = REGISTRY["S76"]
    drawn = judgement(Basis(row, seen), entry, entry.test, REGISTRY.gates, "S76").figures
    assert [mark.label for figure in drawn if isinstance(figure, Forest) for mark in figure.references] == [
        "smallest effect +0.3"
    ]


def test_a_first_look_is_drawn_while_the_second_waits() -> None:
    evidence, _ = every_form()
    twelve = (*SEEDS, *range(30, 34))
    study = replace(evidence.study, looks="two", seeds=twelve)
    seen = Evidence(evidence.path, study, evidence.runs, evidence.facts, evidence.arrays)
    waiting = case_of("S76", seen, n=None)
    assert waiting.seeds == SEEDS[:6]
    assert waiting.finding is not None
    assert waiting.finding.n == (6, 6)
    assert case_of("S76", n=[6, 6]).seeds == SEEDS, "one look at all seeds"


def test_nothing_is_drawn_where_the_study_cannot_speak() -> None:
    assert claim_figures(case_of("S68")) == ()  # the paper's own scale alone
    assert claim_figures(case_of("S21")) == ()  # other nets


def test_a_shut_gate_still_shows_what_was_measured() -> None:
    evidence, _ = every_form()
    untrained = [replace(run, scalars={**run.scalars, "train_error": 0.8}) for run in evidence.runs]
    seen = Evidence(evidence.path, evidence.study, tuple(untrained), evidence.facts, evidence.arrays)
    nothing = dict.fromkeys(("estimate", "interval", "p", "n"))
    shut = finding_on(seen, REGISTRY["S30"].test, REGISTRY.gates, Arms("half_width_one_tower", "base"), SEEDS)
    assert isinstance(shut, NotEvaluated)
    drawn = claim_figures(case_of("S30", seen, **nothing, verdict="not_evaluated", code=shut.code))
    assert kinds(drawn) == [Strip, Chart]
    elsewhere = case_of("S30", seen, **nothing, verdict="not_evaluated", code="scale")
    assert claim_figures(elsewhere) == (), "the verdict was withheld for another reason than the gate"
    assert gate_rows([elsewhere]) == ()


def test_runs_of_later_seeds_are_not_shown_beside_a_verdict_of_the_first_look() -> None:
    """Else the means of the arms would differ by another number than the estimate."""
    evidence, _ = every_form()
    waiting = [run for run in evidence.runs if run.variant == "base" or run.seed in SEEDS[:6]]
    study = replace(evidence.study, looks="two")
    seen = Evidence(evidence.path, study, tuple(waiting), evidence.facts, evidence.arrays)
    strip, _, curves = claim_figures(case_of("S30", seen, n=[6, 6]))
    assert isinstance(strip, Strip)
    assert isinstance(curves, Chart)
    assert [len(row.dots) for row in strip.rows] == [6, 6]
    assert {trace.seed for trace in curves.panels[0].traces} == {*SEEDS[:6], None}
    contrast, _, base, _ = claim_figures(case_of("S76", seen, n=[6, 6]))
    assert isinstance(contrast, Strip)
    assert isinstance(base, SheetRow)
    assert [len(row.dots) for row in contrast.rows] == [6, 6, 6]
    assert [net.seed for net in base.nets] == list(SEEDS[:6])


def test_an_arm_that_the_study_lacks_leaves_no_figure() -> None:
    evidence, _ = every_form()
    few = tuple(run for run in evidence.runs if run.variant != "half_width_one_tower")
    seen = Evidence(evidence.path, evidence.study, few, evidence.facts, evidence.arrays)
    assert claim_figures(case_of("S30", seen, verdict="not_evaluated", estimate=None, interval=None)) == ()


def test_an_unknown_form_shows_the_values_that_its_finding_kept() -> None:
    test = SimpleNamespace(form="of_the_future", variants=("tanh", "base"), unit="points")
    details = {"first": [0.2, 0.21, None], "second": [0.1, 0.11, 0.12]}
    strip, forest = claim_figures(case_of("S30", test=test, details=details))
    assert isinstance(strip, Strip)
    assert isinstance(forest, Forest)
    assert [(row.name, len(row.dots), row.missing) for row in strip.rows] == [("tanh", 2, 1), ("base", 3, 0)]
    assert forest.holds is None, "nobody knows where this claim holds"
    assert claim_figures(case_of("S30", test=test, details=None, interval=None)) == ()


def test_missing_arrays_and_scalars_leave_figures_out() -> None:
    evidence, _ = every_form()
    bare = Evidence(evidence.path, evidence.study, evidence.runs, evidence.facts, {})
    assert claim_figures(case_of("S76", bare, interval=None)) == ()
    unmeasured = tuple(replace(run, scalars={"train_error": 0.02, "held_out_error": 0.1}) for run in evidence.runs)
    silent = Evidence(evidence.path, evidence.study, unmeasured, evidence.facts, {})
    assert claim_figures(case_of("S80", silent, interval=None)) == ()


def test_neighbours_stand_beside_the_statement_on_them_alone() -> None:
    figure = RetrievalFigure("neighbours", (), "")
    assert claim_figures(case_of("S84"), figure)[-1] is figure
    assert figure not in claim_figures(case_of("S85"), figure)


def test_a_definition_is_a_table_of_what_was_computed_and_wanted() -> None:
    row = {"verdict": "contradicted", "reason": "conv3, share 0.01452 (at most 0.01); neurons 5, 6 (5 (five), 7)"}
    table = comparison_table(row)
    assert table is not None
    assert [(line.here, line.wanted, line.state) for line in table.lines] == [
        ("conv3, share 0.01452", "at most 0.01", "fails"),
        ("neurons 5, 6", "5 (five), 7", "fails"),
    ]
    kept = {"what": "parameters", "observed": "60,965,224", "expected": "60 million, cut off", "holds": True}
    table = comparison_table({**row, "comparisons": [kept]})
    assert table is not None
    assert (table.lines[0].here, table.lines[0].state) == ("parameters 60,965,224", "holds")
    assert comparison_table({"verdict": "not_evaluated", "reason": "no facts (none)"}) is None
    assert comparison_table({"verdict": "supported", "reason": "a sentence without brackets"}) is None
