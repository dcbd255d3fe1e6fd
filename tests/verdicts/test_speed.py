"""Iterations to a point in training: arrivals on curves, targets, and runs that never arrive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.evidence.record import RunRecord
from repro.verdicts.authoring.samples import Pairs
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.forms.speed import SPEED
from repro.verdicts.readings.arrivals import arrival_at, convergence
from repro.verdicts.registry.registry import Registry
from tests.made_up import ARRIVAL, STEPS, MadeUp
from tests.verdicts import cases

PAIR = ("tanh", "base")
FOUR = cases.FOUR_LAYERS


def _run(**curves: list[Any]) -> RunRecord:
    return RunRecord("a", "base", 0, "report", None, "finished", None, {}, curves, {})


def test_arrival_lies_on_the_line_between_two_points() -> None:
    run = _run(step=[100, 200, 300], train_error=[0.5, 0.3, 0.2])
    assert arrival_at(run, 0.4).iterations == pytest.approx(150)
    assert not arrival_at(run, 0.4).censored


def test_points_without_an_error_are_passed_over() -> None:
    run = _run(step=[100, 150, 200], train_error=[0.5, None, 0.3])
    assert arrival_at(run, 0.4).iterations == pytest.approx(150)


def test_a_run_that_never_arrives_counts_with_its_end() -> None:
    arrival = arrival_at(_run(step=[100, 200], train_error=[0.5, 0.3]), 0.1)
    assert (arrival.iterations, arrival.censored) == (200, True)


def test_convergence_is_the_first_point_near_the_lowest() -> None:
    errors = [0.9, 0.5, 0.4, 0.31, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    arrival = convergence(_run(step=list(range(10, 130, 10)), held_out_error=errors))
    assert (arrival.iterations, arrival.censored) == (60, False)


def test_a_run_that_still_falls_at_the_end_has_not_converged() -> None:
    errors = [1 - 0.08 * n for n in range(12)]
    assert convergence(_run(step=list(range(12)), held_out_error=errors)).censored


def test_one_lucky_point_is_smoothed_away() -> None:
    errors = [0.9, 0.5, 0.4, 0.2, 0.4, 0.38, 0.36, 0.34, 0.32, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert convergence(_run(step=list(range(16)), held_out_error=errors)).iterations >= 9


def test_iterations_are_counted_to_the_registered_training_error(judge: Any) -> None:
    verdict = judge(MadeUp(arrival={"tanh": 4 * ARRIVAL, "sigmoid": 4 * ARRIVAL}), "S20")
    assert verdict.finding.details["target"] == 0.25
    assert verdict.estimate == pytest.approx(4, rel=0.1)


def test_a_slower_net_that_never_arrives_takes_at_least_as_long_as_it_was_trained(judge: Any) -> None:
    verdict = judge(MadeUp(arrival={"tanh": 1e9, "sigmoid": 1e9}), "S20")
    assert verdict.outcome == "supported"
    assert "never_arrived" in verdict.flags


@pytest.mark.parametrize(("ratio", "outcome"), [(6.0, "supported"), (3.0, "contradicted"), (9.5, "contradicted")])
def test_six_times_is_a_margin_on_both_sides(ratio: float, outcome: str, judge: Any) -> None:
    made = replace(MadeUp(arrival={"tanh": ratio * ARRIVAL, "base": ARRIVAL}), **FOUR)
    verdict = judge(made, "S21")
    assert verdict.outcome == outcome, verdict.reason
    assert verdict.finding.unit == "ratio"


def test_runs_that_never_arrive_support_a_lower_limit_and_never_contradict_it(judge: Any) -> None:
    late = MadeUp(arrival={"tanh": 1e9, "sigmoid": 1e9, "base": 2.0 * STEPS})  # of 3,000
    inconclusive = judge(late, "S20")
    assert inconclusive.outcome == "not_evaluated"
    assert "base seed" in inconclusive.reason
    close = MadeUp(arrival={"tanh": 1e9, "sigmoid": 1e9, "base": 0.7 * STEPS})
    verdict = judge(close, "S20")
    assert verdict.outcome == "inconclusive"
    assert "the true ratio is larger" in verdict.reason


@pytest.mark.parametrize(("base", "outcome"), [(ARRIVAL, "contradicted"), (STEPS / 6.0, "inconclusive")])
def test_runs_that_never_arrive_are_no_support_for_a_margin(base: float, outcome: str, judge: Any) -> None:
    """Ten times as long and not there yet is more than six times; six times and not there yet may be anything."""
    made = replace(MadeUp(arrival={"tanh": 1e9, "base": base}), **FOUR)
    assert judge(made, "S21").outcome == outcome


def test_seeds_needed_are_told_for_a_planned_ratio(judge: Any) -> None:
    verdict = judge(MadeUp(arrival={"tanh": 2 * ARRIVAL, "sigmoid": 2 * ARRIVAL}, spread=0.02), "S20")
    assert verdict.outcome == "inconclusive"
    assert verdict.seeds_needed is not None
    assert verdict.detectable > 1


TWICE = {"base": 2 * ARRIVAL, "no_dropout": ARRIVAL}
"""Dropout takes twice the iterations, at one learning rate."""


def _with_schedule(**schedule: Any) -> MadeUp:
    return MadeUp(arrival=TWICE, settings={"schedule": schedule})


def test_a_rate_that_falls_at_a_fixed_step_says_when_nets_converge_and_the_claim_cannot(judge: Any) -> None:
    """Just after the fall every net comes to its lowest error, whatever it took at the first rate."""
    verdict = judge(_with_schedule(kind="steps", at=[0.8]), "S60b")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert "base" in verdict.reason
    assert "fixed" in verdict.reason


def test_a_fixed_fall_in_one_variant_is_enough_to_refuse(registry: Registry) -> None:
    evidence = replace(_with_schedule(kind="plateau"), variants=("base", "no_dropout")).evidence()
    fixed = {"training": {"schedule": {"kind": "steps", "at": [0.5]}}}
    evidence.study = replace(evidence.study, settings={**evidence.study.settings, "no_dropout": fixed})
    finding = SPEED.judge(evidence, registry["S60b"].test, Pairs((("base", "no_dropout"),)), evidence.study.seeds)
    assert isinstance(finding, NotEvaluated)
    assert "the rate of no_dropout falls" in finding.reason


@pytest.mark.parametrize("schedule", [{"kind": "plateau"}, {"kind": "steps"}])
def test_a_rate_that_waits_for_a_plateau_or_never_falls_leaves_convergence_to_the_nets(
    schedule: dict[str, Any], judge: Any
) -> None:
    assert judge(_with_schedule(**schedule), "S60b").outcome == "supported"


def test_iterations_to_a_registered_error_are_counted_under_any_schedule(judge: Any) -> None:
    made = replace(_with_schedule(kind="steps", at=[0.8]), arrival={"tanh": 4 * ARRIVAL, "sigmoid": 4 * ARRIVAL})
    assert judge(made, "S20").outcome == "supported"
