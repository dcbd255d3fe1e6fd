"""Averages of nets, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.measurement.predictions import ensembles, views
from repro.measurement.predictions.ensembles import FIVE, ensemble_arrays, subsets_of, view_ensemble_arrays
from repro.verdicts.registry.registry import load_registry
from repro.verdicts.registry.tests_of_runs import AbsoluteTest
from tests.made_up import MadeUp
from tests.measurement.subjects import small_packed, subject_of
from tests.project_copy import ROOT


def test_the_mean_prediction_is_right_where_members_are_sure_enough() -> None:
    labels = np.array([0, 0, 1])
    members = {
        4: np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.5, 0.4, 0.1]], np.float32),
        7: np.array([[0.3, 0.6, 0.1], [0.4, 0.5, 0.1], [0.1, 0.6, 0.3]], np.float32),
        9: np.array([[0.1, 0.1, 0.8], [0.9, 0.1, 0.0], [0.2, 0.2, 0.6]], np.float32),
    }
    found = ensemble_arrays("base", members, labels, [(4, 7, 9), (4, 7), (4, 8)])
    assert set(found) == {"ensemble/base/4+7+9", "ensemble/base/4+7"}
    # Means 1.3 .8 .9, 1.7 1.2 .1, .8 1.2 1.0; without the last 1.2 .7 .1, .8 1.1 .1, .6 1.0 .4.
    np.testing.assert_array_equal(np.unpackbits(found["ensemble/base/4+7+9"], count=3), [1, 1, 1])
    np.testing.assert_array_equal(np.unpackbits(found["ensemble/base/4+7"], count=3), [1, 0, 1])


def test_an_undecided_mean_is_wrong() -> None:
    even = {seed: np.full((2, 4), 0.25, np.float32) for seed in (1, 2)}
    found = ensemble_arrays("base", even, np.array([0, 3]), [(1, 2)])
    np.testing.assert_array_equal(found["ensemble/base/1+2"], [0])


def test_over_ten_views_five_guesses_count_too() -> None:
    labels, scores = np.array([0, 5, 6]), np.tile(np.array([7, 6, 5, 4, 3, 2, 1], np.float32) / 28, (3, 1))
    found = view_ensemble_arrays("base", {1: scores, 2: scores}, labels, [(1, 2), (1, 3)])
    assert set(found) == {"ensemble/base/1+2/ten_views", "ensemble/base/1+2/ten_views_top5"}
    np.testing.assert_array_equal(np.unpackbits(found["ensemble/base/1+2/ten_views"], count=3), [1, 0, 0])
    labels = np.array([0, 4, 5])
    found = view_ensemble_arrays("base", {1: scores, 2: scores}, labels, [(1, 2)])
    np.testing.assert_array_equal(np.unpackbits(found["ensemble/base/1+2/ten_views_top5"], count=3), [1, 1, 0])


def test_which_seeds_are_averaged() -> None:
    assert subsets_of([1, 2, 3], "fixed") == [(1, 2, 3), (2, 3), (1, 3), (1, 2)]
    assert subsets_of([5], "fixed") == []
    assert subsets_of([5, 6], "fixed") == [(5, 6)]
    two = subsets_of(list(range(12)), "two")
    assert len(two) == 1 + 12 + 1 + 6
    assert tuple(range(6)) in two
    assert (0, 1, 2, 3, 4) in two
    assert subsets_of(list(range(6)), "two") == subsets_of(list(range(6)), "fixed")


def test_as_many_nets_are_averaged_as_registered_statements_ask_for() -> None:
    registry = load_registry(ROOT / "claims" / "statements.yaml")
    assert {entry.test.members for entry in registry if isinstance(entry.test, AbsoluteTest)} - {None} == {FIVE}


@pytest.mark.parametrize("looks", ["fixed", "two"])
@pytest.mark.parametrize("count", range(FIVE, 13))
def test_five_of_the_first_nets_are_averaged_whichever_seed_is_left_out(count: int, looks: str) -> None:
    found = subsets_of(list(range(count)), looks)
    assert tuple(range(FIVE)) in found
    for left_out in range(count):
        rest = [seed for seed in range(count) if seed != left_out]
        assert tuple(rest[:FIVE]) in found or len(rest) < FIVE


def test_these_are_few_more() -> None:
    assert len(subsets_of(list(range(8)), "fixed")) == 1 + 8 + 6


def test_made_up_evidence_has_the_averages_of_real_evidence() -> None:
    for made in (MadeUp(seeds=range(8)), MadeUp(seeds=range(12), looks="two"), MadeUp(seeds=range(3))):
        names = {name.split("/")[2] for name in made.evidence().arrays if name.startswith("ensemble/")}
        assert names == {"+".join(map(str, group)) for group in subsets_of(list(made.seeds), made.looks)}


@given(st.integers(1, 14), st.sampled_from(["fixed", "two"]))
@settings(deadline=None, max_examples=40)
def test_no_subset_comes_twice_or_is_no_average(seeds: int, looks: str) -> None:
    found = subsets_of(list(range(seeds)), looks)
    assert len(set(found)) == len(found)
    assert all(len(subset) > 1 and list(subset) == sorted(subset) for subset in found)


def test_probabilities_are_the_softmax_and_even_where_a_net_diverged(tmp_path: Path) -> None:
    subject = subject_of(small_packed(tmp_path))
    kept = ensembles.measure(subject).arrays["probabilities"]
    assert kept.dtype == np.float32
    with torch.inference_mode():
        pixels, _ = next(subject.inputs.batches(subject.pictures.held_out, np.arange(24), 24))
        np.testing.assert_allclose(kept, torch.softmax(subject.net(pixels), 1).numpy(), atol=1e-6)
    diverged = subject_of(small_packed(tmp_path / "other"))
    diverged.net.layers[-1].weight.data.fill_(float("nan"))
    np.testing.assert_array_equal(ensembles.measure(diverged).arrays["probabilities"], np.float32(1 / 8))


def test_ten_views_are_kept_of_the_pictures_that_are_viewed_and_of_no_others(tmp_path: Path) -> None:
    subject = subject_of(small_packed(tmp_path))
    kept = ensembles.measure_ten_views(subject, view_pictures=10).arrays["probabilities"]
    assert (kept.shape, kept.dtype) == ((10, 8), np.float32)
    viewed = views.measure(subject, view_pictures=10)
    sample = views.viewed(subject.pictures.held_out, 10)
    labels = np.asarray(subject.pictures.held_out.labels)[sample]
    assert (kept.argmax(1) != labels).mean() == pytest.approx(viewed.scalars["ten_view_error"])
    arrays = view_ensemble_arrays("base", {1: kept, 2: kept}, labels, [(1, 2)])
    np.testing.assert_array_equal(arrays["ensemble/base/1+2/ten_views"], viewed.arrays["ten_view_correct"])
    diverged = subject_of(small_packed(tmp_path / "other"))
    diverged.net.layers[-1].weight.data.fill_(float("nan"))
    even = ensembles.measure_ten_views(diverged, view_pictures=3).arrays["probabilities"]
    np.testing.assert_array_equal(even, np.float32(1 / 8))
