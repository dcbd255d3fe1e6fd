"""Division of labour between towers: J, its exact p, majorities, and what published nets look like by it."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro.verdicts.statistics.specialisation import NetDivision, division_p, net_division, rematch_p
from tests.made_up import ALIKE, GREY, SPLIT, MadeUp

ABOVE = 0.25
COLOURED = (0, 0)


def net(first: int, second: int, live: int = 24) -> NetDivision:
    """A net of two towers with so many colour-specific kernels in each."""
    return NetDivision((first, second), (live, live), (live, live))


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_p_counts_the_ways_to_deal_the_kernels(first: int, second: int, data: Any) -> None:
    specific = data.draw(st.tuples(st.integers(0, first), st.integers(0, second)))
    kernels = [1] * sum(specific) + [0] * (first + second - sum(specific))

    def distance(picked: tuple[int, ...]) -> float:
        inside = sum(kernels[place] for place in picked)
        return abs(inside / first - (sum(kernels) - inside) / second)

    ways = list(combinations(range(len(kernels)), first))
    observed = abs(specific[0] / first - specific[1] / second)
    expected = np.mean([distance(picked) >= observed - 1e-12 for picked in ways])
    assert division_p(specific, (first, second)) == pytest.approx(expected)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_p_is_that_of_scipys_hypergeometric(first: int, second: int, data: Any) -> None:
    specific = data.draw(st.tuples(st.integers(0, first), st.integers(0, second)))
    coloured = sum(specific)
    in_first = np.arange(max(0, coloured - second), min(first, coloured) + 1)
    distance = np.abs(in_first * second - (coloured - in_first) * first)
    as_far = distance >= abs(specific[0] * second - specific[1] * first)
    expected = stats.hypergeom(first + second, coloured, first).pmf(in_first)[as_far].sum()
    assert division_p(specific, (first, second)) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("first", "second", "j", "p"),
    [
        (12, 12, 0.0, 1.0),
        (7, 17, 0.4167, 0.0085),
        (4, 20, 0.6667, 7.26e-6),
        (2, 22, 0.8333, 4.76e-9),
        (8, 16, 0.3333, 0.043),
    ],
)
def test_j_and_p_of_towers_of_24(first: int, second: int, j: float, p: float) -> None:
    assert net(first, second).j == pytest.approx(j, abs=1e-4)
    assert net(first, second).p == pytest.approx(p, rel=0.15)


@pytest.mark.parametrize("specific", [0, 24])
def test_towers_of_one_kind_divide_nothing(specific: int) -> None:
    """All grey or all coloured, however their kernels are ranked: there is no division."""
    assert net(specific, specific).j == 0.0
    assert net(specific, specific).p == 1.0


def test_the_numbering_of_towers_means_nothing() -> None:
    one, other = net(3, 20), net(20, 3)
    assert (one.j, one.p) == (other.j, other.p)
    assert (one.colour_tower, other.colour_tower) == (1, 0)


@pytest.mark.parametrize(
    ("first", "second", "largely"), [(8, 16, True), (9, 16, False), (8, 15, False), (16, 8, True), (0, 24, True)]
)
def test_largely_divided_is_two_thirds_of_both_towers(first: int, second: int, largely: bool) -> None:
    assert net(first, second).largely(0.6666) is largely


def test_kernels_that_are_dead_or_have_no_share_are_not_counted() -> None:
    shares = np.array([0.9, 0.1, np.nan, 0.9, 0.9, 0.9])
    live = np.array([True, True, True, True, True, False])
    found = net_division(shares, live, ABOVE)
    assert (found.specific, found.live, found.kernels) == ((1, 2), (2, 2), (3, 3))
    with pytest.raises(ValueError, match="live flags"):
        net_division(shares, live[:5], ABOVE)


def test_the_published_net_comes_out_divided() -> None:
    """Chroma shares as of Caffe's released net, kernels 1 to 48 against 49 to 96, read off its published picture:
    medians 0.03 and 0.91, AUC 0.957."""
    rng = np.random.default_rng(1)
    grey = np.where(np.arange(48) < 43, rng.uniform(0.0, 0.08, 48), rng.uniform(0.6, 0.99, 48))
    colour = np.where(np.arange(48) < 44, rng.uniform(0.84, 0.99, 48), rng.uniform(0.05, 0.2, 48))
    assert np.median(grey) == pytest.approx(0.03, abs=0.03)
    assert np.median(colour) == pytest.approx(0.91, abs=0.03)
    found = net_division(np.concatenate([grey, colour]), np.ones(96, dtype=bool), ABOVE)
    assert found.j > 0.75
    assert found.p < 1e-9
    assert found.largely(0.6666)


def test_initial_noise_that_is_left_over_divides_nothing() -> None:
    """Grey kernels of which one tower's hold a trace more colour: ranked perfectly, and not divided."""
    rng = np.random.default_rng(2)
    shares = np.concatenate([rng.uniform(0.0, 0.03, 24), rng.uniform(0.03, 0.09, 24)])
    assert net_division(shares, np.ones(48, dtype=bool), ABOVE).j == 0.0


@pytest.mark.parametrize(("nets", "p"), [(2, 0.667), (5, 0.127), (6, 0.069)])
def test_perfect_complementarity(nets: int, p: float) -> None:
    rng = np.random.default_rng(15)
    means = np.sort(rng.random(2 * nets)).reshape(2, nets).T
    assert rematch_p(means) == pytest.approx(p, abs=0.001)


def test_rematching_of_many_nets_is_drawn() -> None:
    means = np.array([[0.2, 0.7]] * 10) + np.arange(20).reshape(10, 2) / 1000
    assert 0 < rematch_p(means) < 0.01
    assert rematch_p(means) == rematch_p(means)


def test_drawn_matchings_count_the_observed_one() -> None:
    """Of towers that are all alike every matching is as far apart: 9,999 drawn and the observed one of 10,000."""
    assert rematch_p(np.full((8, 2), 0.3)) == 1.0
    # Ten grey and ten coloured towers, all paired across: 2^10 10!^2 / 20! of the matchings, 1 in 180.
    exact = 2**10 * math.factorial(10) ** 2 / math.factorial(20)
    assert rematch_p([[0.0, 1.0]] * 10) == pytest.approx(exact, abs=5 * math.sqrt(exact / 9999))


def test_rematching_sees_no_complementarity_in_alike_towers() -> None:
    assert rematch_p([[0.1, 0.11], [0.5, 0.51], [0.9, 0.91], [0.3, 0.31], [0.7, 0.71]]) == 1.0


# ---- verdicts ----------------------------------------------------------------------------------------


def test_towers_of_one_kind_against_dense_nets_that_hold_both_do_not_support(judge: Any) -> None:
    made = MadeUp(towers={"base": [GREY, COLOURED] * 6, "dense": [12, 13] * 6})
    verdict = judge(made, "S76")
    assert verdict.outcome == "contradicted"
    assert verdict.estimate < 0.0


def test_the_difference_is_reported_with_what_only_a_division_passes(judge: Any) -> None:
    divided = judge(MadeUp(towers={"base": [20, 21, 22] * 4, "dense": [12, 13] * 6}), "S76")
    assert divided.outcome == "supported"
    assert divided.finding.details["rematch_p"] < 0.01
    assert len(divided.finding.details["beside"]["base, untrained"]) == 12
    assert divided.finding.unit == "J"


def test_a_study_without_towers_that_never_meet_is_judged_alike(judge: Any) -> None:
    towers = {"base": [20, 21, 22] * 4, "dense": [12, 13] * 6, "no_tower_links": [24, 23] * 6}
    without = judge(MadeUp(towers=towers, variants=("base", "dense")), "S76")
    beside = judge(MadeUp(towers=towers, variants=("base", "dense", "no_tower_links")), "S76")
    assert (without.outcome, without.p, without.estimate) == (beside.outcome, beside.p, beside.estimate)
    assert len(beside.finding.details["beside"]["no_tower_links"]) == 12
    assert "no_tower_links" not in without.finding.details["beside"]


@pytest.mark.parametrize(
    ("shown", "n", "outcome"), [(7, 12, "contradicted"), (9, 12, "inconclusive"), (14, 20, "contradicted")]
)
def test_every_run_is_contradicted_by_too_few(shown: int, n: int, outcome: str, judge: Any) -> None:
    made = MadeUp(seeds=range(n), towers={"base": [SPLIT] * shown + [ALIKE] * (n - shown), "dense": ALIKE})
    assert judge(made, "S78").outcome == outcome


def test_more_seeds_mean_more_power_against_every_run(judge: Any) -> None:
    """No net of twice as many is divided: with 48 it must not be less clear than with 12."""
    for n in (12, 48):
        made = MadeUp(seeds=range(n), towers={"base": [ALIKE] * n, "dense": ALIKE})
        assert judge(made, "S78").outcome == "contradicted"


def test_evidence_without_responses_is_not_evaluated(judge: Any) -> None:
    for statement in ("S76", "S77", "S78", "S79"):
        verdict = judge(MadeUp(chroma=False), statement)
        assert verdict.outcome == "not_evaluated"
        assert "holds no chroma responses" in verdict.reason


def test_which_tower_it_is_stays_exploratory_below_35_runs(judge: Any) -> None:
    assert "exploratory" in judge(MadeUp(seeds=range(34)), "S79").flags
    assert "exploratory" not in judge(MadeUp(seeds=range(35)), "S79").flags


counts = st.integers(1, 30).flatmap(lambda live: st.tuples(st.integers(0, live), st.just(live)))


@given(counts, counts)
def test_the_numbering_of_towers_means_nothing_with_other_numbers_of_live_kernels(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    """Which half of a net is called tower 0 is an accident: J, its p and majorities are of the pair."""
    (specific, live), (other_specific, other_live) = first, second
    one = NetDivision((specific, other_specific), (live, other_live), (30, 30))
    other = NetDivision((other_specific, specific), (other_live, live), (30, 30))
    assert one.j == other.j
    assert one.p == other.p
    assert one.largely(0.6666) == other.largely(0.6666)


@pytest.mark.parametrize("agnostic", [(12, 0), (24, 12), (15, 9)])
def test_runs_that_show_half_of_it_or_a_chance_majority_do_not_count(agnostic: tuple[int, int], judge: Any) -> None:
    """One tower of one kind beside a mixed one; or 15 of 24 kernels of each tower of its kind: no two thirds."""
    verdict = judge(MadeUp(towers={"base": agnostic, "dense": ALIKE}), "S77")
    assert (verdict.outcome, verdict.estimate) == ("contradicted", 0.0), verdict.reason
