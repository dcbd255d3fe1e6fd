"""Which rate wins, and where a curve comes down to a target."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UserError
from repro.study.load import load_study
from repro.study.tuning import Trial, best_rate, iterations_to, trial_of
from repro.yaml_file import read_yaml
from tests.study.test_load import change, project

__all__ = ["project"]

ERRORS = st.floats(0, 1)
CURVES = st.lists(ERRORS, min_size=1, max_size=8).map(
    lambda errors: ([10.0 * (i + 1) for i in range(len(errors))], errors)
)
TRIALS = st.builds(Trial, st.none() | st.floats(1, 1e6), ERRORS)


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ([0.9, 0.5, 0.1], 26.25),
        ([0.9, 0.25, 0.1], 20.0),
        ([0.2, 0.9, 0.1], 10.0),
        ([0.9, 0.35, 0.15, 0.9], 25.0),
        ([0.9, None, 0.1, None], 26.25),
        ([0.9, 0.5, 0.3], None),
        ([None, None], None),
        ([], None),
    ],
)
def test_a_curve_is_read_by_straight_lines(errors, found):
    assert iterations_to(0.25, [10.0 * (i + 1) for i in range(len(errors))], errors) == pytest.approx(found)


@given(curve=CURVES, target=ERRORS, lower=ERRORS)
def test_a_lower_target_is_reached_later_or_never(curve, target, lower):
    high, low = max(target, lower), min(target, lower)
    first, second = (math.inf if (it := iterations_to(t, *curve)) is None else it for t in (high, low))
    assert first <= second
    assert math.isinf(first) == (min(curve[1]) > high)


@given(curve=CURVES, target=ERRORS, place=st.integers(0, 7))
def test_points_without_an_error_change_nothing(curve, target, place):
    steps, errors = curve
    more = ([*steps[:place], 1.0, *steps[place:]], [*errors[:place], None, *errors[place:]])
    assert iterations_to(target, *more) == iterations_to(target, *curve)


def test_the_fewest_iterations_win_by_the_median():
    found = best_rate(
        {
            0.1: [Trial(900, 0.2), Trial(800, 0.2), Trial(100, 0.2)],
            0.2: [Trial(500, 0.2), Trial(600, 0.2), Trial(None, 0.9)],
            0.4: [Trial(50, 0.2), Trial(None, 0.9), Trial(None, 0.9)],
        }
    )
    assert (found.rate, found.interior, found.criterion) == (0.2, True, "iterations")


@pytest.mark.parametrize("best", [0.1, 0.4])
def test_a_rate_at_the_edge_is_not_interior(best):
    found = best_rate({rate: [Trial(10 if rate == best else 20, 0.0)] for rate in (0.1, 0.2, 0.4)})
    assert (found.rate, found.interior) == (best, False)


def test_where_no_rate_gets_there_the_lowest_error_wins():
    found = best_rate({rate: [Trial(None, error)] for rate, error in ((0.1, 0.6), (0.2, 0.4), (0.4, 0.5))})
    assert (found.rate, found.interior, found.criterion) == (0.2, True, "final_train_error")


def test_a_tie_goes_to_the_lower_error_then_to_the_smaller_rate():
    assert best_rate({0.1: [Trial(9, 0.3)], 0.2: [Trial(9, 0.2)]}).rate == 0.2
    assert best_rate({0.2: [Trial(9, 0.2)], 0.1: [Trial(9, 0.2)]}).rate == 0.1


@given(trials=st.dictionaries(st.floats(1e-6, 1), st.lists(TRIALS, min_size=3, max_size=3), min_size=2), data=st.data())
def test_order_does_not_matter_and_reaching_beats_not_reaching(trials, data):
    found = best_rate(trials)
    shuffled = {rate: data.draw(st.permutations(trials[rate])) for rate in data.draw(st.permutations(list(trials)))}
    assert best_rate(shuffled) == found
    reached = {rate for rate, of in trials.items() if sum(trial.iterations is not None for trial in of) >= 2}
    assert (found.criterion == "iterations") == bool(reached)
    assert not reached or found.rate in reached


def test_a_diverged_run_ends_with_every_answer_wrong():
    curves = {"step": [1, 2], "train_error": [0.8, 0.5]}
    assert trial_of(0.25, curves, diverged=True) == Trial(None, 1.0)
    assert trial_of(0.25, curves, diverged=False) == Trial(None, 0.5)
    assert trial_of(0.25, {}, diverged=True) == Trial(None, 1.0)


GOOD = {"variants": ["base"], "seeds": [100, 101], "learning_rates": [0.01, 0.02, 0.04]}


def test_the_target_is_figure_1s_unless_said_otherwise(project: Path):
    change(project / "studies" / "smoke.yaml", tuning=GOOD)
    tuning = load_study(project, "smoke").study.tuning
    assert tuning is not None
    assert tuning.target_error == 0.25


def test_a_search_changes_no_settings_before_it_is_finished(project: Path):
    before = load_study(project, "smoke")
    change(project / "studies" / "smoke.yaml", tuning=GOOD)
    after = load_study(project, "smoke")
    assert (after.settings, after.tuned) == (before.settings, {})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"seeds": [10, 100]}, r"tuning\.seeds: 10 is among the study's seeds too; .*use other seeds"),
        ({"variants": ["base", "tanhh"]}, r"tuning\.variants: tanhh is not among the study's variants"),
        ({"variants": ["base", "base"]}, r"variants: \['base', 'base'\] names something twice"),
        ({"learning_rates": [0.01]}, r"tuning\.learning_rates: .*at least 2"),
        ({"learning_rates": [0.02, 0.01]}, r"learning_rates: \[0\.02, 0\.01\] must ascend"),
        ({"learning_rates": [0.01, -0.1]}, r"tuning\.learning_rates\.1: -0\.1 is not allowed"),
        ({"target_error": 1.5}, r"tuning\.target_error: 1\.5 is not allowed"),
        ({"rates": [0.1]}, r"unknown key tuning\.rates"),
    ],
)
def test_bad_searches_are_named(project: Path, edit, message):
    path = project / "studies" / "smoke.yaml"
    change(path, tuning={**GOOD, **edit})
    assert read_yaml(path)["seeds"][0] == 10
    with pytest.raises(UserError, match=message):
        load_study(project, "smoke")
