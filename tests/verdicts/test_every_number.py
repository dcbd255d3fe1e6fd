"""Every number in the registry decides: moved far enough, it turns a verdict on some made-up evidence."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import pytest

from repro.errors import UserError
from repro.evidence.directory import Evidence
from repro.settings import validated
from repro.verdicts.authoring.claim import Claim
from repro.verdicts.authoring.definition import Definition
from repro.verdicts.authoring.study_evidence import StudyEvidence
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.claim_outcomes import judge_comparison
from repro.verdicts.judging.decision import decide
from repro.verdicts.judging.gates import shut_gate
from repro.verdicts.judging.judge import finding_on
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.test_types import DECIDES_NOTHING, FORMS, StatisticalTest
from tests.made_up import ALIKE, MadeUp
from tests.verdicts import cases
from tests.verdicts.test_claims import REGISTRY, STATISTICAL
from tests.verdicts.test_exact_claims import RECORD_CASES

Place = tuple[str | int, ...]
OUTCOMES = ("supported", "contradicted", "inconclusive")


def numbers_in(value: Any, place: Place = ()) -> Iterator[tuple[Place, float]]:
    """Every number of nested values that a verdict may depend on, with where it stands."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key not in DECIDES_NOTHING:
                yield from numbers_in(part, (*place, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from numbers_in(part, (*place, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def moved(value: Any, place: Place, number: float) -> Any:
    """A copy with another number there."""
    other = copy.deepcopy(value)
    inside = other
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = number
    return other


def away_from(number: float) -> list[float]:
    """Where a number is moved to, far before near; settings that the registry refuses are passed over."""
    if isinstance(number, int):
        return [2 * number, 1, 1000, number - 1, number + 1, number + 2, number - 2]
    far = [number * factor for factor in (100, 0.01, 5, 0.2, 2, 0.5, 1.6, 1.2, 0.8)]
    near = [number + step for step in (0.05, -0.05, 0.01, -0.01, 0.005, -0.005)]
    return [*far, 0.0, 1.0, 0.99, -1.0, *near]


# ---- tests -------------------------------------------------------------------------------------------


def _evidence_for(statement: str) -> Iterator[MadeUp]:
    """Evidence by which the statement comes out each way, and what only some of its numbers are about."""
    test = REGISTRY[statement].test
    for outcome in OUTCOMES:
        yield cases.made_for(statement, test, outcome)
    if test.form in ("most_runs", "every_run"):  # divided, though not wholly
        yield MadeUp(towers={"base": 19, "dense": ALIKE})
    margins = getattr(test, "margins", ()) or (getattr(test, "smallest_effect_at_paper_scale", 0.0),)
    if any(margins):
        scale = {**cases.ILSVRC_2012, "seeds": range(12)}
        yield MadeUp(**scale)
        for share in (0.5, 1.5):
            effects = {}
            for margin in getattr(test, "margins", ()):
                upper = margin.lower + 0.02 if margin.upper is None else margin.upper
                effects[margin.metric or test.metric] = margin.lower + share * (upper - margin.lower)
            yield MadeUp(**scale, effects=dict.fromkeys(test.variants[:-1], effects))
    if test.form == "per_image":
        gain = sum(vars(test.at_paper_scale)[side] for side in ("lower", "upper")) / 2
        levels = {number.metric: number.printed for number in test.numbers}
        levels = {"held_out_error": 0.39, "ten_view_error": 0.39, **levels}
        levels["ten_view_error"] = levels["held_out_error"] - (gain if test.second == "ten_views" else 0.0)
        for off in (0.0, 0.03):
            shifted = {"base": {metric: level + off for metric, level in levels.items()}}
            yield MadeUp(**cases.LSVRC_2010, seeds=range(12), levels=shifted, averaging=gain)


class Judge:
    """Verdicts of one statement on made-up evidence, by tests that differ from the registered one."""

    def __init__(self, statement: str, claim: Claim) -> None:
        self.entry, self.claim = REGISTRY[statement], claim
        variants = tuple(dict.fromkeys(("base", *self.entry.test.variants)))
        self.evidence: list[Evidence] = []
        for made in _evidence_for(statement):
            needed = made.variants if made.variants != MadeUp().variants else variants
            self.evidence.append(replace(made, variants=needed).evidence())

    def verdicts(self, test: StatisticalTest) -> Iterator[tuple[Any, ...]]:
        """What the test says of each evidence: the outcome, why there is none, and remarks that change its standing."""
        for evidence in self.evidence:
            samples = self.claim.function(StudyEvidence(evidence, self.entry, REGISTRY.printed))
            seeds = evidence.study.seeds
            finding = finding_on(evidence, test, REGISTRY.gates, samples, seeds)
            name = self.entry.id
            (verdict,) = decide({name: lambda _, found=finding: found}, [name], seeds, bare=True).values()
            yield verdict.outcome, verdict.code, "exploratory" in verdict.flags, "smaller_than_paper" in verdict.flags


@pytest.mark.parametrize("statement", STATISTICAL)
def test_every_number_of_a_test_moves_a_verdict(statement: str, claims: dict[str, Claim]) -> None:
    test = REGISTRY[statement].test
    registered = test.model_dump(mode="json", exclude_defaults=True)
    judge = Judge(statement, claims[statement])
    before = list(judge.verdicts(test))
    idle = []
    for place, number in numbers_in(registered):
        for other in away_from(number):
            try:
                changed = validated(FORMS[test.form], moved(registered, place, other), statement)
            except UserError:
                continue
            if any(now != then for now, then in zip(judge.verdicts(changed), before, strict=True)):
                break
        else:
            idle.append((place, number))
    assert idle == []


def test_a_number_that_decides_nothing_is_noticed(claims: dict[str, Claim]) -> None:
    """The plan for S30's seeds is in the list of those that do not decide; taken for one that does, it is idle."""
    test = REGISTRY["S30"].test
    assert "planned_effect" in DECIDES_NOTHING
    assert ("planned_effect",) not in [place for place, _ in numbers_in(test.model_dump(mode="json"))]
    judge = Judge("S30", claims["S30"])
    other = test.model_copy(update={"planned_effect": 10.0})
    assert list(judge.verdicts(other)) == list(judge.verdicts(test))


# ---- gates -------------------------------------------------------------------------------------------

ON_THE_EDGE = {
    "some runs collapsed": MadeUp(collapsed={"base": [0, 1, 2]}),
    "half of the kernels dead": MadeUp(live=12),
}
GATE_NUMBERS = [
    (gate, place, number)
    for gate, rule in REGISTRY.gates.model_dump(mode="json").items()
    for place, number in numbers_in(rule)
]


@pytest.fixture(scope="module")
def gate_evidence() -> dict[str, Evidence]:
    """Evidence by which all gates are open, by which each is shut, and some between."""
    made = {"open": MadeUp(), **cases.GATES, **ON_THE_EDGE}
    return {name: one.evidence() for name, one in made.items()}


@pytest.mark.parametrize(("gate", "place", "number"), GATE_NUMBERS)
def test_every_threshold_of_a_gate_opens_or_shuts_it(
    gate: str, place: Place, number: float, gate_evidence: dict[str, Evidence]
) -> None:
    test = REGISTRY["S78"].test.model_copy(update={"gates": (gate,)})
    variants = ("dense", "base") if gate == "dose" else test.variants

    def shut(gates: Gates, name: str) -> bool:
        evidence = gate_evidence[name]
        return isinstance(shut_gate(evidence, gates, test, variants, evidence.study.seeds), NotEvaluated)

    names = ("open", gate, *ON_THE_EDGE)
    before = [shut(REGISTRY.gates, name) for name in names]
    for other in away_from(number):
        try:
            raw = moved(REGISTRY.gates.model_dump(mode="json"), (gate, *place), other)
            gates = validated(Gates, raw, "gates")
        except UserError:
            continue
        if [shut(gates, name) for name in names] != before:
            return
    pytest.fail(f"nothing hangs on {gate}.{place[0]}")


# ---- printed numbers, and keys -----------------------------------------------------------------------


@lru_cache(maxsize=1)
def _printed() -> list[tuple[Place, float]]:
    return list(numbers_in(REGISTRY.printed))


@pytest.mark.parametrize(("place", "number"), _printed())
def test_every_number_of_the_paper_is_read_by_some_claim(
    place: Place,
    number: float,
    claims: dict[str, Claim],
    facts: Any,
) -> None:
    records = {name: RECORD_CASES[name]["not_evaluated"].evidence() for name in ("S15", "S08")}

    def said(printed: Mapping[str, Any]) -> list[str]:
        found = []
        for entry in REGISTRY:
            if entry.scope == "definition":
                found.append(judge_comparison(claims[entry.id].function, Definition(printed, facts))[0].reason)
        for name, evidence in records.items():
            read = StudyEvidence(evidence, REGISTRY[name], printed)
            found.append(judge_comparison(claims[name].function, read)[0].reason)
        return found

    other = type(number)(2 * number)
    assert said(moved(dict(REGISTRY.printed), place, other)) != said(REGISTRY.printed)


def test_no_key_of_a_test_has_one_legal_value() -> None:
    """What the form or another key implies is not written a second time."""
    single = [
        (form, name)
        for form, kind in FORMS.items()
        for name, field in kind.model_fields.items()
        if name != "form" and get_origin(field.annotation) is Literal and len(get_args(field.annotation)) < 2
    ]
    assert single == []
    for written in ("unit", "criterion", "first"):
        assert all(written not in kind.model_fields for kind in FORMS.values())
