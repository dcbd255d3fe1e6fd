from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro.verdicts.finding import NotEvaluated
from repro.verdicts.specialisation import (
    TowerSplit,
    auc,
    folded,
    folded_null,
    folded_p,
    hanley_mcneil,
    largely_split,
    rematch_p,
    tower_split,
)

shares = st.lists(st.integers(0, 8).map(lambda x: x / 8), min_size=1, max_size=5)


def split_of(grey: list[float], colour: list[float], seeds: int = 1) -> TowerSplit:
    split = tower_split((grey, colour), ([True] * len(grey), [True] * len(colour)), seeds=seeds)
    assert isinstance(split, TowerSplit)
    return split


@given(shares, shares)
def test_renumbering_the_towers_changes_nothing_folded(x: list[float], y: list[float]) -> None:
    assert auc(x, y) == pytest.approx(1 - auc(y, x))
    assert folded(auc(x, y)) == pytest.approx(folded(auc(y, x)))
    assert folded_p(x, y) == pytest.approx(folded_p(y, x))


@given(shares, shares)
def test_folded_p_counts_arrangements(x: list[float], y: list[float]) -> None:
    pooled = x + y
    values = [
        folded(auc([pooled[i] for i in pick], [pooled[i] for i in range(len(pooled)) if i not in pick]))
        for pick in combinations(range(len(pooled)), len(x))
    ]
    expected = np.mean([value >= folded(auc(x, y)) - 1e-12 for value in values])
    assert folded_p(x, y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n", "critical", "mean"),
    [
        (12, (0.743, 0.812, 0.868), 0.597),
        (24, (0.667, 0.715, 0.760), 0.567),
        (48, (0.616, 0.652, 0.684), 0.547),
    ],
)
def test_null_of_the_folded_auc(n: int, critical: tuple[float, ...], mean: float) -> None:
    support, tail = folded_null(n, n)
    found = [support[tail <= level][0] for level in (0.05, 0.01, 0.05 / 30)]
    assert found == pytest.approx(critical, abs=0.0006)
    assert -(support * np.diff(tail, append=0)).sum() == pytest.approx(mean, abs=0.0006)
    assert tail[0] == pytest.approx(1)


def test_folded_p_is_the_two_sided_rank_test() -> None:
    rng = np.random.default_rng(11)
    x, y = rng.random(24), rng.random(24) + 0.2
    expected = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert folded_p(x, y) == pytest.approx(expected, rel=1e-9)


def test_hanley_mcneil_against_simulation() -> None:
    rng = np.random.default_rng(12)
    shift = stats.norm.ppf(0.8) * math.sqrt(2)
    values = [auc(rng.normal(shift, 1, 24), rng.normal(0, 1, 24)) for _ in range(2000)]
    assert hanley_mcneil(0.8, 24, 24) == pytest.approx(np.std(values), rel=0.1)
    assert hanley_mcneil(1.0, 24, 24) == 0.0


def test_a_clear_split_and_its_mirror() -> None:
    grey, colour = [i / 100 for i in range(12)], [0.5 + i / 100 for i in range(12)]
    split, mirror = split_of(grey, colour), split_of(colour, grey)
    assert (split.state, split.folded, split.colour_tower) == ("specialised", 1.0, 1)
    assert (mirror.state, mirror.folded, mirror.colour_tower) == ("specialised", 1.0, 0)
    assert split.p == pytest.approx(2 / math.comb(24, 12))
    assert split.p_not == 1.0


def test_significance_without_strength_is_unclear() -> None:
    rng = np.random.default_rng(13)
    grey, colour = rng.normal(0.4, 0.1, 48), rng.normal(0.5, 0.1, 48)
    split = split_of(list(grey), list(colour))
    assert split.p < 0.01
    assert split.folded < 0.8
    assert split.state == "unclear"


@pytest.mark.parametrize(("n", "single", "of_six"), [(12, 0.61, 0.06), (24, 0.95, 0.77)])
def test_how_often_an_unsplit_net_is_refused(n: int, single: float, of_six: float) -> None:
    rng = np.random.default_rng(14)
    nets = [(list(rng.random(n)), list(rng.random(n))) for _ in range(300)]
    for seeds, expected in ((1, single), (6, of_six)):
        share = np.mean([split_of(*net, seeds=seeds).state == "not" for net in nets])
        assert share == pytest.approx(expected, abs=0.09)


def test_too_few_live_kernels() -> None:
    chroma = (list(np.linspace(0, 1, 24)), list(np.linspace(0, 1, 24)))
    every = [True] * 24
    six_dead, seven_dead = [False] * 6 + [True] * 18, [False] * 7 + [True] * 17
    split = tower_split(chroma, (every, six_dead))
    assert isinstance(split, TowerSplit)
    assert split.live == (24, 18)
    assert split.excluded == (0, 6)
    refused = tower_split(chroma, (every, seven_dead))
    assert isinstance(refused, NotEvaluated)
    assert refused.code == "kernels"
    assert "tower 1 has 17 live kernels of 24" in refused.reason
    small = tower_split(([0.1] * 7, [0.2] * 7), ([True] * 7, [True] * 7))
    assert isinstance(small, NotEvaluated)


def test_a_live_kernel_without_a_share_is_excluded_and_dead_ones_are_not_looked_at() -> None:
    chroma = ([math.nan, *np.linspace(0, 0.4, 11)], [*np.linspace(0.5, 0.9, 11), -99.0])
    split = tower_split(chroma, ([True] * 12, [True] * 11 + [False]))
    assert isinstance(split, TowerSplit)
    assert split.excluded == (1, 1)
    assert split.folded == 1.0


def test_masks_must_match() -> None:
    with pytest.raises(ValueError, match="live flags"):
        tower_split(([0.1] * 9, [0.1] * 9), ([True] * 9, [True] * 8))


def test_largely_is_a_majority_in_both_towers() -> None:
    grey, colour = [0.1, 0.1, 0.9], [0.8, 0.9, 0.2]
    live = ([True] * 3, [True] * 3)
    assert largely_split((grey, colour), live, threshold=0.5, colour_tower=1) == (
        True,
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    )
    assert not largely_split((grey, colour), live, threshold=0.5, colour_tower=0)[0]
    half = ([0.1, 0.9], [0.8, 0.9])
    assert not largely_split(half, ([True] * 2,) * 2, threshold=0.5, colour_tower=1)[0]
    one_dead = ([True, False], [True, True])
    assert largely_split(half, one_dead, threshold=0.5, colour_tower=1)[0]


@pytest.mark.parametrize(("nets", "p"), [(2, 0.667), (5, 0.127), (6, 0.069)])
def test_perfect_complementarity(nets: int, p: float) -> None:
    rng = np.random.default_rng(15)
    means = np.sort(rng.random(2 * nets)).reshape(2, nets).T
    assert rematch_p(means) == pytest.approx(p, abs=0.001)


def test_rematching_of_many_nets_is_drawn() -> None:
    means = np.array([[0.2, 0.7]] * 10) + np.arange(20).reshape(10, 2) / 1000
    assert 0 < rematch_p(means) < 0.01
    assert rematch_p(means) == rematch_p(means)


def test_rematching_sees_no_complementarity_in_alike_towers() -> None:
    assert rematch_p([[0.1, 0.11], [0.5, 0.51], [0.9, 0.91], [0.3, 0.31], [0.7, 0.71]]) == 1.0
