"""What forms say of their precision, held against power that scipy computes from the definitions."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binom, nct, t

from repro.verdicts.statistics.estimates import T_CAUTION, one_sample, welch
from repro.verdicts.statistics.power import sd_upper
from repro.verdicts.statistics.reach import CoinReach, MajorityReach, PartsReach, RateReach, TReach, WeakestReach

FIVE, OTHER_FIVE = [0.30, 0.31, 0.33, 0.32, 0.29], [0.20, 0.24, 0.22, 0.21, 0.23]
LEVEL = 0.05
TESTED = LEVEL / T_CAUTION
"""The level that a bare t test would have: t p values are multiplied."""


def power_of_one_arm(shift: float, sd: float, n: int) -> float:
    """Of a two-sided t test on n runs of one arm, its far tail left out."""
    return float(nct.sf(t.isf(TESTED / 2, n - 1), n - 1, shift / (sd / math.sqrt(n))))


def test_one_arm_detects_what_students_test_finds() -> None:
    estimate = one_sample(FIVE)
    found = TReach(estimate).detectable(LEVEL)
    assert found is not None
    assert power_of_one_arm(found, estimate.sd, 5) == pytest.approx(0.8, abs=1e-4)
    ninety = TReach(estimate).detectable(LEVEL, 0.9)
    assert ninety is not None
    assert power_of_one_arm(ninety, estimate.sd, 5) == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize("wanted", [0.01, 0.02, 0.05])
def test_the_seeds_of_one_arm_are_the_fewest_that_find_the_effect_at_a_cautious_sd(wanted: float) -> None:
    estimate = one_sample(FIVE)
    needed = TReach(estimate, wanted=wanted).seeds_needed(LEVEL)
    sd = sd_upper(estimate.sd, 4)
    enough = (n for n in range(2, 1000) if power_of_one_arm(wanted, sd, n) >= 0.8)
    assert needed == next(enough)


def test_two_arms_need_more_than_one_and_ratios_are_told_as_factors() -> None:
    estimate = welch(FIVE, OTHER_FIVE)
    unpaired = TReach(estimate, unpaired=True, wanted=0.02)
    effect = unpaired.detectable(LEVEL)
    assert effect is not None
    df = 8  # equal arms: nearly Student's two-sample test
    power = nct.sf(t.isf(TESTED / 2, df), df, effect / (estimate.sd * math.sqrt(2 / 5)))
    assert power == pytest.approx(0.8, abs=0.03)
    as_ratio = TReach(estimate, unpaired=True, ratio=True)
    assert as_ratio.detectable(LEVEL) == pytest.approx(math.exp(effect))
    assert as_ratio.interval(LEVEL) == pytest.approx(tuple(math.exp(end) for end in estimate.interval(LEVEL)))
    assert unpaired.interval(LEVEL) == estimate.interval(LEVEL)
    assert unpaired.seeds_needed(LEVEL) > TReach(one_sample(FIVE), wanted=0.02).seeds_needed(LEVEL)  # type: ignore[operator]


def test_without_an_effect_of_interest_or_a_spread_no_seeds_are_counted() -> None:
    assert TReach(one_sample(FIVE)).seeds_needed(LEVEL) is None
    alike = TReach(one_sample([0.3, 0.3, 0.3]), wanted=0.1)
    assert alike.seeds_needed(LEVEL) is None
    assert alike.detectable(LEVEL) is None


def test_a_majority_is_wanted_however_clear_the_effect() -> None:
    """Six of six runs at 5 %, since 2 / 2^5 is more; five runs can show nothing."""
    reach = MajorityReach(one_sample(FIVE), wanted=10.0)
    assert reach.seeds_needed(LEVEL) == 6
    assert reach.seeds_needed(0.0625) == 5  # 2 / 2^5 exactly
    assert reach.detectable(LEVEL) is None
    assert MajorityReach(one_sample([*FIVE, 0.305]), wanted=10.0).detectable(LEVEL) is not None


def test_the_weakest_of_several_parts_counts_and_all_of_them_must_be_found() -> None:
    """k parts are found together with 80 % power when each is missed in a k-th of 20 %."""
    noisy, quiet = (TReach(one_sample(values), wanted=0.02) for values in (FIVE, [value / 10 for value in FIVE]))
    each = 1 - 0.2 / 2
    for both in (WeakestReach([quiet, noisy]), PartsReach(noisy, [quiet, noisy])):
        assert both.detectable(LEVEL) == noisy.detectable(LEVEL, each)
        assert both.seeds_needed(LEVEL) == noisy.seeds_needed(LEVEL, each)
    unplanned = TReach(one_sample(FIVE))
    for both in (WeakestReach([quiet, unplanned]), PartsReach(noisy, [quiet, unplanned])):
        assert both.seeds_needed(LEVEL) is None
    (low, high), (tight_low, tight_high) = noisy.interval(LEVEL), quiet.interval(LEVEL / 2)
    assert WeakestReach([quiet, noisy]).interval(LEVEL) == (
        min(low, quiet.interval(LEVEL)[0]),
        min(tight_high, noisy.interval(LEVEL / 2)[1]),
    )
    assert tight_low < tight_high
    assert low < high


@pytest.mark.parametrize("n", [6, 7, 9, 12, 20])
def test_the_rate_that_a_majority_finds(n: int) -> None:
    """P(at least k of n) at that rate is 80 %, k being the smallest count beyond chance."""
    k = next(k for k in range(n + 1) if binom.sf(k - 1, n, 0.5) <= LEVEL / 2)
    rate = RateReach(n, n).detectable(LEVEL)
    assert rate is not None
    assert binom.sf(k - 1, n, rate) == pytest.approx(0.8)


def test_rates_that_nothing_finds() -> None:
    assert RateReach(5, 5).detectable(LEVEL) is None  # 2 / 2^5 is above 5 %
    assert RateReach(12, 12, every=0.9).detectable(LEVEL) is None
    assert RateReach(6, 12).seeds_needed(LEVEL) is None


@pytest.mark.parametrize(("every", "seeds"), [(0.5, 6), (0.9, 36), (0.95, 72)])
def test_the_seeds_that_must_all_show_it(every: float, seeds: int) -> None:
    """The fewest n with every^n <= 2.5 %."""
    assert every**seeds <= 0.025 < every ** (seeds - 1)
    assert RateReach(3, 3, every=every).seeds_needed(LEVEL) == seeds


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.1, 0.9), (0.25, 0.7)])
def test_the_seeds_that_tell_a_fair_coin_from_a_loaded_one(low: float, high: float) -> None:
    def found(n: int) -> float:
        inside = [k for k in range(n + 1) if binom.sf(k - 1, n, low) <= 0.025 and binom.cdf(k, n, high) <= 0.025]
        return sum(binom.pmf(k, n, 0.5) for k in inside)

    needed = CoinReach(3, 6, low, high).seeds_needed(LEVEL)
    assert needed == next(n for n in range(1, 400) if found(n) >= 0.8)
    assert CoinReach(3, 6, low, high).detectable(LEVEL) is None
