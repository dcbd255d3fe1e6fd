"""Outcomes per picture: the floor that they set under the spread of runs, ensembles, and how many pictures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.picture_outcomes import (
    difference_floor,
    ensemble_right,
    ensembles_within,
    picture_variance,
    picture_variance_of_halves,
    pictures_of,
    right,
)
from repro.verdicts.readings.readings import runs_of
from tests.made_up import MadeUp

TWO = MadeUp(
    seeds=range(6), variants=("base", "no_weight_decay"), effects={"no_weight_decay": {"held_out_error": 0.03}}
)


def test_the_floor_is_that_of_pictures_on_which_two_nets_differ() -> None:
    evidence = TWO.evidence()
    outcomes = [right(evidence, name, range(6), "held_out_correct", 1000) for name in TWO.variants]
    discordant = (outcomes[0] != outcomes[1]).sum(axis=1)
    expected = float(np.sqrt(discordant).mean()) / 1000
    found = difference_floor(evidence, *TWO.variants, range(6), "held_out_error")
    assert found == pytest.approx(expected)
    assert found > 0


def test_metrics_without_outcomes_have_the_floor_of_their_step() -> None:
    evidence = TWO.evidence()
    assert difference_floor(evidence, *TWO.variants, range(6), "train_error") == 0.0
    assert difference_floor(evidence, *TWO.variants, range(6), "colour_blobs") == pytest.approx(1 / math.sqrt(6))
    bare = replace(TWO, outcomes=False).evidence()
    assert difference_floor(bare, *TWO.variants, range(6), "held_out_error") == 0.0


def test_runs_that_agree_by_accident_do_not_decide(judge: Any) -> None:
    """Errors with hardly any spread between runs, of nets that differ on many pictures."""
    made = replace(
        TWO,
        spread=1e-5,
        luck=0.01,
        effects={"no_weight_decay": {"held_out_error": 0.002, "train_error_as_trained": 0.1}},
    )
    assert judge(replace(made, outcomes=False), "S61b").outcome == "supported"
    assert judge(made, "S61b").outcome == "inconclusive"


def test_how_many_pictures_an_error_is_of() -> None:
    scalars = {"base": {"view_pictures": 300}}
    evidence = replace(TWO, scalars=scalars).evidence()
    run = runs_of(evidence, "base", [0])[0]
    assert pictures_of(run, evidence, "held_out_error") == 1000
    assert pictures_of(run, evidence, "ten_view_error") == 300
    assert pictures_of(run, evidence, "train_error") is None


def test_older_evidence_that_does_not_say_has_all_held_out_pictures() -> None:
    evidence = replace(TWO, scalars={"base": {"held_out_pictures": None}}).evidence()
    assert pictures_of(runs_of(evidence, "base", [0])[0], evidence, "held_out_error") == 1000


def test_a_number_of_pictures_that_is_not_noted_is_not_guessed() -> None:
    evidence = replace(TWO, scalars={"base": {"view_pictures": None}}).evidence()
    found = pictures_of(runs_of(evidence, "base", [0])[0], evidence, "ten_view_error")
    assert isinstance(found, NotEvaluated)
    assert "view_pictures" in found.reason


def test_the_variance_of_an_error_is_that_of_its_pictures_and_never_that_of_none() -> None:
    faultless = replace(TWO, scalars={"base": {"held_out_error": 0.0}})
    evidence = faultless.evidence()
    assert picture_variance(evidence, "base", range(6), "held_out_error", 0.01) == pytest.approx(0.01 * 0.99 / 1000)
    assert picture_variance_of_halves(evidence, "base", range(6), 0.01) == pytest.approx(0.01 * 0.99 * 4 / 1000)
    assert picture_variance(evidence, "base", range(6), "train_error", 0.01) == 0.0


def test_ensembles_are_found_by_their_seeds() -> None:
    evidence = TWO.evidence()
    assert ensembles_within(evidence, "base", range(6), 6) == [(0, 1, 2, 3, 4, 5)]
    assert len(ensembles_within(evidence, "base", range(6), 5)) == 6
    assert ensembles_within(evidence, "base", (0, 1, 2, 3, 4), 5) == [(0, 1, 2, 3, 4)]
    assert ensembles_within(evidence, "no_weight_decay", range(6), 5) == []
    outcomes = ensemble_right(evidence, "base", (0, 1, 2, 3, 4), 1000)
    assert outcomes is not None
    assert outcomes.shape == (1000,)
    assert ensemble_right(evidence, "base", (0, 1), 1000) is None
    errors = [
        1 - ensemble_right(evidence, "base", (0, 1, 2, 3, 4), 1000, way).mean()  # type: ignore[arg-type,union-attr]
        for way in ("centre", "ten_views", "ten_views_top5")
    ]
    assert errors == pytest.approx([0.27, 0.25, 0.01], abs=0.005)


def test_a_run_without_outcomes_leaves_none() -> None:
    evidence = replace(TWO, outcomes=False).evidence()
    assert right(evidence, "base", range(6), "held_out_correct", 1000) is None
