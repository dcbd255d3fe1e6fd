"""What stood when the runs were created is what they can test; whatever differs makes a verdict exploratory."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.verdicts.authoring.claim import Claim
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.registry.registry import Registry
from repro.verdicts.telling.explain import explanation
from repro.verdicts.telling.explain_text import console_for, print_explanation
from tests.made_up import MadeUp

ROOT = Path(__file__).resolve().parents[2]
MANY = ("S61c", "S61b", "S90", "S12", "S76", "S77", "S78")


@pytest.fixture
def made(registry: Registry) -> MadeUp:
    """A study whose family is S61c and the one after it, registered before its runs."""
    return MadeUp(
        variants=("base", "no_weight_decay"),
        family=("S61c", "S61b"),
        registry={name: registry.digest(name) for name in MANY},
        registered={},
        effects={"no_weight_decay": {"train_error_as_trained": 0.03}},
    )


@pytest.fixture
def verdict_on(registry: Registry, claims: dict[str, Claim]) -> Any:
    def judged(made: MadeUp, statement: str = "S61c") -> Verdict:
        chosen = {name: claims[name] for name in dict.fromkeys((statement, *MANY))}
        return study_outcomes(registry, chosen, made.evidence())[statement][0]

    return judged


def test_what_was_registered_like_this_is_not_exploratory(made: MadeUp, verdict_on: Any) -> None:
    verdict = verdict_on(made)
    assert verdict.outcome == "supported"
    assert "exploratory" not in verdict.flags
    assert "exploratory" not in verdict.reason


def test_the_order_of_a_family_decides_nothing(made: MadeUp, verdict_on: Any) -> None:
    assert "exploratory" not in verdict_on(replace(made, registered={"family": ["S61b", "S61c"]})).flags


@pytest.mark.parametrize(
    ("noted", "now"),
    [
        ({"evaluation": None}, {"evaluation": {"neighbour_queries": 500}}),
        ({"evaluation": {"train_sample": 1000}}, {"evaluation": {"neighbour_queries": 60}}),
        ({"evaluation": {"batch": 128}}, {"evaluation": {"batch": 64}}),
    ],
    ids=["a run of an earlier version", "defaults", "a setting that changes no number"],
)
def test_measured_as_it_was_registered_is_not_exploratory(
    noted: Mapping[str, Any], now: Mapping[str, Any], made: MadeUp, verdict_on: Any
) -> None:
    assert "exploratory" not in verdict_on(replace(made, registered=noted, **now)).flags


def test_a_family_may_name_a_statement_by_one_that_repeats_it(registry: Registry, verdict_on: Any) -> None:
    assert registry.original("S89") == "S12"
    made = MadeUp(family=("S89",), registry={"S89": registry.digest("S89")}, registered={})
    assert "exploratory" not in verdict_on(made, "S12").flags
    older = replace(made, registry={"S89": "of an older entry"})
    assert "its entry in the registry was another" in verdict_on(older, "S12").reason


def grown(seed: int) -> list[int]:
    """The seeds that stood in the file when a seed was trained: 3, then 6, then 12."""
    return list(range(next(count for count in (3, 6, 12) if seed < count)))


FAMILY = "the family of statements was another when its runs were created"
CHANGES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "the family is cut to one statement": ({"family": ("S61c",), "registered": {"family": list(MANY)}}, FAMILY),
    "a statement is added to the family": ({"registered": {"family": ["S61c"]}}, FAMILY),
    "seeds are added until it is decided": (
        {"notes": {seed: {"seeds": grown(seed)} for seed in range(12)}},
        "the list of seeds was another when its runs were created",
    ),
    "seeds are listed in another order": (
        {"registered": {"seeds": list(range(11, -1, -1))}},
        "the list of seeds was another when its runs were created",
    ),
    "a look is left out": (
        {"registered": {"looks": "two"}},
        "the number of looks was another when its runs were created",
    ),
    "a smallest effect is registered afterwards": (
        {"smallest_effects": {"S61c": 0.02}, "registered": {"smallest_effects": {}}},
        "the smallest effects of interest were others when its runs were created",
    ),
    "the entry is changed": (
        {"registry": {"S61c": "of an older entry", "S61b": "of an older entry"}},
        "its entry in the registry was another, or none, when its runs were created",
    ),
    "nothing was noted": (
        {"registered": None, "traced": True},
        "nothing was registered when its runs were created",
    ),
    "neighbours are counted of other pictures": (
        {"evaluation": {"neighbour_queries": 500}, "registered": {"evaluation": {"neighbour_queries": 60}}},
        "evaluation.neighbour_queries was 60 when its runs were created and is 500 now",
    ),
    "the training error is read off a larger sample": (
        {"evaluation": {"train_sample": 5000}, "registered": {"evaluation": {}}},
        "evaluation.train_sample was 1000 when its runs were created and is 5000 now",
    ),
    "the family is empty": ({"family": ()}, "it is not in the study's family"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_differs_is_exploratory_and_says_why(change: str, made: MadeUp, verdict_on: Any) -> None:
    changes, said = CHANGES[change]
    verdict = verdict_on(replace(made, **changes))
    assert verdict.outcome == "supported"
    assert "exploratory" in verdict.flags
    assert verdict.reason.endswith(f"; exploratory: {said}")


def test_runs_that_were_created_as_it_stands_do_not_mend_those_that_were_not(made: MadeUp, verdict_on: Any) -> None:
    assert "exploratory" in verdict_on(replace(made, notes={11: {"looks": "two"}})).flags


def test_several_reasons_stand_side_by_side(made: MadeUp, verdict_on: Any) -> None:
    verdict = verdict_on(replace(made, registered={"looks": "two", "family": list(MANY)}))
    assert "the family of statements was another" in verdict.reason
    assert "the number of looks was another" in verdict.reason


def test_an_empty_family_is_judged_as_strictly_as_all_statements_together(
    made: MadeUp, registry: Registry, verdict_on: Any
) -> None:
    weak = replace(made, effects={"no_weight_decay": {"train_error_as_trained": 0.0045}})
    alone = verdict_on(replace(weak, family=("S61c",)))
    none = verdict_on(replace(weak, family=()))
    assert (alone.outcome, none.outcome) == ("supported", "inconclusive")
    assert none.p == alone.p
    assert none.p_adjusted == pytest.approx(min(1.0, len(registry.hypotheses) * none.p))


def test_a_statement_outside_the_family_says_no_more_than_that(made: MadeUp, verdict_on: Any) -> None:
    assert verdict_on(replace(made, family=("S61b",))).reason.count("exploratory") == 1


def test_what_is_not_evaluated_is_not_exploratory(made: MadeUp, verdict_on: Any) -> None:
    verdict = verdict_on(replace(made, registered={"looks": "two"}, missing={"base": [3]}))
    assert verdict.outcome == "not_evaluated"
    assert "exploratory" not in verdict.flags


def test_explain_shows_it(made: MadeUp, tmp_path: Path) -> None:
    folder = replace(made, registered={"looks": "two"}).write(tmp_path / "evidence")
    told = explanation(ROOT, ROOT / "claims", "S61c", [folder])
    stream = io.StringIO()
    print_explanation(told, console_for(stream))
    text = " ".join(stream.getvalue().split())
    assert "exploratory: the number of looks was another when its runs were created" in text
    assert "remark exploratory" in text
    assert "what would decide" in text
