from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro.verdicts.statistics.estimates import (
    SMALLEST_P,
    error_rate,
    one_sample,
    paired,
    prediction_interval,
    sd_floor,
    seeds_by_images,
    welch,
)

number = st.floats(-100, 100).map(lambda x: round(x, 3))
arms = st.lists(number, min_size=3, max_size=8)


def _cautious(p: float) -> float:
    """A t p value as it is used: five thirds of it."""
    return min(1.0, max(p, SMALLEST_P) * 5 / 3)


@given(arms, arms, st.floats(-5, 5))
def test_welch_agrees_with_scipy(a: list[float], b: list[float], at: float) -> None:
    estimate = welch(a, b)
    if estimate.no_spread:
        assert estimate.tails(at) == (1.0, 1.0)
        return
    above, below = estimate.tails(at)
    if estimate.se < 1e-9 * max(map(abs, [*a, *b, 1.0])):
        return  # scipy itself loses its digits
    expected = stats.ttest_ind(np.subtract(a, at), b, equal_var=False, alternative="greater")
    assert above == pytest.approx(_cautious(expected.pvalue), rel=1e-6, abs=1e-11)
    assert below == pytest.approx(_cautious(1 - expected.pvalue), rel=1e-6, abs=1e-9)
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(1 - 0.1 * 3 / 5)
    assert estimate.interval(0.1) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(number, number), min_size=3, max_size=8))
def test_paired_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    a, b = map(list, zip(*pairs, strict=True))
    estimate = paired(a, b)
    if estimate.no_spread:
        return
    expected = stats.ttest_rel(a, b, alternative="greater").pvalue
    assert estimate.tails()[0] == pytest.approx(_cautious(expected), rel=1e-6, abs=1e-11)


@given(arms, arms, st.floats(-50, 50))
def test_a_common_shift_changes_nothing(a: list[float], b: list[float], shift: float) -> None:
    moved = welch(np.add(a, shift), np.add(b, shift))
    assert moved.value == pytest.approx(welch(a, b).value, abs=1e-9)
    if welch(a, b).se > 1e-6:
        assert moved.tails() == pytest.approx(welch(a, b).tails(), rel=1e-4, abs=1e-9)


@given(arms, arms)
def test_swapping_arms_swaps_the_tails(a: list[float], b: list[float]) -> None:
    assert welch(a, b).tails() == pytest.approx(welch(b, a).tails()[::-1])


def test_p_is_floored() -> None:
    assert welch([0.0, 1e-9, 2e-9, 1e-9], [1e6, 1e6 + 1, 1e6 - 1, 1e6]).tails()[1] == pytest.approx(SMALLEST_P * 5 / 3)


@pytest.mark.parametrize("values", [([1.0], [2.0, 3.0]), ([1.0], [2.0])])
def test_one_run_says_nothing(values: tuple[list[float], list[float]]) -> None:
    estimate = welch(*values)
    assert math.isnan(estimate.se)
    assert estimate.tails() == (1.0, 1.0)


def test_no_spread_says_nothing_without_a_floor_and_something_with_it() -> None:
    same = welch([0.5] * 4, [0.4] * 4)
    assert same.no_spread
    assert same.tails() == (1.0, 1.0)
    floored = welch([0.5] * 4, [0.4] * 4, floor=0.02)
    assert floored.no_spread
    assert 0 < floored.tails()[0] < 0.01
    assert floored.df == 6
    assert paired([0.5] * 4, [0.4] * 4, floor=0.02).se == pytest.approx(0.01)


def test_rounding_in_the_mean_is_no_spread() -> None:
    assert one_sample([0.1] * 3).no_spread
    assert one_sample([0.1] * 7).sd == 0.0


def test_floor_only_raises_the_standard_error() -> None:
    a, b = [0.41, 0.43, 0.42], [0.38, 0.39, 0.41]
    assert welch(a, b, floor=1e-6) == welch(a, b)
    assert welch(a, b, floor=0.5).se == pytest.approx(0.5 * math.sqrt(1 / 3))


def test_sd_floor() -> None:
    assert sd_floor(step=0.1) == pytest.approx(0.1 / math.sqrt(6))
    assert sd_floor([400, 400], 10_000) == pytest.approx(0.002)
    with pytest.raises(ValueError, match="number of pictures"):
        sd_floor([3.0])


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_values_without_a_number_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="value"):
        welch(bad, [1.0, 2.0])


def test_pairs_need_equal_lengths() -> None:
    with pytest.raises(ValueError, match="equal lengths"):
        paired([1.0, 2.0], [1.0])


def test_pictures_noise_does_not_shrink_with_seeds() -> None:
    rng = np.random.default_rng(1)
    estimate = error_rate(0.375 + 1e-4 * rng.standard_normal(1000), 50_000)
    assert estimate.se == pytest.approx(0.00217, rel=0.01)
    assert error_rate([0.182] * 5, 50_000).se == pytest.approx(0.00173, rel=0.01)
    assert error_rate([0.1, 0.2], None) == one_sample([0.1, 0.2])


def test_coverage_of_an_absolute_error() -> None:
    """Seeds' and pictures' noise of the same size: 95 % intervals for the method's error cover it."""
    rng = np.random.default_rng(2)
    truth, pictures, replications = 0.375, 50_000, 2000
    image_sd = math.sqrt(truth * (1 - truth) / pictures)
    covered = 0
    for _ in range(replications):
        on_these = truth + image_sd * rng.standard_normal()
        low, high = error_rate(on_these + 0.002 * rng.standard_normal(5), pictures).interval()
        covered += low <= truth <= high
    assert 0.94 <= covered / replications <= 0.985


def test_coverage_over_seeds_and_pictures() -> None:
    """Pictures differ in how they respond: seeds alone cover too rarely, crossed they do not."""
    rng = np.random.default_rng(3)
    replications, seeds, pictures = 400, 5, 200
    crossed = alone = 0
    for _ in range(replications):
        difference = (
            rng.normal(0, 0.3, pictures)[None, :]
            + rng.normal(0, 0.01, seeds)[:, None]
            + rng.normal(0, 0.3, (seeds, pictures))
        )
        low, high = seeds_by_images(difference).interval()
        crossed += low <= 0 <= high
        low, high = one_sample(difference.mean(axis=1)).interval()
        alone += low <= 0 <= high
    assert crossed / replications >= 0.94
    assert alone / replications < 0.9


def test_prediction_interval_covers_one_more_run() -> None:
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(2000):
        values = rng.standard_normal(5)
        low, high = prediction_interval(values[:4])
        hits += low <= values[4] <= high
    assert 0.935 <= hits / 2000 <= 0.965


def test_seeds_and_pictures_in_equal_parts_have_four_times_the_seeds_degrees_of_freedom() -> None:
    """Satterthwaite: (2 v)^2 / (v^2 / (n - 1)) = 4 (n - 1), the pictures' part having infinitely many."""
    errors = [0.30, 0.32, 0.31, 0.33]
    variance = stats.sem(errors) ** 2
    estimate = error_rate(errors, None, picture_variance=variance)
    assert estimate.df == pytest.approx(4 * 3)
    half = stats.t.ppf(1 - 0.05 * 3 / 5 / 2, 12) * math.sqrt(2 * variance)
    assert estimate.interval() == pytest.approx((0.315 - half, 0.315 + half))


@given(arms, st.floats(1e-4, 10))
def test_the_more_the_pictures_vary_the_more_degrees_of_freedom(values: list[float], variance: float) -> None:
    alone, both = one_sample(values), error_rate(values, None, picture_variance=variance)
    if not alone.no_spread:
        parts = [alone.se**2, variance]
        assert both.se == pytest.approx(math.sqrt(sum(parts)))
        assert both.df == pytest.approx(sum(parts) ** 2 / (parts[0] ** 2 / alone.df))


def test_seeds_and_pictures_crossed_by_hand() -> None:
    """Means of seeds 2 and 4, of variance 2; means of pictures 1, 3 and 5, of variance 4: 2/2 and 4/3 are added."""
    estimate = seeds_by_images([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]])
    assert estimate.value == pytest.approx(3)
    assert estimate.se == pytest.approx(math.sqrt(2 / 2 + 4 / 3))
    assert estimate.df == pytest.approx((7 / 3) ** 2 / (1**2 / 1 + (4 / 3) ** 2 / 2))
    assert estimate.fixed_se == pytest.approx(math.sqrt(4 / 3))
    assert estimate.sd == pytest.approx(math.sqrt(2))
    assert not estimate.no_spread
    assert estimate.n == (2,)


def test_one_seed_on_many_pictures_says_nothing_but_their_noise() -> None:
    estimate = seeds_by_images([[0.0, 2.0, 4.0]])
    assert (estimate.value, estimate.fixed_se) == (2.0, pytest.approx(math.sqrt(4 / 3)))
    assert estimate.tails() == (1.0, 1.0)
    assert math.isnan(estimate.interval()[0])
    with pytest.raises(ValueError, match="finite matrix"):
        seeds_by_images([[1.0], [2.0]])


def test_cells_that_are_all_equal_have_no_spread() -> None:
    estimate = seeds_by_images(np.full((4, 3), 0.25))
    assert estimate.no_spread
    assert (estimate.se, estimate.df) == (0.0, 3.0)


@pytest.mark.parametrize("n", [2, 64, 65, 300])
def test_many_values_have_the_mean_and_the_sd_of_few(n: int) -> None:
    """Up to 64 values are summed one by one, more of them by numpy."""
    values = [math.sin(number) for number in range(n)]
    estimate = one_sample(values)
    assert estimate.value == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert estimate.sd == pytest.approx(statistics.stdev(values), rel=1e-12)
    assert estimate.se == pytest.approx(statistics.stdev(values) / math.sqrt(n), rel=1e-12)
    assert not estimate.no_spread
    assert one_sample([0.1] * n).no_spread
    with pytest.raises(ValueError, match="finite"):
        one_sample([*values, math.inf])


def test_the_pictures_noise_is_that_of_the_rate_that_is_tested() -> None:
    """p (1 - p) / N at the mean, or at the limit; a limit that is no rate has none."""
    same = [0.2] * 3
    assert error_rate(same, 100).se == pytest.approx(math.sqrt(0.2 * 0.8 / 100))
    assert error_rate(same, 100, at=0.5).se == pytest.approx(math.sqrt(0.5 * 0.5 / 100))
    assert error_rate(same, 100).df == math.inf
    for beyond in (-0.1, 1.1):
        assert error_rate(same, 100, at=beyond) == one_sample(same)
    alone = error_rate([0.2], 100)
    assert math.isnan(alone.se)
    assert alone.fixed_se == pytest.approx(math.sqrt(0.2 * 0.8 / 100))


def test_a_margin_with_an_open_side_is_a_limit() -> None:
    estimate = one_sample([0.1, 0.2, 0.3, 0.4])
    above, below = estimate.tails(0.15)
    assert estimate.margin(0.15, math.inf) == (above, below)
    assert estimate.margin(-math.inf, 0.15) == (below, above)
    inside, outside = estimate.margin(0.15, 0.4)
    assert inside == max(above, estimate.tails(0.4)[1])
    assert outside == min(below, estimate.tails(0.4)[0])


def test_the_smallest_p_is_a_millionth_of_a_millionth() -> None:
    assert one_sample([1.0, 1.0 + 1e-9, 1.0 - 1e-9] * 5).tails()[0] == pytest.approx(1e-12 * 5 / 3, rel=1e-9)


def test_one_more_run_by_hand() -> None:
    """Three runs of mean 2 and sd 1: 2 +- 4.3027 sqrt(4 / 3)."""
    half = 4.302652729911275 * math.sqrt(4 / 3)
    assert prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half))
    assert all(math.isnan(end) for end in prediction_interval([1.0]))
