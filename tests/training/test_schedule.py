"""When the learning rate falls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.study.settings import TrainingSettings
from repro.training.schedule import Schedule


def schedule(**settings) -> Schedule:
    return Schedule(TrainingSettings.model_validate(settings), steps_per_epoch=10)


def test_steps_fall_at_their_shares():
    plan = schedule(epochs=10, schedule={"kind": "steps", "at": [0.25, 0.5]})
    rates = [plan.rates(step).weights for step in (0, 24, 25, 49, 50, 99)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])


def test_biases_may_keep_their_rate():
    plan = schedule(
        epochs=10,
        bias_learning_rate_factor=2.0,
        bias_rate_follows_schedule=False,
        schedule={"kind": "steps", "at": [0.5]},
    )
    assert plan.rates(99).biases == pytest.approx(0.02)
    assert plan.rates(99).weights == pytest.approx(0.001)


def test_plateau_falls_three_times_and_then_stops():
    plan = schedule(schedule={"kind": "plateau", "patience": 2})
    seen = []
    for _ in range(8):
        plan.end_of_epoch(0.5 if not seen else 0.6)
        seen.append((round(plan.rates(0).weights, 8), plan.stopped))
    assert [rate for rate, _ in seen] == [0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001, 1e-05, 1e-05]
    plan.end_of_epoch(0.6)
    assert plan.stopped


@pytest.mark.parametrize(
    ("errors", "reductions"),
    [
        ([0.5, 0.5, 0.5], [0, 0, 1]),  # as good as the best is no gain
        ([0.5, 0.6, 0.4, 0.6, 0.6], [0, 0, 0, 0, 1]),  # a gain begins the count anew
        ([0.5, 0.6, 0.6, 0.55, 0.55], [0, 0, 1, 1, 2]),  # better than the last is no gain either
        ([0.5, None, 0.6, None, 0.6], [0, 0, 0, 0, 1]),  # an epoch without an error does not count
    ],
)
def test_a_plateau_is_an_epoch_without_a_new_best(errors, reductions):
    plan, seen = schedule(schedule={"kind": "plateau", "patience": 2}), []
    for error in errors:
        plan.end_of_epoch(error)
        seen.append(plan.reductions)
    assert seen == reductions


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(0, 40))
def test_a_resumed_plateau_goes_on_as_if_never_stopped(errors, cut):
    whole, first = schedule(), schedule()
    for error in errors:
        whole.end_of_epoch(error)
    for error in errors[:cut]:
        first.end_of_epoch(error)
    second = schedule()
    second.load(first.state())
    for error in errors[cut:]:
        second.end_of_epoch(error)
    assert second == whole
