from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import UserError
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms.tower_counts import every_run
from repro.verdicts.forms.two_arms import any_of, direction
from repro.verdicts.judging.decision import FindingFor, counted, decide
from repro.verdicts.judging.reasons import shown_n
from repro.verdicts.judging.verdict import untestable
from repro.verdicts.telling.explain import what_would_decide

SIX, TWELVE = list(range(6)), list(range(12))
NOISE = np.random.default_rng(31).normal(0, 0.01, (40, 12))


def worse_by(effect: float, row: int = 0, **options: object) -> FindingFor:
    """A variant whose error is larger by `effect`, run sd 1 point."""
    variant, base = 0.4 + effect + NOISE[row], 0.4 + NOISE[-1]
    return lambda seeds: direction(
        [variant[s] for s in seeds],
        [base[s] for s in seeds],
        larger="first",
        **options,  # type: ignore[arg-type]
    )


def finished(count: int, case: FindingFor) -> FindingFor:
    """The same with only the first `count` registered seeds finished."""

    def finding_for(seeds: Sequence[int]) -> Finding | NotEvaluated:
        if max(seeds) >= count:
            return NotEvaluated("missing_runs", f"{max(seeds) + 1 - count} runs are missing")
        return case(seeds)

    return finding_for


def family_of(*cases: FindingFor) -> dict[str, FindingFor]:
    return {f"S{number}": case for number, case in enumerate(cases)}


def outcomes(cases: dict[str, FindingFor], seeds: Sequence[int] = SIX, **options: object) -> list[str]:
    verdicts = decide(cases, list(cases), seeds, **options)  # type: ignore[arg-type]
    return [verdict.outcome for verdict in verdicts.values()]


def test_three_outcomes() -> None:
    cases = family_of(worse_by(0.1, 0), worse_by(-0.1, 1), worse_by(0.0, 2))
    assert outcomes(cases) == ["supported", "contradicted", "inconclusive"]


@given(st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_mirrored_evidence_mirrors_verdicts(effects: list[float]) -> None:
    cases = family_of(*(worse_by(effect, row) for row, effect in enumerate(effects)))

    def swapped(case: FindingFor) -> FindingFor:
        def finding_for(seeds: Sequence[int]) -> Finding | NotEvaluated:
            finding = case(seeds)
            assert isinstance(finding, Finding)
            return direction(finding.details["first"], finding.details["second"], larger="second")

        return finding_for

    mirror = {"supported": "contradicted", "contradicted": "supported", "inconclusive": "inconclusive"}
    there = outcomes(cases)
    back = outcomes({name: swapped(case) for name, case in cases.items()})
    assert back == [mirror[outcome] for outcome in there]


def test_a_larger_family_is_stricter_whatever_its_members_say() -> None:
    case = worse_by(0.025, 0)
    alone = decide({"S": case}, ["S"], SIX)["S"]
    assert alone.outcome == "supported"
    silent = {f"N{i}": lambda _: NotEvaluated("gate", "not trained") for i in range(29)}
    crowd = decide({"S": case, **silent}, ["S", *silent], SIX)
    assert crowd["S"].p_adjusted == pytest.approx(30 * alone.p)  # type: ignore[operator]
    assert crowd["S"].outcome == "inconclusive"
    assert crowd["N0"].outcome == "not_evaluated"
    assert crowd["N0"].code == "gate"


def test_holm_steps_down() -> None:
    cases = family_of(*(worse_by(0.2, row) for row in range(9)), worse_by(0.02, 9))
    verdicts = decide(cases, list(cases), SIX)
    last = verdicts["S9"]
    assert last.p is not None
    assert last.p_adjusted == pytest.approx(last.p)


@given(st.lists(st.floats(-0.06, 0.06), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_an_interval_excludes_zero_exactly_if_decided(effects: list[float]) -> None:
    cases = family_of(*(worse_by(effect, row) for row, effect in enumerate(effects)))
    for verdict in decide(cases, list(cases), SIX).values():
        assert verdict.interval is not None
        low, high = verdict.interval
        expected = "supported" if low > 0 else "contradicted" if high < 0 else "inconclusive"
        assert verdict.outcome == expected
        assert verdict.p_adjusted is not None
        assert verdict.p is not None
        assert verdict.p_adjusted >= verdict.p


def test_a_claim_outside_the_family_is_exploratory_strict_and_harmless() -> None:
    inside = family_of(worse_by(0.1, 0), worse_by(0.0, 1))
    outside = worse_by(0.1, 2)
    alone = decide(inside, list(inside), SIX)
    both = decide({**inside, "X": outside, "Y": worse_by(0.2, 3)}, list(inside), SIX)
    assert {name: both[name] for name in inside} == alone
    assert "exploratory" in both["X"].flags
    assert both["X"].p_adjusted == pytest.approx(3 * both["X"].p)  # type: ignore[operator]
    assert decide({**inside, "X": outside}, list(inside), SIX)["X"] == both["X"]
    assert not any("exploratory" in verdict.flags for verdict in alone.values())


def test_smallest_effect_of_interest() -> None:
    tiny = decide({"S": worse_by(0.0, 0, smallest_effect=0.05)}, ["S"], SIX)["S"]
    assert tiny.outcome == "contradicted"
    small = decide({"S": worse_by(0.05, 0, smallest_effect=0.2)}, ["S"], SIX)["S"]
    assert small.outcome == "supported"
    assert "smaller_than_paper" in small.flags
    assert "smallest effect of interest" in small.reason
    large = decide({"S": worse_by(0.2, 0, smallest_effect=0.05)}, ["S"], SIX)["S"]
    assert large.outcome == "supported"
    assert "smaller_than_paper" not in large.flags


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_seeds_never_decide(n: int) -> None:
    verdict = decide({"S": worse_by(5.0, 0, planned_effect=0.02)}, ["S"], SIX[:n])["S"]
    assert verdict.outcome == "inconclusive"
    assert "at least 3 seeds" in verdict.reason
    assert verdict.p_adjusted == 1.0
    json.dumps(verdict.as_json(), allow_nan=False)


def test_few_seeds_are_flagged_and_forms_keep_their_minimum() -> None:
    def parts(seeds: Sequence[int]) -> Finding:
        found = {str(row): worse_by(1.0, row)(seeds) for row in range(5)}
        return any_of({name: part for name, part in found.items() if isinstance(part, Finding)})

    cases: dict[str, FindingFor] = {"S1": worse_by(1.0), "S3": parts}
    three = decide(cases, list(cases), SIX[:3])
    assert [verdict.outcome for verdict in three.values()] == ["supported", "inconclusive"]
    assert "few_seeds" in three["S1"].flags
    assert "at least 5 seeds" in three["S3"].reason
    five = decide(cases, list(cases), SIX[:5])
    assert [verdict.outcome for verdict in five.values()] == ["supported"] * 2
    assert not any("few_seeds" in verdict.flags for verdict in five.values())


def test_every_run_is_decided_from_six_seeds_on() -> None:
    def refused(seeds: Sequence[int]) -> Finding:
        return every_run([False] * len(seeds), recurrence=0.5, contradicted_below=0.9)

    def shown(seeds: Sequence[int]) -> Finding:
        return every_run([True] * len(seeds), recurrence=0.5, contradicted_below=0.9)

    assert decide({"S": refused}, ["S"], SIX[:5])["S"].outcome == "inconclusive"
    assert decide({"S": refused}, ["S"], SIX)["S"].outcome == "contradicted"
    assert decide({"S": shown}, ["S"], SIX[:5])["S"].outcome == "inconclusive"
    verdict = decide({"S": shown}, ["S"], SIX)["S"]
    assert verdict.outcome == "supported"
    assert "6 of 6 runs" in verdict.reason
    assert "recurrence at least 0.607" in verdict.reason


def test_in_every_run_has_no_effect_that_a_number_of_runs_finds_with_a_stated_power() -> None:
    """Six of six decide it, whatever the true rate; what their number alone would show is no detectable effect."""

    def mostly(seeds: Sequence[int]) -> Finding:
        return every_run([seed != seeds[0] for seed in seeds], recurrence=0.5, contradicted_below=0.9)

    verdict = decide({"S": mostly}, ["S"], SIX)["S"]
    assert verdict.outcome == "inconclusive"
    assert verdict.detectable is None
    assert "power" not in verdict.reason + str(what_would_decide(verdict))
    assert verdict.seeds_needed is None
    assert what_would_decide(verdict) == (
        "more runs that do not show it would contradict it; none can support it, since not every run shows it"
    )


def test_while_every_run_shows_it_the_seeds_that_all_must_show_it_are_counted() -> None:
    def always(seeds: Sequence[int]) -> Finding:
        return every_run([True] * len(seeds), recurrence=0.5, contradicted_below=0.9)

    verdict = decide({"S": always}, ["S"], SIX[:5])["S"]
    assert verdict.outcome == "inconclusive"
    assert "a recurrence of 0.5 (all runs showing it) needs 6 seeds" in verdict.reason


def test_a_follower_says_what_it_waits_for_and_an_interval_at_which_level() -> None:
    """Two chains share 5 %; the follower of an undecided statement is decided by nothing of its own."""
    findings = {"S": worse_by(0.0), "T": worse_by(0.05), "U": worse_by(0.0)}
    verdicts = decide(findings, ["S", "T", "U"], SIX, after={"T": "S"})
    assert verdicts["T"].waits_for == "S"
    assert what_would_decide(verdicts["T"]) == "a decision on S, which it waits for"
    assert verdicts["S"].waits_for is None
    assert verdicts["S"].confidence == pytest.approx(0.975)


def test_inconclusive_says_what_would_decide() -> None:
    verdict = decide({"S": worse_by(0.0, planned_effect=0.01)}, ["S"], SIX)["S"]
    assert verdict.outcome == "inconclusive"
    assert verdict.detectable is not None
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 6
    for part in ("points [", "6 + 6 seeds", "detectable (80 % power)", f"needs {verdict.seeds_needed} seeds"):
        assert part in verdict.reason
    assert decide({"S": worse_by(0.0)}, ["S"], SIX)["S"].seeds_needed is None


@pytest.mark.parametrize(("n", "said"), [((1,), "1 seed"), ((1, 1), "1 + 1 seeds"), ((3,), "3 seeds")])
def test_numbers_of_seeds_are_said_as_people_do(n: tuple[int, ...], said: str) -> None:
    finding = worse_by(0.0)(SIX)
    assert isinstance(finding, Finding)
    assert shown_n(replace(finding, n=n)) == said


def test_one_outlying_seed_makes_a_verdict_fragile() -> None:
    assert "fragile" not in decide({"S": worse_by(0.3)}, ["S"], SIX)["S"].flags
    edge = next(
        verdict
        for effect in np.arange(0.005, 0.05, 0.0005)
        if (verdict := decide({"S": worse_by(float(effect))}, ["S"], SIX)["S"]).outcome == "supported"
    )
    assert "fragile" in edge.flags


def test_a_permutation_test_that_disagrees_makes_a_verdict_fragile() -> None:
    def case(p: float, least: float) -> FindingFor:
        from dataclasses import replace

        def finding_for(seeds: Sequence[int]) -> Finding:
            finding = worse_by(0.3)(seeds)
            assert isinstance(finding, Finding)
            return replace(finding, second_opinion=lambda: (p, 1.0, least))

        return finding_for

    def fragile(p: float, least: float, seeds: Sequence[int] = TWELVE) -> bool:
        return "fragile" in decide({"S": case(p, least)}, ["S"], seeds)["S"].flags

    assert fragile(0.2, 0.001)
    assert not fragile(0.001, 0.001)
    assert not fragile(0.2, 0.1), "a test that cannot decide has no say"
    assert not fragile(0.2, 0.001, SIX)


def test_the_family_must_be_whole() -> None:
    with pytest.raises(ValueError, match="S2"):
        decide({"S1": worse_by(0.1)}, ["S1", "S2"], SIX)
    with pytest.raises(ValueError, match="one case"):
        decide({"S1": worse_by(0.1)}, ["S1", "S1"], SIX)


def test_counted() -> None:
    family = ["S12", "S89", "S61c", "S04", "S89"]
    assert counted(family, repeats={"S89": "S12"}, definitions={"S04"}) == ("S12", "S61c")
    assert counted(["S89"], repeats={"S89": "S12"}, definitions=()) == ("S12",)


def test_verdicts_without_numbers() -> None:
    verdict = untestable("a counterfactual").flagged(["reduced_scale"])
    assert verdict.as_json()["verdict"] == "untestable"
    assert verdict.as_json()["flags"] == ["reduced_scale"]
    assert decide({}, [], SIX) == {}


class TestTwoLooks:
    def test_the_first_look_uses_six_seeds_at_its_own_level(self) -> None:
        case = finished(11, worse_by(0.1))
        verdict = decide({"S": case}, ["S"], TWELVE, looks="two")["S"]
        assert verdict.outcome == "supported"
        assert (verdict.look, verdict.n) == (1, (6, 6))
        edge = next(
            case
            for effect in np.arange(0.0, 0.05, 0.001)
            if 0.02 < (case := worse_by(float(effect)))(SIX).p < 0.05  # type: ignore[union-attr]
        )
        assert decide({"S": edge}, ["S"], SIX)["S"].outcome != "inconclusive"
        assert decide({"S": finished(6, edge)}, ["S"], TWELVE, looks="two")["S"].outcome == "inconclusive"

    @pytest.mark.parametrize("count", [6, 7, 11])
    def test_seeds_between_the_looks_are_ignored(self, count: int) -> None:
        cases = {"S": finished(count, worse_by(0.005)), "T": finished(count, worse_by(0.3, 1))}
        six = {"S": finished(6, worse_by(0.005)), "T": finished(6, worse_by(0.3, 1))}
        verdicts = decide(cases, list(cases), TWELVE, looks="two")
        assert verdicts == decide(six, list(six), TWELVE, looks="two")
        assert verdicts["S"].outcome == "inconclusive"
        assert "second waits for all 12 seeds" in verdicts["S"].reason

    def test_decided_claims_are_frozen_and_open_ones_see_all_seeds(self) -> None:
        early = worse_by(0.1)

        def turning(seeds: Sequence[int]) -> Finding | NotEvaluated:
            return early(seeds) if len(seeds) <= 6 else worse_by(-0.3)(seeds)

        cases = {"frozen": turning, "open": worse_by(0.015, 3), "never": worse_by(0.0, 2)}
        first = decide({k: finished(6, v) for k, v in cases.items()}, list(cases), TWELVE, looks="two")
        both = decide(cases, list(cases), TWELVE, looks="two")
        assert first["frozen"] == both["frozen"]
        assert first["open"].outcome == "inconclusive"
        assert both["open"].n == (12, 12)
        assert both["open"].look == 2
        assert both["never"].outcome == "inconclusive"

    def test_what_the_first_look_decided_leaves_its_share_to_the_others(self) -> None:
        cases = {"frozen": worse_by(0.3), "open": worse_by(0.0, 3)}
        verdict = decide(cases, list(cases), TWELVE, looks="two")["open"]
        assert verdict.look == 2
        assert verdict.p is not None
        assert verdict.p_adjusted == pytest.approx(verdict.p)

    def test_too_few_runs_for_the_first_look(self) -> None:
        verdict = decide({"S": finished(5, worse_by(0.3))}, ["S"], TWELVE, looks="two")["S"]
        assert verdict.outcome == "not_evaluated"
        assert verdict.code == "missing_runs"

    def test_a_gate_that_shuts_at_the_second_look_counts(self) -> None:
        def gated(seeds: Sequence[int]) -> Finding | NotEvaluated:
            return worse_by(0.0)(seeds) if len(seeds) <= 6 else NotEvaluated("gate", "not fitted")

        assert decide({"S": gated}, ["S"], TWELVE, looks="two")["S"].reason == "not fitted"

    def test_two_looks_need_twelve_registered_seeds(self) -> None:
        with pytest.raises(UserError, match="exactly 12 seeds"):
            decide({"S": worse_by(0.1)}, ["S"], SIX, looks="two")


@pytest.mark.parametrize("members", [2, 3, 5])
def test_the_interval_of_an_open_claim_holds_zero_whatever_its_place_in_the_order(members: int) -> None:
    """Claims alike, each decided alone and none in the family: Holm stops at the first, and all stay at its step."""
    alike = next(
        case
        for effect in np.arange(0.0, 0.05, 0.0005)
        if 0.05 / members < (case := worse_by(float(effect)))(SIX).p < 0.05  # type: ignore[union-attr]
    )
    assert decide({"S": alike}, ["S"], SIX)["S"].outcome == "supported"
    cases = family_of(*[alike] * members)
    for verdict in decide(cases, list(cases), SIX).values():
        assert verdict.outcome == "inconclusive"
        assert verdict.interval is not None
        low, high = verdict.interval
        assert low < 0 < high
