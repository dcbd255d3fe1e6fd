"""J along training and before it, and what dense nets hold: shown where the evidence has the arrays."""

from __future__ import annotations

import numpy as np
import pytest

from repro.evidence.directory import Evidence
from repro.evidence.division import COLOUR_SPECIFIC
from repro.report.figures.kernels.division import DivisionFigures, division_figures
from tests.report.made_up_study import EPOCHS, FALLS, POINTS, made_up_study, run_record

ARMS = ("base", "dense")


def figures(evidence: Evidence) -> DivisionFigures:
    return division_figures(evidence, COLOUR_SPECIFIC)


def study() -> Evidence:
    return made_up_study(variants=ARMS)


def test_j_of_both_arms_stands_over_epochs_with_the_fall_of_the_rate() -> None:
    along = figures(study()).along
    assert along is not None
    (panel,) = along.panels
    assert (along.start, along.end) == ("epoch 0", str(EPOCHS))
    assert panel.drops == (round(100 * FALLS / EPOCHS, 1),)
    assert along.legend == (("second-arm mean", "base"), ("first-arm mean", "dense"))
    base = next(trace for trace in panel.traces if trace.kind == "second-arm mean")
    points = [tuple(map(float, point.split(","))) for point in base.points.split()]
    assert [x for x, _ in points] == [round(100 * point / EPOCHS, 1) for point in POINTS]
    assert points[0][1] == 100, "J is 0 before training"
    assert points[-1][1] == 0, "and 1 at its end"
    assert "base goes from 0.00 to 1.00 on average" in panel.spoken


def test_points_at_which_a_tower_had_no_live_kernel_are_left_out() -> None:
    evidence = study()
    name = f"{evidence.of('base')[0].identity}/conv1_points_division"
    evidence.arrays[name] = np.array([np.nan, np.nan, *evidence.arrays[name][2:]])
    along = figures(evidence).along
    assert along is not None
    lengths = [len(trace.points.split()) for trace in along.panels[0].traces if trace.seed is not None]
    assert sorted(lengths) == [len(POINTS) - 2] + [len(POINTS)] * 5


def test_untrained_nets_are_the_control() -> None:
    control = figures(study()).control
    assert control is not None
    assert [row.name for row in control.rows] == ["base", "base, untrained", "dense", "dense, untrained"]
    means = [row.mean.label for row in control.rows if row.mean]
    assert (means[0], means[1], means[3]) == ("1.00", "0.00", "0.00")


@pytest.mark.parametrize("sign", [1, -1])
def test_what_conv2_reads_of_coloured_kernels_has_its_correlation(sign: int) -> None:
    evidence = study()
    for run in evidence.of("dense"):
        shares = evidence.array(run.identity, "conv1_chroma_response")
        evidence.arrays[f"{run.identity}/conv2_input_vector"] = 1 + sign * shares
    latent = figures(evidence).latent
    assert latent is not None
    (row,) = latent.rows
    assert row.name == "dense"
    assert row.mean is not None
    assert float(row.mean.label.replace("−", "-")) == sign


def test_dead_kernels_do_not_enter_the_correlation() -> None:
    evidence = study()
    run = evidence.of("dense")[0]
    before = figures(evidence).latent
    dead = ~evidence.array(run.identity, "conv1_live")
    evidence.array(run.identity, "conv2_input_vector")[dead] = 100
    assert figures(evidence).latent == before


def test_what_the_evidence_lacks_is_not_shown() -> None:
    assert figures(made_up_study(arrays={})) == DivisionFigures(None, None, None)
    equal = study()
    for run in equal.of("dense"):
        equal.array(run.identity, "conv2_input_vector")[:] = 0.1
    assert figures(equal).latent is None, "what does not vary correlates with nothing"
    runs = [run_record(variant, 10, curves={}) for variant in ARMS]
    assert figures(made_up_study(runs, variants=ARMS)).along is None, "without a log nobody knows the epochs"
