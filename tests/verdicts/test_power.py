from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.verdicts.statistics.estimates import welch
from repro.verdicts.statistics.power import MOST_SEEDS, minimum_detectable_effect, n_needed, noncentrality, sd_upper

SEEDS = (3, 4, 5, 6, 8, 10, 12, 20)


def in_one_arm(sd: float, n: int, alpha: float) -> float:
    """The effect that n differences, or n runs of one arm, find with 80 % power."""
    return noncentrality(n - 1.0, alpha) * sd / math.sqrt(n)


@pytest.mark.parametrize(
    ("alpha", "effects"),
    [
        (0.05, (3.5, 2.5, 2.1, 1.8, 1.5, 1.3, 1.2, 0.9)),
        (0.05 / 6, (6.7, 3.9, 3.0, 2.5, 2.0, 1.75, 1.6, 1.2)),
        (0.05 / 30, (12.2, 5.7, 4.0, 3.3, 2.5, 2.1, 1.9, 1.4)),
    ],
)
def test_welch_detects_what_simulations_found(alpha: float, effects: tuple[float, ...]) -> None:
    for n, effect in zip(SEEDS, effects, strict=True):
        assert minimum_detectable_effect(1.0, n, alpha) == pytest.approx(effect, rel=0.05)


@pytest.mark.parametrize(
    ("alpha", "effects"),
    [
        (0.05, (3.26, 1.68, 1.43, 1.00, 0.66)),
        (0.05 / 6, (8.0, 2.76, 2.20, 1.37, 0.86)),
        (0.05 / 30, (17.9, 4.19, 3.11, 1.74, 1.03)),
    ],
)
def test_paired_detects_what_is_calculated(alpha: float, effects: tuple[float, ...]) -> None:
    for n, effect in zip((3, 5, 6, 10, 20), effects, strict=True):
        assert in_one_arm(1.0, n, alpha) == pytest.approx(effect, rel=0.01)


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.05), (3, 0.05), (6, 0.05 / 30)])
def test_detectable_effects_are_detected(n: int, alpha: float) -> None:
    rng = np.random.default_rng(7)
    effect = minimum_detectable_effect(2.0, n, alpha * 3 / 5)  # t p values are multiplied by 5/3
    found = np.mean([2 * welch(rng.normal(effect, 2, n), rng.normal(0, 2, n)).tails()[0] <= alpha for _ in range(3000)])
    assert found == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(("alpha", "needs"), [(0.05, (17, 9, 6, 4, 3, 3)), (0.05 / 30, (35, 17, 11, 7, 6, 5))])
def test_seeds_needed(alpha: float, needs: tuple[int, ...]) -> None:
    assert tuple(n_needed(effect, 1.0, alpha) for effect in (1, 1.5, 2, 3, 4, 5)) == needs


@given(st.floats(0.3, 5), st.floats(0.1, 2), st.sampled_from([0.05, 0.01, 0.05 / 30]))
@settings(max_examples=30)
def test_seeds_needed_and_detectable_effect_agree(effect: float, sd: float, alpha: float) -> None:
    for arms, found in ((1, in_one_arm), (2, minimum_detectable_effect)):
        n = n_needed(effect, sd, alpha, arms=arms)
        if n is None:
            assert found(sd, MOST_SEEDS, alpha) > effect
        else:
            assert found(sd, n, alpha) <= effect * 1.001
            assert n == 2 or found(sd, n - 1, alpha) > effect * 0.999


def test_pictures_noise_limits_what_any_number_of_seeds_can_find() -> None:
    assert n_needed(0.001, 0.001, 0.05, arms=1, fixed_se=0.002) is None
    more = n_needed(0.007, 0.01, 0.05, arms=1, fixed_se=0.002)
    less = n_needed(0.007, 0.01, 0.05, arms=1)
    assert more is not None
    assert less is not None
    assert more > less
    assert n_needed(0.0, 1.0, 0.05) is None


def test_sd_upper_is_exceeded_one_time_in_five() -> None:
    rng = np.random.default_rng(8)
    uppers = [sd_upper(float(rng.standard_normal(4).std(ddof=1)), 3) for _ in range(4000)]
    assert np.mean(np.array(uppers) >= 1.0) == pytest.approx(0.8, abs=0.02)
