"""Points of the learning curve between epochs: where they lie, and that they change nothing else."""

from __future__ import annotations

import itertools

import pytest
import torch

from repro.data.packed import open_packed
from repro.runs.store import Run
from repro.training.loop import Interrupted, Training
from tests.packed_pictures import make_packed
from tests.small_runs import small_run, small_settings

STEPS_PER_EPOCH = 7  # 48 pictures in batches of 7
EPOCHS = 3


def train(run: Run, pictures: str, **options) -> Run:
    Training(run, open_packed(run.store / pictures), torch.device("cpu")).train(**options)
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Run, Run]:
    """The same run, without and with points at every third step."""
    found = []
    for every in (None, 3):
        store = tmp_path_factory.mktemp("store")
        pictures = make_packed(store)
        found.append(train(small_run(store, pictures, small_settings(curve_every_steps=every)), pictures))
    return found[0], found[1]


def test_points_lie_at_every_so_many_steps_and_at_the_ends_of_epochs(runs):
    rows = runs[1].log()
    ends = [STEPS_PER_EPOCH * epoch for epoch in range(1, EPOCHS + 1)]
    assert [row["step"] for row in rows] == sorted({*range(3, ends[-1], 3), *ends})
    assert [row["epoch"] for row in rows] == pytest.approx([row["step"] / STEPS_PER_EPOCH for row in rows])
    assert all("train_error" in row for row in rows)
    assert [row["step"] for row in rows if "train_loss" in row] == ends
    assert [row["learning_rate"] for row in rows if row["step"] in (9, 12)] == pytest.approx([0.005, 0.0005])


@pytest.mark.parametrize(("step", "rate"), [(9, 0.005), (10, 0.005), (11, 0.0005), (12, 0.0005)])
def test_a_point_has_the_rate_of_the_step_that_led_to_it(tmp_path, step, rate):
    """21 steps fall at their half, 10.5, which is rounded to 10: the eleventh step is the first at the lower rate."""
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(curve_every_steps=step))
    training = Training(run, open_packed(tmp_path / pictures), torch.device("cpu"))
    training.step = step
    training.between_epochs(14)
    (row,) = training.rows
    assert row["learning_rate"] == pytest.approx(rate)


def test_points_change_nothing_else(runs):
    without, having = runs
    assert without.identity == having.identity
    results = [run.result() for run in runs]
    for key in ("weights_digest", "epochs", "steps", "final_train_loss", "decay_dose"):
        assert results[0][key] == results[1][key]
    assert results[0]["epochs"] == EPOCHS
    assert [row for row in having.log() if "train_loss" in row] == without.log()


def test_interruptions_lose_and_repeat_no_point(runs, tmp_path):
    pictures = make_packed(tmp_path)
    run = small_run(tmp_path, pictures, small_settings(curve_every_steps=3))
    for steps in (3, 4, 8):
        calls = itertools.count(1)
        with pytest.raises(Interrupted):
            train(run, pictures, should_stop=lambda calls=calls, steps=steps: next(calls) > steps)
    assert train(run, pictures).log() == runs[1].log()
