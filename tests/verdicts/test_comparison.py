"""Comparisons of definitions at their bounds, several of them as one, and the number that a verdict takes from them."""

from __future__ import annotations

from typing import Any

import pytest

from repro.verdicts.authoring.comparison import (
    Comparison,
    above,
    all_of,
    at_least,
    at_most,
    below,
    between,
    equal,
    estimate,
    true,
)
from repro.verdicts.authoring.definition import Definition
from repro.verdicts.judging.claim_outcomes import judge_comparison
from repro.verdicts.judging.verdict import Verdict
from tests.verdicts.test_claims import REGISTRY

HOLDS, FAILS = at_most("nets", 1, 2), at_most("nets", 5, 2)
CANNOT_TELL = estimate("days", 4, 8, at_most=6)


def judged(comparisons: Any) -> Verdict:
    verdict, error = judge_comparison(lambda _: comparisons, Definition(REGISTRY.printed, None))
    assert error is None
    return verdict


@pytest.mark.parametrize(
    ("compare", "holding"),
    [
        (lambda observed: at_most("x", observed, 2), [1, 2]),
        (lambda observed: at_least("x", observed, 2), [2, 3, 4, 5]),
        (lambda observed: below("x", observed, 2), [1]),
        (lambda observed: above("x", observed, 2), [3, 4, 5]),
        (lambda observed: between("x", observed, 2, 4), [2, 3, 4]),
        (lambda observed: equal("x", observed, 4, within=0.25), [3, 4, 5]),
        (lambda observed: equal("x", observed, 4), [4]),
        (lambda observed: true("x", observed == 4), [4]),
    ],
)
def test_a_bound_itself(compare: Any, holding: list[int]) -> None:
    assert [observed for observed in (1, 2, 3, 4, 5) if compare(observed).holds] == holding


@pytest.mark.parametrize(
    ("low", "high", "holds"),
    [(3, 6, True), (2, 6, None), (3, 7, None), (2, 2, False), (1, 2, False), (7, 9, False), (6, 7, None), (6, 6, True)],
)
def test_an_estimate_above_2_and_at_most_6(low: float, high: float, holds: bool | None) -> None:
    assert estimate("days", low, high, above=2, at_most=6).holds is holds


@pytest.mark.parametrize(
    ("members", "outcome", "told"),
    [
        ([HOLDS, HOLDS], "supported", "nets 1 (at most 2); nets 1 (at most 2)"),
        ([HOLDS, CANNOT_TELL], "inconclusive", "cannot tell: days 4 to 8 (at most 6)"),
        ([HOLDS, CANNOT_TELL, FAILS], "contradicted", "nets 5 (at most 2)"),
    ],
)
def test_what_decided_is_told(members: list[Comparison], outcome: str, told: str) -> None:
    """What fails, else what cannot tell, else all."""
    verdict = judged(all_of(members).beside("layers", 8))
    assert (verdict.outcome, verdict.reason) == (outcome, f"{told}; beside it: layers 8")


@pytest.mark.parametrize(
    ("members", "number"),
    [
        ([HOLDS], 1.0),
        ([HOLDS, FAILS], 5.0),
        ([HOLDS, HOLDS], None),
        ([estimate("days", 5, 5, at_most=6)], 5.0),
        ([CANNOT_TELL], None),
        ([equal("layers", "eight", "eight")], None),
    ],
)
def test_the_estimate_of_a_verdict_is_the_one_number_that_decided_it(
    members: list[Comparison], number: float | None
) -> None:
    assert judged(all_of(members)).estimate == number
    if len(members) == 1:
        assert judged(members[0]).estimate == number
