from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from repro.verdicts.statistics.exact import (
    at_least,
    at_most,
    clopper_pearson,
    mann_whitney_exact,
    permutation_tails,
)

few_values = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=4)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_is_scipys(kn: tuple[int, int]) -> None:
    k, n = kn
    expected = stats.binomtest(k, n).proportion_ci(0.9, "exact")
    lower, upper = clopper_pearson(k, n, 0.95)
    assert (lower, upper) == pytest.approx((expected.low, expected.high))
    assert lower <= k / n <= upper


@pytest.mark.parametrize(
    ("n", "bound"), [(3, 0.37), (5, 0.55), (6, 0.61), (10, 0.74), (20, 0.86), (29, 0.90), (59, 0.95)]
)
def test_what_n_of_n_runs_show(n: int, bound: float) -> None:
    assert clopper_pearson(n, n)[0] == pytest.approx(bound, abs=0.006)


@given(st.integers(1, 40), st.integers(-2, 42), st.floats(0.05, 0.95))
def test_binomial_tails(n: int, k: int, rate: float) -> None:
    assert at_least(k, n, rate) == pytest.approx(float(stats.binom.sf(k - 1, n, rate)), abs=1e-12)
    assert at_most(k, n, rate) == pytest.approx(float(stats.binom.cdf(k, n, rate)), abs=1e-12)


@given(few_values, few_values)
def test_mann_whitney_enumerates_ties_too(x: list[float], y: list[float]) -> None:
    def wins(chosen: list[float], rest: list[float]) -> float:
        return sum((a > b) + 0.5 * (a == b) for a in chosen for b in rest)

    pooled = x + y
    arrangements = [
        wins([pooled[i] for i in pick], [pooled[i] for i in range(len(pooled)) if i not in pick])
        for pick in combinations(range(len(pooled)), len(x))
    ]
    greater = np.mean([value >= wins(x, y) for value in arrangements])
    less = np.mean([value <= wins(x, y) for value in arrangements])
    assert mann_whitney_exact(x, y) == pytest.approx((greater, less))


@given(st.lists(st.floats(-9, 9), min_size=9, max_size=9, unique=True))
def test_mann_whitney_without_ties_is_scipys(values: list[float]) -> None:
    x, y = values[:4], values[4:]
    expected = stats.mannwhitneyu(x, y, alternative="greater", method="exact").pvalue
    assert mann_whitney_exact(x, y)[0] == pytest.approx(expected)
    assert mann_whitney_exact(y, x)[1] == pytest.approx(expected)


@pytest.mark.parametrize(("n", "least"), [(3, 0.05), (4, 0.0143), (5, 0.00397), (6, 0.00108), (7, 0.00029)])
def test_smallest_rank_p(n: int, least: float) -> None:
    assert mann_whitney_exact(range(n, 2 * n), range(n))[0] == pytest.approx(least, rel=0.01)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=5), st.lists(st.integers(-9, 9), min_size=2, max_size=5))
@settings(max_examples=30)
def test_permutation_of_means_is_scipys(x: list[int], y: list[int]) -> None:
    """Ties included: sums of whole numbers are exact."""
    greater, less, smallest = permutation_tails(list(map(float, x)), list(map(float, y)))
    for p, alternative in ((greater, "greater"), (less, "less")):
        expected = stats.permutation_test(
            (np.array(x), np.array(y)),
            lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
            vectorized=True,
            n_resamples=10_000,  # more than there are: exact
            alternative=alternative,
        ).pvalue
        assert p == pytest.approx(expected)
    assert smallest == 1 / math.comb(len(x) + len(y), len(x))


def test_drawn_permutations_count_the_observed_one_in_both_tails() -> None:
    """The 12 largest of 24 have the largest sum: all 19,999 arrangements and the observed one are at most as large."""
    large, small = [float(value) for value in range(100, 112)], [float(value) for value in range(12)]
    assert permutation_tails(large, small)[1] == permutation_tails(small, large)[0] == 1.0
    assert permutation_tails(large, small)[0] >= 1 / 20_000
    # Of equal samples half of all arrangements are larger: neither tail is far from one half.
    alike = [float(value) for value in (*range(0, 12, 2), *range(13, 24, 2))]
    other = [float(value) for value in (*range(1, 12, 2), *range(12, 24, 2))]
    greater, less, _ = permutation_tails(alike, other)
    assert greater == pytest.approx(0.5, abs=0.02)
    assert less == pytest.approx(0.5, abs=0.02)


def test_large_permutations_are_drawn_and_repeatable() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(2, 1, 12), rng.normal(0, 1, 12)
    assert permutation_tails(x, y) == permutation_tails(x, y)
    assert permutation_tails(x, y)[0] < 0.002
    assert permutation_tails(x, y)[2] == 1 / 20_000
