"""The verdict under other choices: what the project would have said had they been registered, and never another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from repro.evidence.directory import Evidence
from repro.report.cases.case import Case
from repro.report.cases.choices import Choice, Rules, choices
from repro.report.figures.claims.choice_strip import choice_strip
from repro.verdicts.authoring.claim import load_claims
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.judging.verdict import Verdict
from repro.verdicts.registry.registry import Registry
from repro.verdicts.statistics.estimates import paired, welch
from tests.made_up import MadeUp, Towers
from tests.report.every_form import every_form
from tests.report.made_up_study import ROOT, project_registry

REGISTRY = project_registry()
CLAIMS = load_claims(ROOT / "claims")
DECAY = MadeUp(
    variants=("base", "no_weight_decay"),
    seeds=range(8),
    family=("S61c",),
    effects={"no_weight_decay": {"train_error_as_trained": 0.02, "train_loss_as_trained": 0.03, "train_error": -0.02}},
)


def judged(evidence: Evidence, registry: Registry = REGISTRY) -> dict[str, Verdict]:
    """What the project says of every statement."""
    return {name: verdict for name, (verdict, _) in study_outcomes(registry, CLAIMS, evidence).items()}


def rows(verdicts: Mapping[str, Verdict]) -> dict[str, dict[str, Any]]:
    return {name: {"id": name, "study": "made", **verdict.as_json()} for name, verdict in verdicts.items()}


def case_of(statement: str, evidence: Evidence, row: Mapping[str, Any]) -> Case:
    return Case(evidence, REGISTRY[statement], REGISTRY[statement].test, REGISTRY.gates, row)


def under(statement: str, evidence: Evidence) -> dict[str, Choice]:
    known = rows(judged(evidence))
    found = choices(case_of(statement, evidence, known[statement]), Rules(evidence, REGISTRY, known))
    return {choice.name: choice for choice in found}


@pytest.fixture
def decay() -> Evidence:
    return DECAY.evidence()


def same(one: Verdict, other: Verdict) -> bool:
    """The same outcome, estimate and interval."""
    assert one.interval is not None
    assert other.interval is not None
    return one.outcome == other.outcome and (one.estimate, *one.interval) == pytest.approx(
        (other.estimate, *other.interval)
    )


def test_the_registered_choice_is_the_verdict_itself_for_every_form() -> None:
    evidence, found = every_form()
    known = {row["id"]: row for row in found if row["study"] in (None, "smoke")}
    rules = Rules(evidence, REGISTRY, known)
    asked = 0
    for name, row in known.items():
        if REGISTRY[name].scope == "statistical" and row["estimate"] is not None:
            first, *others = choices(case_of(name, evidence, row), rules)
            assert first.verdict.outcome == row["verdict"], name
            assert first.verdict.interval == pytest.approx(tuple(row["interval"]), nan_ok=True), name
            assert sum(choice.seed is not None for choice in others) == 8, name
            asked += 1
    assert asked > 40


def test_another_reading_is_what_it_would_have_been_if_registered(decay: Evidence) -> None:
    found = under("S61c", decay)
    assert list(found)[:4] == ["As registered", "Training error", "Training loss as training sees it", "Paired by seed"]
    for metric, unit, name in (
        ("train_error", "points", "Training error"),
        ("train_loss_as_trained", "nats", "Training loss as training sees it"),
    ):
        entry = REGISTRY["S61c"]
        assert entry.test is not None
        test = entry.test.model_copy(update={"metric": metric, "unit": unit, "beside": ()})
        changed = {**REGISTRY.statements, "S61c": entry.model_copy(update={"test": test})}
        wanted = judged(decay, replace(REGISTRY, statements=changed))["S61c"]
        assert same(found[name].verdict, wanted), metric
    assert found["As registered"].verdict.outcome == "supported"
    assert found["Training error"].verdict.outcome == "contradicted"


def test_pairs_of_seeds_are_judged_by_the_paired_t_test(decay: Evidence) -> None:
    found = under("S61c", decay)
    arms = [
        [run.scalar("train_error_as_trained") for run in decay.of(variant)] for variant in ("no_weight_decay", "base")
    ]
    for name, estimate in (("As registered", welch(*arms)), ("Paired by seed", paired(*arms))):  # type: ignore[arg-type]
        assert found[name].verdict.interval == pytest.approx(estimate.interval(0.05))  # a family of one
    assert found["Paired by seed"].said == "paired t"


def test_a_seed_left_out_gives_the_verdict_of_a_study_without_it(decay: Evidence) -> None:
    found = under("S61c", decay)
    for seed in (0, 7):
        study = replace(decay.study, seeds=tuple(other for other in decay.study.seeds if other != seed))
        rest = Evidence(decay.path, study, decay.runs, decay.facts, decay.arrays)
        assert same(found[f"without seed {seed}"].verdict, judged(rest)["S61c"])


def test_the_rest_of_the_family_stays_as_it_was() -> None:
    """Of two members the one with the smaller p is tested at half of the level: so is its second reading."""
    made = replace(DECAY, family=("S61c", "S30"), variants=(*DECAY.variants, "half_width_one_tower"))
    evidence = made.evidence()
    known = rows(judged(evidence))
    found = under("S61c", evidence)
    assert found["As registered"].verdict.interval == pytest.approx(tuple(known["S61c"]["interval"]))
    wider = found["Paired by seed"].verdict.interval
    alone = under("S61c", DECAY.evidence())["Paired by seed"].verdict.interval
    assert wider is not None
    assert alone is not None
    assert wider[0] < alone[0] < alone[1] < wider[1]


def test_towers_and_several_variants_have_pairs_too() -> None:
    divided: list[Towers] = [24, 22, 23, 24, 20, 21, 24, 23]
    alike: list[Towers] = [12, 13, 12, 14, 12, 11, 12, 13]
    made = MadeUp(seeds=range(8), family=("S76", "S12", "S90"), towers={"base": divided, "dense": alike})
    evidence = made.evidence()
    for statement in ("S76", "S12", "S90"):
        found = under(statement, evidence)
        both = found["As registered"].verdict, found["Paired by seed"].verdict
        assert both[0].estimate == pytest.approx(both[1].estimate)
        assert both[0].interval != both[1].interval
    assert "Paired by seed" not in under("S78", evidence)
    assert under("S78", evidence)["without seed 0"].seed == 0


def test_while_the_second_look_waits_the_choices_are_those_of_the_first() -> None:
    late = tuple(range(6, 12))
    made = MadeUp(variants=("base", "dense"), family=("S76",), looks="two", missing={"base": late, "dense": late})
    evidence = made.evidence()
    found = under("S76", evidence)
    assert [choice.seed for choice in found.values() if choice.seed is not None] == list(range(6))
    assert found["As registered"].verdict.n == (6, 6)


def test_a_verdict_that_is_none_or_another_has_no_choices(decay: Evidence) -> None:
    known = rows(judged(decay))
    rules = Rules(decay, REGISTRY, known)
    for changes in (
        {"verdict": "not_evaluated", "estimate": None},
        {"verdict": "contradicted"},
        {"estimate": known["S61c"]["estimate"] + 0.001},
    ):
        assert choices(case_of("S61c", decay, {**known["S61c"], **changes}), rules) == ()
    assert choice_strip(case_of("S76", decay, known["S76"]), rules) is None


def test_all_stand_on_one_axis_with_their_own_numbers(decay: Evidence) -> None:
    known = rows(judged(decay))
    strip = choice_strip(case_of("S61c", decay, known["S61c"]), Rules(decay, REGISTRY, known))
    assert strip is not None
    registered, error, loss, _ = strip.rows
    assert registered.main
    assert registered.said == "Training error as training sees it, Welch t"
    assert error.span.x < strip.boundaries[0].x < registered.span.low, "one contradicts, one supports"
    assert "nats" in loss.label
    assert strip.scaled
    assert not strip.same
    assert strip.left_out_verdicts == "8 supported"
    assert [item.seed for item in strip.left_out] == list(range(8))
    # The loss is scaled by the spread of runs: as many spreads from 0 as in its own unit.
    choice = under("S61c", decay)
    own, other = choice["As registered"], choice["Training loss as training sees it"]
    assert own.sd is not None
    assert other.sd is not None
    assert own.verdict.estimate is not None
    assert other.verdict.estimate is not None
    wide = registered.span.x - strip.boundaries[0].x
    ratio = (other.verdict.estimate / other.sd) / (own.verdict.estimate / own.sd)
    assert (loss.span.x - strip.boundaries[0].x) / wide == pytest.approx(ratio, abs=0.01)
