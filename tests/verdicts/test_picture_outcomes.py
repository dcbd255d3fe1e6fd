"""Outcomes per picture: the floor that they set under the spread of runs, ensembles, and how many pictures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from repro.evidence.directory import Evidence
from repro.measurement.declared import declarations
from repro.randomness import generator
from repro.study.settings import EvaluationSettings
from repro.verdicts.authoring.claim import Claim
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.readings.picture_outcomes import (
    difference_floor,
    ensemble_right,
    ensembles_within,
    picture_variance,
    picture_variance_of_halves,
    pictures_of,
    right,
    variance_of_pictures,
)
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.registry import Registry
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
    assert pictures_of(evidence, "base", [0], "held_out_error") == 1000
    assert pictures_of(evidence, "base", [0], "ten_view_error") == 300
    assert pictures_of(evidence, "base", [0], "train_error") is None


def test_older_evidence_that_does_not_say_has_all_held_out_pictures() -> None:
    evidence = replace(TWO, scalars={"base": {"held_out_pictures": None}}).evidence()
    assert pictures_of(evidence, "base", [0], "held_out_error") == 1000


def test_a_number_of_pictures_that_is_not_noted_is_not_guessed() -> None:
    evidence = replace(TWO, scalars={"base": {"view_pictures": None}}).evidence()
    found = pictures_of(evidence, "base", [0], "ten_view_error")
    assert isinstance(found, NotEvaluated)
    assert "view_pictures" in found.reason


@pytest.mark.parametrize(
    ("evaluation", "queries"),
    [({"neighbour_queries": 300}, 300), ({"neighbour_queries": 5000}, 1000), ({}, 60)],
)
def test_neighbours_are_of_as_many_queries_as_the_evaluation_asked(evaluation: dict[str, int], queries: int) -> None:
    """At most all held-out pictures; the default where older evidence does not record its settings."""
    evidence = replace(TWO, evaluation=evaluation).evidence()
    assert pictures_of(evidence, "base", [0], "neighbour_agreement") == queries
    assert pictures_of(evidence, "base", [0], "labels_within_6_steps") == 1000


def test_what_says_on_how_many_pictures_a_metric_is_measured_is_recorded() -> None:
    scalars = {name for declaration in declarations().values() for name in declaration.scalars}
    settings = {f"evaluation.{name}" for name in EvaluationSettings.model_fields}
    assert {rule.pictures for rule in METRICS.values()} - {None} <= scalars | settings


def test_a_mean_over_pictures_has_the_variance_of_its_range_at_most() -> None:
    assert variance_of_pictures("neighbour_agreement", 0.3, 60) == pytest.approx(0.3 * 0.7 / 60)
    assert variance_of_pictures("neighbour_pixel_percentile", 5.0, 60) == pytest.approx(5.0 * 95.0 / 60)
    assert variance_of_pictures("held_out_error", 1.2, 60) == 0.0


STUDIES = 120


def _wrong_share(judge: Any, statement: str, levels: Any) -> float:
    """How often twelve runs decide a statement that lies on its edge for all possible pictures."""
    made = MadeUp(outcomes=False, chroma=False, evaluation={"neighbour_queries": 60}, spread=0.002)
    made = replace(made, counts={"train": 4000, "held_out": 60, "validation": 0})
    drawn = (levels(generator("shared queries", statement, number)) for number in range(STUDIES))
    outcomes = [judge(replace(made, levels={"base": level}), statement).outcome for level in drawn]
    return sum(outcome in ("supported", "contradicted") for outcome in outcomes) / STUDIES


def _neighbours(rng: np.random.Generator) -> dict[str, float]:
    """Agreement of sixty queries: some are easy, and six neighbours by features and by pixels are as often alike."""
    easy = rng.beta(1.0, 1.0, 60)
    return {
        name: float((rng.binomial(6, easy) / 6).mean())
        for name in ("neighbour_agreement", "neighbour_agreement_pixels")
    }


def _labels(rng: np.random.Generator) -> dict[str, float]:
    """The worst case: all wrong labels of a picture are near the truth or none is, each with chance one half."""
    return {"labels_within_6_steps": float(rng.binomial(60, 0.5) / 60)}


@pytest.mark.parametrize(("statement", "levels"), [("S84", _neighbours), ("S81", _labels)])
def test_the_luck_of_pictures_that_all_runs_share_seldom_decides(statement: str, levels: Any, judge: Any) -> None:
    assert _wrong_share(judge, statement, levels) <= 0.05


def _mixed(**scalars: int) -> Evidence:
    """Evidence in which the run of the base's seed 3 was measured otherwise than the rest."""
    evidence = TWO.evidence()
    runs = [
        replace(run, scalars={**run.scalars, **scalars}) if (run.variant, run.seed) == ("base", 3) else run
        for run in evidence.runs
    ]
    return Evidence(evidence.path, evidence.study, tuple(runs), evidence.facts, evidence.arrays)


@pytest.mark.parametrize(
    ("statement", "name"), [("S54", "view_pictures"), ("S71", "held_out_pictures"), ("S11c", "held_out_pictures")]
)
def test_runs_that_were_measured_on_unequal_numbers_of_pictures_are_refused(
    statement: str, name: str, registry: Registry, claims: dict[str, Claim]
) -> None:
    """They would be padded, and pictures that were never seen count as wrong."""
    evidence = _mixed(**{name: 1400})
    evidence.study = replace(evidence.study, data={**evidence.study.data, "name": "procedural"})
    verdict, error = study_outcomes(registry, {statement: claims[statement]}, evidence)[statement]
    assert error is None
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "not_a_number")
    assert f"{name} is 1000 in base seed 0 and 1400 in base seed 3" in verdict.reason


def test_outcomes_of_fewer_pictures_than_the_run_names_are_not_read(judge: Any) -> None:
    verdict = judge(replace(TWO, scalars={"base": {"view_pictures": 1400}}), "S54")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "not_a_number")
    assert "1400 pictures" in verdict.reason


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
