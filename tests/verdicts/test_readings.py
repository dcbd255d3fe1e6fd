"""What a run counts with: its own number, or that of a net that guesses."""

from __future__ import annotations

import pytest

from repro.verdicts.readings.readings import metric_values
from tests.made_up import MadeUp


@pytest.mark.parametrize("status", ["diverged", "collapsed"])
def test_a_run_that_learned_nothing_counts_as_guessing_however_it_ended(status: str) -> None:
    """A net of numbers that are none answers every picture wrongly: 1.0, more than the 0.9 of guessing among ten."""
    broken = {"held_out_error": 1.0, "held_out_top5_error": 1.0} if status == "diverged" else {}
    made = MadeUp(seeds=(1, 2), variants=("base",), scalars={"base": broken}, classes=10, **{status: {"base": (1, 2)}})
    assert metric_values(made.evidence(), "base", (1, 2), "held_out_error") == [0.9, 0.9]


def test_a_finished_run_counts_with_its_own_number() -> None:
    made = MadeUp(seeds=(1,), variants=("base",), scalars={"base": {"held_out_error": 1.0}}, classes=10)
    assert metric_values(made.evidence(), "base", (1,), "held_out_error") == [1.0]


def test_the_early_loss_of_a_run_that_diverged_later_is_its_own() -> None:
    curves = {"train_loss": [2.0, 1.5, 1.0]}
    made = MadeUp(seeds=(1,), variants=("base",), diverged={"base": (1,)}, curves=curves, classes=10)
    assert metric_values(made.evidence(), "base", (1,), "early_train_loss") == [2.0]
