"""Every claim can come out each way: on made-up evidence, on mutated definitions, with shut gates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.evidence.directory import load_evidence
from repro.verdicts.authoring.claim import Claim
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.judging.gates import shut_gate
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.registry import Registry, load_registry
from tests.made_up import MadeUp
from tests.verdicts import cases

REGISTRY = load_registry(Path(__file__).resolve().parents[2] / "claims" / "statements.yaml")
STATISTICAL = [entry.id for entry in REGISTRY if entry.scope == "statistical"]
OTHERWISE = [s for s in STATISTICAL if REGISTRY[s].test.otherwise]


@pytest.mark.parametrize("outcome", ["supported", "contradicted", "inconclusive"])
@pytest.mark.parametrize("statement", STATISTICAL)
def test_statistical_claim_can_come_out_each_way(statement: str, outcome: str, judge: Any) -> None:
    verdict = judge(cases.made_for(statement, REGISTRY[statement].test, outcome), statement)
    assert verdict.outcome == outcome, verdict.reason
    assert verdict.reason
    assert verdict.n is not None
    assert ("exploratory" in verdict.flags) == (REGISTRY[statement].test.form == "fair_coin")  # 24 runs at most
    if outcome == "inconclusive":
        assert verdict.estimate is not None
        assert verdict.interval is not None
        assert verdict.detectable is not None or verdict.finding.form in ("fair_coin", "every_run")
        planned = REGISTRY[statement].test.form not in cases.UNPLANNED and statement not in cases.LIMITED_BY_PICTURES
        excluded = verdict.finding.form == "every_run"  # some run did not show it: no number of seeds supports it then
        assert (verdict.seeds_needed is None) if excluded else (verdict.seeds_needed is not None or not planned)


@pytest.mark.parametrize("outcome", ["supported", "contradicted", "inconclusive"])
@pytest.mark.parametrize("statement", OTHERWISE)
def test_where_a_study_lacks_the_first_variants_the_others_are_read(statement: str, outcome: str, judge: Any) -> None:
    test = REGISTRY[statement].test
    other = test.model_copy(update={"variants": test.otherwise})
    made = cases.made_for(statement, other, outcome)
    nets = {"base": {"dropout": {"probability": 0.0}}}
    verdict = judge(replace(made, variants=tuple(dict.fromkeys(("base", *test.otherwise))), nets=nets), statement)
    assert verdict.outcome == outcome, verdict.reason


@pytest.mark.parametrize("statement", [s for s in STATISTICAL if REGISTRY[s].test.form in cases.MIRRORED])
def test_mirrored_evidence_flips_a_directional_claim(statement: str, judge: Any) -> None:
    test = REGISTRY[statement].test
    assert judge(cases.made_for(statement, test, "supported"), statement).outcome == "supported"
    assert judge(cases.scaled(statement, cases.mirrored(test)), statement).outcome == "contradicted"


def test_forms_with_a_larger_arm_are_mirrored() -> None:
    directional = {e.test.form for e in REGISTRY if getattr(e.test, "larger", None) is not None}
    assert directional <= set(cases.MIRRORED)


@pytest.mark.parametrize(
    ("statement", "which"),
    [(s, n) for s in STATISTICAL for n in range(len(getattr(REGISTRY[s].test, "conditions", ())))],
)
def test_one_condition_that_fails_contradicts(statement: str, which: int, judge: Any) -> None:
    made = cases.scaled(statement, cases.measured(REGISTRY[statement].test, which, -1.0))
    verdict = judge(made, statement)
    assert verdict.outcome == "contradicted", verdict.reason
    assert len(verdict.finding.details.get("parts", "1")) == len(REGISTRY[statement].test.conditions)
    assert "_" not in verdict.reason  # metrics by their titles, not by their names in the evidence


@pytest.mark.parametrize(("statement", "gate"), [(s, gate) for s in STATISTICAL for gate in REGISTRY[s].test.gates])
def test_a_shut_gate_leaves_a_claim_not_evaluated(statement: str, gate: str, judge: Any) -> None:
    test = REGISTRY[statement].test
    made = cases.made_for(statement, test, "supported")
    shut = cases.GATES[gate]
    changes = {name: getattr(shut, name) for name in ("collapsed", "tuned")}
    scalars = {name: next(iter(shut.scalars.values()), {}) for name in test.variants}
    levels = {name: {**made.levels.get(name, {}), **shut.levels.get("base", {})} for name in test.variants}
    if gate in ("both_kinds", "enough_kernels"):
        changes |= {"towers": shut.towers, "live": shut.live}
    if gate == "settled":
        changes["arrival"] = dict.fromkeys(test.variants, shut.arrival["base"])
    effects = {} if gate == "errors_left" else made.effects
    verdict = judge(replace(made, **changes, scalars=scalars, levels=levels, effects=effects), statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "gate"), verdict.reason
    assert f"gate {gate}" in verdict.reason


def test_every_gate_has_evidence_that_shuts_it_and_is_asked_for() -> None:
    assert set(cases.GATES) == set(Gates.model_fields)
    assert {gate for s in STATISTICAL for gate in REGISTRY[s].test.gates} == set(Gates.model_fields)


@pytest.mark.parametrize("gate", list(Gates.model_fields))
def test_each_gate_opens_and_shuts(gate: Any, tmp_path: Path) -> None:
    test, seeds = REGISTRY["S78"].test, MadeUp().seeds

    def found(folder: Path, *gates: str) -> NotEvaluated | None:
        asked = test.model_copy(update={"gates": gates})
        # `dose` reads the last variant, the reference; here the base, which has weight decay.
        variants = ("dense", "base") if gates == ("dose",) else test.variants
        return shut_gate(load_evidence(folder), REGISTRY.gates, asked, variants, seeds)

    good, bad = MadeUp().write(tmp_path / "good"), cases.GATES[gate].write(tmp_path / "bad")
    assert found(good, gate) is None
    assert isinstance(found(bad, gate), NotEvaluated)
    others = [name for name in Gates.model_fields if name not in {gate, *cases.ALSO_SHUT.get(gate, ())}]
    for other in others:
        assert found(bad, other) is None, other


@pytest.mark.parametrize(
    ("statement", "broken"),
    [(s, broken) for s in STATISTICAL for broken in cases.preconditions(s, REGISTRY[s].test)],
)
def test_a_broken_precondition_leaves_a_claim_not_evaluated(statement: str, broken: str, judge: Any) -> None:
    made, code = cases.preconditions(statement, REGISTRY[statement].test)[broken]
    verdict = judge(made, statement)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", code), verdict.reason
    assert len(verdict.reason) > 10


def test_missing_runs_are_listed(judge: Any) -> None:
    verdict = judge(MadeUp(missing={"no_weight_decay": [3, 4]}), "S61c")
    assert verdict.reason == "missing runs: no_weight_decay seeds 3, 4"


def test_collapsed_runs_of_a_variant_stay_in_and_are_flagged(judge: Any) -> None:
    made = MadeUp(collapsed={"remove_conv3": [0, 1]}, effects={"remove_conv3": {"held_out_error": -0.03}})
    with_them = judge(made, "S90")
    without = judge(replace(made, collapsed={}), "S90")
    assert "collapsed_runs" in with_them.flags
    parts = with_them.finding.details["parts"]["remove_conv3"]
    assert parts["estimate"] > without.finding.details["parts"]["remove_conv3"]["estimate"]
    assert parts["n"] == [12, 12]


def test_a_base_that_did_not_train_shuts_the_gate(judge: Any) -> None:
    verdict = judge(MadeUp(scalars={"base": {"train_error": 0.68}}), "S78")
    assert verdict.reason.startswith(
        "gate learned: 12 of 12 runs of base are untrained (training error not below 67.5 %"
    )
    assert judge(MadeUp(scalars={"base": {"train_error": 0.67}}), "S78").outcome == "supported"


def test_one_tower_nets_are_outside_tower_claims(judge: Any) -> None:
    modern = MadeUp(one_tower=("base", "dense"))
    assert judge(modern, "S78").code == "fidelity"
    assert judge(modern, "S61c").outcome == "inconclusive"


def test_pooling_is_compared_only_with_maps_of_equal_sizes(judge: Any) -> None:
    made = cases.made_for("S41", REGISTRY["S41"].test, "supported")
    padded = {"geometry": {"conv5_padding": 0}}
    for statement in ("S41", "S43"):
        verdict = judge(replace(made, nets={"non_overlapping_pooling": padded}), statement)
        assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
        assert "other sides" in verdict.reason


def test_four_layer_claims_need_the_pictures_of_cifar_10(judge: Any) -> None:
    for statement in ("S21", "S39"):
        made = cases.made_for(statement, REGISTRY[statement].test, "supported")
        verdict = judge(replace(made, class_names=()), statement)
        assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
        assert "CIFAR-10" in verdict.reason


@pytest.mark.parametrize("cats", [None, 2])
def test_leopards_need_other_cats_to_be_taken_for(cats: int | None, judge: Any) -> None:
    verdict = judge(MadeUp(scalars={"base": {"cat_classes": cats}}), "S82")
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "scale")
    assert judge(MadeUp(scalars={"base": {"cat_classes": 3}}), "S82").outcome == "supported"


def test_ten_leopards_say_little_however_many_nets_see_them(judge: Any) -> None:
    made = cases.made_for("S82", REGISTRY["S82"].test, "supported")
    assert judge(made, "S82").outcome == "supported"
    assert judge(replace(made, scalars={"base": {"leopard_pictures": 10}}), "S82").outcome == "inconclusive"


def test_an_error_held_against_a_number_has_the_noise_of_its_pictures(judge: Any) -> None:
    made = MadeUp(data_name="procedural", levels={"base": {"held_out_error": 0.045}}, spread=0.001)
    assert judge(made, "S11c").outcome == "inconclusive"
    counts = {"train": 4000, "held_out": 50_000, "validation": 0}
    assert judge(replace(made, counts=counts), "S11c").outcome == "supported"


@pytest.mark.parametrize("statement", ["S54", "S80"])
def test_mirrored_pictures_that_are_no_class_say_nothing(judge: Any, statement: str) -> None:
    verdict = judge(MadeUp(data_name="parts"), statement)
    assert verdict.code == "scale"
    assert "belong to none of its classes" in verdict.reason
    assert judge(MadeUp(data_name="procedural"), statement).code != "scale"


def test_a_dropout_study_is_read_where_the_base_has_none(judge: Any) -> None:
    without = {"base": {"dropout": {"probability": 0.0}}}
    made = MadeUp(variants=("base", "dropout"), nets=without, levels={"dropout": {"dropout_kl_ratio": 0.01}})
    parts = judge(made, "S59").finding.details["parts"]
    assert parts["“Divergence of scaled outputs, share of a mask's” below 0.1"]["estimate"] < 0.02
    assert judge(replace(made, variants=("base",)), "S59").code == "missing_runs"


def test_settings_that_older_evidence_lacks_have_their_defaults(
    tmp_path: Path, registry: Registry, claims: Any
) -> None:
    folder = MadeUp().write(tmp_path / "older")
    study = json.loads((folder / "study.json").read_text())
    for settings in study["settings"].values():
        settings["net"] = {"towers": settings["net"]["towers"]}
    (folder / "study.json").write_text(json.dumps(study))
    outcomes = study_outcomes(registry, claims, load_evidence(folder))
    assert [name for name, (_, error) in outcomes.items() if error is not None] == []
    assert outcomes["S21"][0].code == "scale"


def test_lacking_both_variants_is_said_of_both(judge: Any) -> None:
    assert judge(MadeUp(variants=("base",)), "S60a").reason == "made has no variant no_dropout, nor dropout"


ONE_OF_EACH_FORM = {REGISTRY[s].test.form: s for s in STATISTICAL}


@pytest.mark.parametrize("form", [form for form in ONE_OF_EACH_FORM if form != "fair_coin"])  # takes 28 seeds
def test_both_looks_are_open_to_every_form(form: str, judge: Any) -> None:
    """The first looks at six runs of twelve, whatever is read off them; leaving one out is possible too."""
    statement = ONE_OF_EACH_FORM[form]
    made = cases.made_for(statement, REGISTRY[statement].test, "supported")
    verdict = judge(replace(made, looks="two", seeds=range(12), spread=min(made.spread, 0.002)), statement)
    assert verdict.outcome == "supported", verdict.reason
    assert verdict.look in (1, 2)
    assert verdict.look == 2 or max(verdict.n) == 6
    counts_runs = form in ("most_runs", "every_run", "tower_contrast")
    assert counts_runs or "fragile" not in verdict.flags


def test_entries_outside_the_family_or_changed_since_are_exploratory(
    registry: Registry,
    claims: dict[str, Claim],
) -> None:
    digests = {"S12": registry.digest("S12"), "S61c": "of an older entry"}
    made = MadeUp(family=("S12", "S61c"), registry=digests, registered={})
    outcomes = study_outcomes(registry, claims, made.evidence())
    assert "exploratory" not in outcomes["S12"][0].flags
    assert "exploratory" in outcomes["S61c"][0].flags
    assert "exploratory" in outcomes["S78"][0].flags


def test_repeats_definitions_and_unclaimed_statements_in_a_family(
    registry: Registry,
    claims: dict[str, Claim],
) -> None:
    def p_adjusted(family: tuple[str, ...], name: str) -> float:
        made = MadeUp(family=family, effects={"no_weight_decay": {"train_error_as_trained": 0.003}})
        outcomes = study_outcomes(registry, claims, made.evidence())
        value = outcomes["S61c"][0].p_adjusted
        assert value is not None
        return value

    alone = p_adjusted(("S61c",), "a")
    assert p_adjusted(("S61c", "S04", "S13"), "b") == alone
    assert p_adjusted(("S61c", "S12"), "c") == p_adjusted(("S61c", "S12", "S89"), "d")
    assert p_adjusted(("S61c", "S20"), "e") > alone
    assert p_adjusted(("S61c", "S10"), "f") == alone


def test_an_error_in_a_claim_is_kept_beside_the_others(
    registry: Registry,
    claims: dict[str, Claim],
) -> None:
    def broken(evidence: Any) -> Any:
        raise ZeroDivisionError("made up")

    mended = {**claims, "S61c": replace(claims["S61c"], function=broken)}
    outcomes = study_outcomes(registry, mended, MadeUp().evidence())
    verdict, error = outcomes["S61c"]
    assert isinstance(error, ZeroDivisionError)
    assert (verdict.outcome, verdict.code) == ("not_evaluated", "claim_error")
    assert outcomes["S12"][1] is None


def test_a_claim_that_picks_other_variants_than_registered_fails(
    registry: Registry,
    claims: dict[str, Claim],
) -> None:
    swapped = replace(claims["S61c"], function=lambda evidence: evidence.samples("base", "no_weight_decay"))
    evidence = MadeUp().evidence()
    _, error = study_outcomes(registry, {**claims, "S61c": swapped}, evidence)["S61c"]
    assert isinstance(error, ValueError)
    assert "registry" in str(error)
