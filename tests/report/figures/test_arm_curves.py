"""Both arms' learning curves: means over runs, their difference, and the windows that the gate `settled` reads."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from repro.evidence.directory import Evidence
from repro.report.cases.case import Case
from repro.report.drawing.charts import Chart
from repro.report.figures.curves.arm_curves import arm_curves
from repro.verdicts.judging.gates import read_gate
from repro.verdicts.statistics.estimates import welch
from tests.report.made_up_study import EPOCHS, FALLS, made_up_study, project_registry, run_record

REGISTRY = project_registry()
SEEDS = (10, 11, 12)
ARMS = ("base", "no_weight_decay")


def runs(**of_first: Any) -> list[Any]:
    return [run_record(variant, seed, **(of_first if variant != "base" else {})) for variant in ARMS for seed in SEEDS]


def study(made: list[Any]) -> Evidence:
    return made_up_study(made, arrays={}, variants=ARMS)


def curves(evidence: Evidence, statement: str = "S61c", **changes: Any) -> list[Chart]:
    entry = REGISTRY[statement]
    assert entry.test is not None
    test = entry.test.model_copy(update=changes)
    return arm_curves(Case(evidence, entry, test, REGISTRY.gates, {"verdict": "supported", "n": None}))


def across(epoch: float) -> float:
    """Where an epoch lies in a panel whose time goes from the first to the last."""
    return round(100 * (epoch - 1) / (EPOCHS - 1), 1)


def test_runs_stand_behind_the_means_of_the_metrics_own_curve_and_of_the_gates() -> None:
    trained, held_out = curves(study(runs()))
    assert trained.title.startswith("Training error by epoch, as training sees it")
    assert held_out.title.startswith("Held-out error by epoch")
    (panel,) = held_out.panels
    kinds = [trace.kind for trace in panel.traces]
    assert sorted(kinds[:6]) == ["first-arm thin"] * 3 + ["second-arm thin"] * 3
    assert kinds[6:] == ["second-arm mean", "first-arm mean"], "in front"
    assert sorted(trace.seed for trace in panel.traces if trace.seed is not None) == [10, 10, 11, 11, 12, 12]


def test_the_difference_below_is_that_of_the_means_with_welchs_interval() -> None:
    evidence = study(runs())
    held_out = curves(evidence)[-1]
    assert held_out.below is not None
    (panel,) = held_out.below.panels
    ends = [[run.curves["held_out_error"][-1] for run in evidence.of(variant)] for variant in reversed(ARMS)]
    found = welch(*ends)
    assert panel.spoken == f"difference at the end +{100 * found.value:.2f}"
    assert (held_out.below.start, held_out.below.end) == (held_out.start, held_out.end)
    assert len(panel.area.split()) == 2 * EPOCHS
    turned = curves(evidence, larger="second")[-1].below
    assert turned is not None
    assert turned.panels[0].spoken == f"difference at the end −{100 * found.value:.2f}"


def test_the_shaded_windows_are_those_that_the_gate_reads() -> None:
    evidence = study(runs())
    trained, held_out = curves(evidence)
    assert trained.panels[0].windows == ()
    assert held_out.below is not None
    for panel in (held_out.panels[0], held_out.below.panels[0]):
        third, last = panel.windows
        assert (third.x, round(third.x + third.width, 1)) == (across(FALLS / 2), across(3 * FALLS / 4))
        assert (last.x, round(last.x + last.width, 1)) == (across(3 * FALLS / 4), across(FALLS))
        assert panel.drops == (across(FALLS),)
    # The same windows give the gate's own number.
    lines = [run.curves["held_out_error"] for run in evidence.runs]
    before = fmean(fmean(line[FALLS // 2 : 3 * FALLS // 4]) for line in lines)
    after = fmean(fmean(line[3 * FALLS // 4 : FALLS]) for line in lines)
    test = REGISTRY["S61c"].test
    reading: Any = read_gate(evidence, REGISTRY.gates, "settled", test, ARMS, SEEDS)  # type: ignore[arg-type]
    fall = (before - after) / (evidence.study.chance_error - after)
    assert f"fell by {100 * fall:.2f} %" in reading.sentence


def test_no_window_is_shaded_where_runs_left_their_first_rate_at_different_steps() -> None:
    made = runs()
    made[0] = replace(made[0], curves={**made[0].curves, "learning_rate": [0.01] * 10 + [0.001] * (EPOCHS - 10)})
    held_out = curves(study(made))[-1]
    assert held_out.panels[0].windows == ()
    assert held_out.note.startswith("The runs left their first learning rate at different steps")


def test_a_run_that_diverged_early_does_not_cut_the_means() -> None:
    made = runs()
    short = {name: values[:3] for name, values in made[0].curves.items()}
    made[0] = replace(made[0], status="diverged", curves=short)
    held_out = curves(study(made))[-1]
    means = {trace.kind: trace for trace in held_out.panels[0].traces if trace.kind.endswith("mean")}
    assert all(len(trace.points.split()) == EPOCHS for trace in means.values())
    assert [trace.broken for trace in held_out.panels[0].traces].count(True) == 1


def test_each_variant_of_several_has_a_panel() -> None:
    (held_out,) = curves(made_up_study(), "S90")
    assert [panel.name for panel in held_out.panels] == [f"remove conv{n} against base" for n in (2, 3, 4)]
    assert held_out.below is not None
    assert len(held_out.below.panels) == 3


@pytest.mark.parametrize(
    "made",
    [
        [run_record(variant, seed, curves={}) for variant in ARMS for seed in SEEDS],
        [run_record("base", seed) for seed in SEEDS],
        [],
    ],
)
def test_without_curves_of_both_arms_there_is_no_chart(made: list[Any]) -> None:
    assert curves(study(made)) == []


def test_one_run_an_arm_has_a_difference_and_no_interval() -> None:
    held_out = curves(study([run_record(variant, 10) for variant in ARMS]))[-1]
    assert held_out.below is not None
    assert held_out.below.panels[0].area == ""
    assert re.fullmatch(r"difference at the end [+−]\d+\.\d\d", held_out.below.panels[0].spoken)


def test_a_metric_without_a_curve_has_no_chart() -> None:
    assert curves(study(runs()), metric="correlation_fc6", gates=("trained",)) == []
