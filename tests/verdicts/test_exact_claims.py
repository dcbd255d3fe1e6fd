"""Claims that are decided without statistics: on definitions, mutated ones too, and on a study's record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from repro.verdicts.authoring.claim import Claim
from repro.verdicts.authoring.definition import Definition
from repro.verdicts.judging.claim_outcomes import definition_outcomes, judge_comparison
from tests.made_up import MadeUp
from tests.verdicts.mutations import MUTATIONS, Mutated, turned
from tests.verdicts.test_claims import REGISTRY

DEFINITIONS = [entry.id for entry in REGISTRY if entry.scope == "definition"]
RECORDS = [entry.id for entry in REGISTRY if entry.scope == "record"]
RATES = [0.01] * 30 + [0.001] * 30 + [0.0001] * 20 + [0.00001] * 12


@pytest.mark.parametrize("statement", DEFINITIONS)
def test_definition_comes_out_as_expected(statement: str, claims: dict[str, Claim], facts: Any) -> None:
    entry = REGISTRY[statement]
    expected = "contradicted" if entry.known_erratum else "inconclusive" if statement == "S26" else "supported"
    verdict, error = judge_comparison(claims[statement].function, Definition(REGISTRY.printed, facts))
    assert error is None
    assert verdict.outcome == expected, verdict.reason


@pytest.mark.parametrize(
    ("statement", "number"), [(s, number) for s in DEFINITIONS for number in range(len(MUTATIONS[s]))]
)
def test_definition_turns_round_on_a_mutation(
    statement: str, number: int, claims: dict[str, Claim], facts: Any
) -> None:
    mutated = Mutated(REGISTRY.printed, facts, MUTATIONS[statement][number])
    verdict, error = judge_comparison(claims[statement].function, mutated)
    assert error is None
    assert verdict.outcome == turned(REGISTRY[statement]), verdict.reason


def test_every_definition_has_a_mutation() -> None:
    assert {name for name, mutations in MUTATIONS.items() if mutations} == set(DEFINITIONS)


def test_definitions_without_facts(claims: dict[str, Claim]) -> None:
    outcomes = definition_outcomes(REGISTRY, claims, [])
    assert outcomes["S04"][0].outcome == "supported"
    assert (outcomes["S27"][0].outcome, outcomes["S27"][0].code) == ("not_evaluated", "missing_facts")


def test_facts_of_all_evidence_must_agree(claims: dict[str, Claim], facts: Any) -> None:
    wrong = {"paper": {**facts["paper"], "loss": {"value": {"largest_difference": 1.0}, "how": "made up"}}}
    first = MadeUp(study="right", facts=facts).evidence()
    second = MadeUp(study="wrong", facts=wrong).evidence()
    for evidences in ([first, second], [second, first]):
        verdict, _ = definition_outcomes(REGISTRY, claims, evidences)["S44"]
        assert verdict.outcome == "contradicted"
        assert "wrong" in verdict.reason


# ---- records ---------------------------------------------------------------------------------------

FULL: dict[str, int] = {"train": 1_261_406, "held_out": 50_000, "validation": 0}
OF_2012: dict[str, int] = {"train": 1_231_167, "held_out": 50_000, "validation": 50_000}
UNEVEN = {"train": [300, 2222] * 500, "held_out": [50] * 1000}
"""As many pictures in all, but roughly 1000 in no class."""
PLATEAU = {"schedule": {"kind": "plateau"}}
DAY = 86_400.0
HALF_ON_CARD = dict.fromkeys(range(6), ("a card",))
PAPER: dict[str, Any] = {"classes": 1000, "counts": FULL, "scaling": "none"}


def _on_cards(seconds: float, epochs: int = 90, **changed: Any) -> MadeUp:
    """Runs of the base on two of the paper's cards that took so long."""
    cards = dict.fromkeys(range(12), ("GeForce GTX 580", "GeForce GTX 580"))
    return MadeUp(
        accelerators={"base": cards}, scalars={"base": {"clock_seconds": seconds, "epochs": epochs}}, **changed
    )


def _on_one_and_two(ratio: float, two: Sequence[str] = ("a card", "a card")) -> MadeUp:
    """Runs of the base on two cards and of the one-GPU net on one of them, which takes `ratio` times as long."""
    return MadeUp(
        variants=("base", "half_width_one_tower"),
        accelerators={
            "base": dict.fromkeys(range(12), two),
            "half_width_one_tower": dict.fromkeys(range(12), ("a card",)),
        },
        scalars={"base": {"clock_seconds": 1000.0}, "half_width_one_tower": {"clock_seconds": ratio * 1000}},
    )


RECORD_CASES: dict[str, dict[str, MadeUp]] = {
    "S01": {
        "supported": MadeUp(classes=1000, counts=FULL),
        "contradicted": MadeUp(classes=1000, counts=FULL, settings={"pictures": {"share": 0.5}}),
        "not_evaluated": MadeUp(),
    },
    "S08": {
        "supported": MadeUp(accelerators={"base": HALF_ON_CARD}),
        "contradicted": MadeUp(accelerators={"base": HALF_ON_CARD}, scalars={"base": {"clock_seconds": 1000.0}}),
        "not_evaluated": MadeUp(),
    },
    "S15": {
        "supported": _on_cards(5.5 * DAY, **PAPER),
        "contradicted": _on_cards(6.5 * DAY, **PAPER),
        "not_evaluated": _on_cards(5.5 * DAY, scaling="none"),
    },
    "S18a": {
        "supported": MadeUp(classes=1000, counts=FULL),
        "contradicted": MadeUp(classes=1000, counts={**FULL, "held_out": 49_000}),
        "not_evaluated": MadeUp(classes=1000, counts={**FULL, "train": 100_000}),
    },
    "S33": {
        "supported": _on_one_and_two(1.08),
        "contradicted": _on_one_and_two(0.97),
        "not_evaluated": _on_one_and_two(1.08, two=("another card", "another card")),
    },
    "S49": {
        "supported": MadeUp(accelerators={"base": HALF_ON_CARD}),
        "contradicted": MadeUp(accelerators={"base": HALF_ON_CARD}, scalars={"base": {"augmented_step_seconds": 1.06}}),
        "not_evaluated": MadeUp(scalars={"base": {"augmented_step_seconds": 1.02, "plain_step_seconds": 1.0}}),
    },
    "S65": {
        "supported": MadeUp(settings=PLATEAU, curves={"learning_rate": RATES}),
        "contradicted": MadeUp(settings=PLATEAU, curves={"learning_rate": RATES[:80]}),
        "not_evaluated": MadeUp(curves={"learning_rate": RATES}),
    },
    "S92": {
        "supported": MadeUp(),
        "contradicted": MadeUp(parent="another run"),
        "not_evaluated": MadeUp(missing={"base": range(12)}),
    },
}


def test_every_record_claim_has_cases() -> None:
    assert set(RECORD_CASES) == set(RECORDS)


@pytest.mark.parametrize("outcome", ["supported", "contradicted", "not_evaluated"])
@pytest.mark.parametrize("statement", RECORDS)
def test_record_claim_can_come_out_each_way(statement: str, outcome: str, judge: Any) -> None:
    verdict = judge(RECORD_CASES[statement][outcome], statement)
    assert verdict.outcome == outcome, verdict.reason
    assert "None" not in verdict.reason


@pytest.mark.parametrize("statement", ["S01", "S18a"])
@pytest.mark.parametrize("counts", [OF_2012, {**FULL, "train": 1_050_000}])
def test_other_pictures_than_those_of_2010_say_nothing_of_them(
    statement: str, counts: dict[str, int], judge: Any
) -> None:
    verdict = judge(MadeUp(classes=1000, counts=counts), statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert "LSVRC-2010" in verdict.reason


def test_classes_that_only_on_average_have_1000_pictures_are_not_roughly_1000_each(judge: Any) -> None:
    verdict = judge(MadeUp(classes=1000, counts=FULL, per_class=UNEVEN), "S18a")
    assert verdict.outcome == "contradicted"
    assert "share of classes with 500 to 2000 training pictures 0 " in verdict.reason


def test_evidence_without_counts_per_class_says_what_it_lacks(judge: Any) -> None:
    verdict = judge(MadeUp(classes=1000, counts=FULL, per_class={}), "S18a")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "not_a_number")
    assert "counts per class" in verdict.reason


def test_pictures_taken_off_for_the_schedule_count_in_their_class(judge: Any) -> None:
    per_class = {"train": [450] * 1000, "validation": [811] * 1000, "held_out": [50] * 1000}
    made = MadeUp(classes=1000, counts={**FULL, "train": 450_000, "validation": 811_406}, per_class=per_class)
    assert judge(made, "S18a").outcome == "supported"


def test_the_connected_layers_share_stands_beside_that_of_the_convolutions(
    claims: dict[str, Claim], facts: Any
) -> None:
    verdict, _ = judge_comparison(claims["S13"].function, Definition(REGISTRY.printed, facts))
    assert verdict.outcome == "contradicted"
    assert verdict.reason.endswith("beside it: the fully connected layers' share 0.9617")


# ---- time ------------------------------------------------------------------------------------------

ARITHMETIC = {
    # 1.2 million pictures, 90 passes, 6 operations a multiply-add of the net's 724 million
    "S08": r"6 days are 9\.055e\+11 operations a second",
    "S15": r"a second needed for 5 days 1\.087e\+12 \(at most 3\.162e\+12\)",
    "S33": r"times those on each of two GPUs, 1\.081",
    "S49": r"share of the net's multiply-adds 0\.00013\d* \(at most 0\.01\)",
}


@pytest.mark.parametrize("statement", ARITHMETIC)
def test_time_that_was_not_measured_comes_with_the_arithmetic(statement: str, judge: Any) -> None:
    verdict = judge(RECORD_CASES[statement]["not_evaluated"], statement)
    assert verdict.code == "hardware"
    assert re.search(ARITHMETIC[statement], verdict.reason), verdict.reason


@pytest.mark.parametrize("statement", ARITHMETIC)
def test_time_of_a_small_net_says_nothing(statement: str, judge: Any) -> None:
    made = replace(RECORD_CASES[statement]["supported"], nets={"base": {"widths": {"conv": [8, 8, 8, 8, 8]}}})
    assert judge(made, statement).code == "hardware"


@pytest.mark.parametrize("statement", ARITHMETIC)
def test_time_needs_a_record_of_the_accelerators(statement: str, judge: Any) -> None:
    made = RECORD_CASES[statement]["supported"]
    assert judge(replace(made, accelerators={}), statement).code == "hardware"
    assert judge(replace(made, accelerators=None), statement).code == "hardware"


@pytest.mark.parametrize("statement", ARITHMETIC)
def test_time_on_a_shared_device_does_not_count(statement: str, judge: Any) -> None:
    made = replace(RECORD_CASES[statement]["supported"], runs_a_device=2)
    assert judge(made, statement).code == "hardware"


def test_time_of_graphed_updates_does_not_count(judge: Any) -> None:
    """An update is a graph on a single device alone, so that runs of two placements would not be compared alike."""
    made = RECORD_CASES["S15"]["supported"]
    some = {("base", seed): {"graphed": True} for seed in made.seeds[:2]}
    every = {("base", seed): {"graphed": True} for seed in made.seeds}
    assert judge(replace(made, provenance=some), "S15").code != "hardware"
    assert judge(replace(made, provenance=every), "S15").code == "hardware"


def test_a_run_that_diverged_took_no_time(judge: Any) -> None:
    made = replace(RECORD_CASES["S15"]["supported"], diverged={"base": [3]})
    assert judge(made, "S15").outcome == "supported"


def test_days_are_of_ninety_passes(judge: Any) -> None:
    """A plateau schedule may stop earlier."""
    made = _on_cards(5.5 * DAY * 50 / 90, epochs=50, **PAPER)
    assert judge(made, "S15").outcome == "supported"


def test_times_that_overlap_cannot_tell(judge: Any) -> None:
    verdict = judge(replace(_on_one_and_two(1.0), scalars={}), "S33")
    assert verdict.outcome == "inconclusive"
    assert "0.9615 to 1.04 (above 1, at most 1.25)" in verdict.reason
