"""Claims that are decided without statistics: on definitions, mutated ones too, and on a study's record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.evidence.directory import load_evidence
from repro.verdicts.claim import Claim
from repro.verdicts.claim_outcomes import definition_outcomes, judge_comparison
from repro.verdicts.definition import Definition
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


def test_facts_of_all_evidence_must_agree(claims: dict[str, Claim], facts: Any, tmp_path: Path) -> None:
    wrong = {"paper": {**facts["paper"], "loss": {"value": {"largest_difference": 1.0}, "how": "made up"}}}
    first = load_evidence(MadeUp(study="right", facts=facts).write(tmp_path / "right"))
    second = load_evidence(MadeUp(study="wrong", facts=wrong).write(tmp_path / "wrong"))
    for evidences in ([first, second], [second, first]):
        verdict, _ = definition_outcomes(REGISTRY, claims, evidences)["S44"]
        assert verdict.outcome == "contradicted"
        assert "wrong" in verdict.reason


# ---- records ---------------------------------------------------------------------------------------

FULL: dict[str, int] = {"train": 1_261_406, "held_out": 50_000, "validation": 0}
PLATEAU = {"schedule": {"kind": "plateau"}}
RECORD_CASES: dict[str, dict[str, MadeUp]] = {
    "S01": {
        "supported": MadeUp(classes=1000, counts=FULL),
        "contradicted": MadeUp(classes=1000, counts={**FULL, "train": 1_050_000}),
        "not_evaluated": MadeUp(),
    },
    "S08": {
        "supported": MadeUp(devices=dict.fromkeys(range(6), "cuda: made up")),
        "contradicted": MadeUp(
            devices=dict.fromkeys(range(6), "cuda: made up"), scalars={"base": {"pictures_per_second": 800.0}}
        ),
        "not_evaluated": MadeUp(),
    },
    "S18a": {
        "supported": MadeUp(classes=1000, counts=FULL),
        "contradicted": MadeUp(classes=1000, counts={**FULL, "held_out": 49_000}),
        "not_evaluated": MadeUp(classes=1000, counts={**FULL, "train": 100_000}),
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
    made = replace(RECORD_CASES[statement][outcome], variants=("base",))
    verdict = judge(made, statement)
    assert verdict.outcome == outcome
    assert "None" not in verdict.reason
