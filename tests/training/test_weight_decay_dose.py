"""A weight decay that is given by what it adds up to over the planned steps."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.data.packed import open_packed
from repro.study.settings import TrainingSettings
from repro.training.loop import Interrupted, Training
from repro.training.schedule import Schedule, with_weight_decay
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings
from tests.training.test_pictures import CPU

shares = st.lists(st.floats(0, 1), unique=True, max_size=4).map(sorted)


@given(at=shares, epochs=st.integers(1, 6), steps=st.integers(1, 40), factor=st.floats(0.05, 0.95))
def test_the_planned_sum_of_rates_is_that_of_the_steps(at, epochs, steps, factor):
    settings = TrainingSettings.model_validate(
        {"epochs": epochs, "schedule": {"kind": "steps", "at": at, "factor": factor}}
    )
    schedule = Schedule(settings, steps)
    taken = math.fsum(schedule.rates(step).weights for step in range(schedule.total_steps))
    assert schedule.planned_rate_sum == pytest.approx(taken, rel=1e-12)


@given(dose=st.floats(1e-3, 50), rate=st.floats(1e-4, 1), momentum=st.floats(0, 0.99), steps=st.integers(1, 1000))
def test_the_decay_has_its_dose(dose, rate, momentum, steps):
    settings = TrainingSettings.model_validate(
        {
            "weight_decay_dose": dose,
            "learning_rate": rate,
            "momentum": momentum,
            "epochs": 3,
            "schedule": {"kind": "steps", "at": [0.5]},
        }
    )
    found = with_weight_decay(settings, steps)
    rates = Schedule(settings, steps).planned_rate_sum
    assert rates * found.weight_decay / (1 - momentum) == pytest.approx(dose)
    assert found.weight_decay_dose is None
    assert with_weight_decay(found, steps) == found


def test_the_papers_schedule_and_decay_have_about_its_dose():
    """Section 5: 0.0005, three falls by 10 from 0.01; ILSVRC's 1.2 million pictures, the authors' logged epochs."""
    steps = {"kind": "steps", "at": [23 / 93, 51 / 93, 78 / 93]}
    decay = TrainingSettings.model_validate({"epochs": 93, "schedule": steps})
    dose = Schedule(decay, 1_261_406 // 128).planned_rate_sum * decay.weight_decay / (1 - decay.momentum)
    assert 10 < dose < 16


@pytest.mark.parametrize("choice", [{}, {"share": 0.5}])
def test_a_run_takes_the_dose_that_it_was_given(tmp_path, choice):
    """Whatever the number of its pictures, and so of its steps."""
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(weight_decay_dose=0.7, pictures=choice))
    Training(run, open_packed(tmp_path / pictures), CPU).train()
    assert run.result()["decay_dose"] == pytest.approx(0.7)


def test_the_dose_is_the_decay_over_what_momentum_leaves(tmp_path):
    """21 steps that fall at the eleventh: (10 x 0.005 + 11 x 0.0005) x 0.01 / (1 - 0.4) = 0.000925."""
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(weight_decay=0.01, momentum=0.4))
    Training(run, open_packed(tmp_path / pictures), CPU).train()
    assert run.result()["decay_dose"] == pytest.approx(0.000925)


def test_a_run_that_was_interrupted_tells_the_dose_of_all_its_sittings(tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(weight_decay_dose=0.7))
    for _ in range(2):
        calls = itertools.count(1)
        with pytest.raises(Interrupted):
            Training(run, open_packed(tmp_path / pictures), CPU).train(should_stop=lambda calls=calls: next(calls) > 5)
    Training(run, open_packed(tmp_path / pictures), CPU).train()
    assert run.result()["sittings"] == 3
    assert run.result()["decay_dose"] == pytest.approx(0.7)
