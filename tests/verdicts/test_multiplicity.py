"""Holm's method over chains, by hand and against closed testing: a follower waits until its predecessor is decided."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.verdicts.judging.decision import decide
from repro.verdicts.statistics.multiplicity import Corrected, corrected
from tests.verdicts.test_decision import SIX, worse_by

ALPHA = 0.05
FAMILY = ("A", "B", "C", "D", "E")
probabilities = st.floats(0, 1) | st.floats(0, 0.06)


def of(*values: float) -> dict[str, float]:
    return dict(zip(FAMILY, values, strict=False))


# ---- single statements ---------------------------------------------------------------------------------


@given(st.lists(probabilities, min_size=1, max_size=5))
def test_without_chains_it_is_closed_testing_by_bonferroni(values: list[float]) -> None:
    """Which Holm's method is a shortcut of: the worst over all sets that hold the statement of size x smallest p."""
    p = of(*values)
    sets = [chosen for size in range(1, len(p) + 1) for chosen in combinations(p, size)]
    for name, place in corrected(p, tuple(p), {}, ALPHA).items():
        worst = max(len(chosen) * min(p[other] for other in chosen) for chosen in sets if name in chosen)
        assert place.adjusted == pytest.approx(min(1.0, worst))


def test_steps_by_hand() -> None:
    """0.01 x 3 and 0.02 x 2 pass, 0.04 x 1 passes too."""
    assert corrected(of(0.02, 0.01, 0.04), ("A", "B", "C"), {}, ALPHA) == {
        "B": Corrected(pytest.approx(0.03), 3),
        "A": Corrected(pytest.approx(0.04), 2),
        "C": Corrected(pytest.approx(0.04), 1),
    }


def test_after_the_first_that_fails_all_stay_at_its_step() -> None:
    """0.01 x 3 passes, 0.03 x 2 does not; 0.04 x 1 would, and is not tried."""
    found = corrected(of(0.01, 0.03, 0.04), ("A", "B", "C"), {}, ALPHA)
    assert [found[name].step for name in ("A", "B", "C")] == [3, 2, 2]
    assert found["B"].adjusted == pytest.approx(0.06)
    assert found["C"].adjusted == pytest.approx(0.06)


def test_members_that_were_not_evaluated_count() -> None:
    assert corrected({"A": 0.02}, ("A", "B", "C"), {}, ALPHA)["A"] == Corrected(pytest.approx(0.06), 3)


# ---- chains ----------------------------------------------------------------------------------------------


def test_a_follower_takes_over_its_predecessors_share() -> None:
    """Two chains share 0.05: A at 0.025 passes, B after it has the same 0.025, then C has all."""
    found = corrected(of(0.01, 0.02, 0.05), ("A", "B", "C"), {"B": "A"}, ALPHA)
    assert found == {
        "A": Corrected(pytest.approx(0.02), 2),
        "B": Corrected(pytest.approx(0.04), 2),
        "C": Corrected(pytest.approx(0.05), 1),
    }


def test_two_followers_share_the_level_of_their_chain() -> None:
    """A at 0.05 / 2; B and C then at 0.05 / 4, the second of them at 0.05 / 2; D last at 0.05."""
    found = corrected(of(0.001, 0.01, 0.02, 0.03), ("A", "B", "C", "D"), {"B": "A", "C": "A"}, ALPHA)
    assert [found[name].step for name in ("A", "B", "C", "D")] == [2, 4, 2, 1]
    assert [found[name].adjusted for name in ("A", "B", "C", "D")] == pytest.approx([0.002, 0.04, 0.04, 0.04])


def test_a_follower_of_an_undecided_statement_waits_however_small_its_p() -> None:
    found = corrected(of(0.03, 1e-9, 0.4), ("A", "B", "C"), {"B": "A"}, ALPHA)
    assert found["A"] == Corrected(pytest.approx(0.06), 2)
    assert (found["B"].waits_for, found["B"].adjusted) == ("A", pytest.approx(0.06))
    assert found["B"].step == 2, "the share that it would have once A is decided"
    assert found["C"].waits_for is None


def test_a_follower_of_a_statement_that_was_not_evaluated_waits() -> None:
    assert corrected({"B": 1e-9}, ("A", "B"), {"B": "A"}, ALPHA)["B"] == Corrected(1.0, 1, "A")


def test_a_statement_whose_predecessor_is_not_in_the_family_stands_for_itself() -> None:
    found = corrected(of(0.2, 0.02), ("A", "B"), {"B": "somewhere else"}, ALPHA)
    assert found["B"] == Corrected(pytest.approx(0.04), 2)


def test_what_an_earlier_look_decided_opens_its_chain_and_is_not_tested_again() -> None:
    found = corrected(of(0.9, 0.02, 0.4), ("A", "B", "C"), {"B": "A"}, ALPHA, decided_before=["A"])
    assert found["A"] == Corrected(0.0, 1)
    assert found["B"] == Corrected(pytest.approx(0.04), 2)


@pytest.mark.parametrize(("effect", "head"), [(0.3, "supported"), (-0.3, "contradicted"), (0.0, "inconclusive")])
def test_a_predecessor_opens_its_follower_whichever_way_it_is_decided(effect: float, head: str) -> None:
    cases = {"A": worse_by(effect, 0), "B": worse_by(0.3, 1)}
    verdicts = decide(cases, ["A", "B"], SIX, after={"B": "A"})
    assert verdicts["A"].outcome == head
    waits = head == "inconclusive"
    assert verdicts["B"].outcome == ("inconclusive" if waits else "supported")
    assert verdicts["B"].reason.startswith("waits for A, which is not decided: ") == waits


# ---- laws ------------------------------------------------------------------------------------------------

chains = st.fixed_dictionaries({}, optional={name: st.sampled_from(["A", "B"]) for name in ("C", "D", "E")})
families = st.tuples(st.lists(probabilities, min_size=5, max_size=5), chains)


@given(families)
def test_what_is_tested_is_decided_exactly_if_p_passes_its_own_step(made: Any) -> None:
    values, after = made
    p = of(*values)
    for name, place in corrected(p, FAMILY, after, ALPHA).items():
        if place.waits_for is not None:
            assert place.adjusted > ALPHA
        elif abs(p[name] * place.step - ALPHA) > 1e-9:
            assert (place.adjusted <= ALPHA) == (p[name] * place.step <= ALPHA)


@given(families)
def test_no_follower_is_decided_before_its_predecessor(made: Any) -> None:
    values, after = made
    found = corrected(of(*values), FAMILY, after, ALPHA)
    for name, before in after.items():
        assert found[name].adjusted >= found[before].adjusted
        assert (found[name].waits_for == before) == (found[before].adjusted > ALPHA)


@given(families, st.permutations(FAMILY))
def test_the_order_of_the_family_means_nothing(made: Any, order: list[str]) -> None:
    values, after = made
    p = of(*values)
    one, other = corrected(p, FAMILY, after, ALPHA), corrected(p, order, after, ALPHA)
    assert {name: one[name].adjusted for name in FAMILY} == pytest.approx(
        {name: other[name].adjusted for name in FAMILY}
    )


@given(families, st.sampled_from(FAMILY), st.floats(0, 1))
def test_stronger_evidence_for_one_makes_no_other_weaker(made: Any, name: str, factor: float) -> None:
    values, after = made
    p = of(*values)
    before, stronger = (
        corrected(p, FAMILY, after, ALPHA),
        corrected({**p, name: p[name] * factor}, FAMILY, after, ALPHA),
    )
    for each in FAMILY:
        assert stronger[each].adjusted <= before[each].adjusted + 1e-12


# ---- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_named(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\].*'B'"):
        corrected(of(0.5, wrong), ("A", "B"), {}, ALPHA)


def test_a_chain_of_three_is_refused() -> None:
    with pytest.raises(ValueError, match="two steps; what C come after"):
        corrected(of(0.1, 0.1, 0.1), ("A", "B", "C"), {"B": "A", "C": "B"}, ALPHA)
