"""What a study's seeds can decide, before it is trained: held against binomials and noncentral t by scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import stdev

import pytest
from scipy.stats import binom, nct, t

from repro.errors import UserError
from repro.project import Project
from repro.stages.planning.decide import decide_plan, spread_of
from repro.verdicts.forms.planning import Plan, Prospect
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.decidable import one_way, prospects
from repro.verdicts.judging.decision import Looks
from repro.verdicts.registry.registry import REGISTRY_FILE, load_registry
from repro.verdicts.registry.tests_of_towers import FairCoinTest
from tests.made_up import MadeUp

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = load_registry(ROOT / "claims" / REGISTRY_FILE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with the study `towers` listed, as who trains it lists it."""
    for name in ("claims", "studies", "variants.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "params.yaml").write_text("studies:\n  towers: tiny-imagenet\n")
    return tmp_path


def of(family: Sequence[str], seeds: int, looks: Looks = "fixed", **spread: float) -> dict[tuple[str, int], Prospect]:
    return {(found.statement, found.seeds): found for found in prospects(REGISTRY, family, seeds, looks, spread)}


def test_counts_of_runs_are_those_of_the_binomial() -> None:
    """S77 and S78 follow S76 and share its level by Holm: 1 % each at the first look, 1.5 % at the second."""
    found = of(["S76", "S77", "S78"], 12, "two", J=0.08)
    for seeds, level in ((6, 0.02 / 2), (12, 0.03 / 2)):
        majority = [k for k in range(seeds + 1) if 2 * binom.sf(k - 1, seeds, 0.5) <= level]
        few = [k for k in range(seeds) if 2 * binom.cdf(k, seeds, 0.9) <= level]
        most, every = found["S77", seeds], found["S78", seeds]
        assert most.level == every.level == pytest.approx(level)
        assert most.supported == bool(majority)
        if majority:
            assert f"supported by {majority[0]} of {seeds} runs, contradicted by {seeds - majority[0]}" in most.sentence
        assert every.contradicted
        assert f"contradicted by at most {few[-1]}" in every.sentence
    assert not found["S77", 6].supported
    assert not found["S78", 6].supported


@pytest.mark.parametrize(("margin", "seeds"), [((0.2, 0.8), 12), ((0.2, 0.8), 40), ((0.001, 0.999), 6)])
def test_the_counts_that_support_a_fair_coin_are_those_of_two_binomials(
    margin: tuple[float, float], seeds: int
) -> None:
    """Both bounds of the margin must be excluded at half the level: 1 to 5 of 6 runs for one that excludes little."""
    test = REGISTRY["S79"].test
    assert isinstance(test, FairCoinTest)
    test = test.model_copy(update={"margin": margin})
    found = form_of(test).prospect(test, Plan("S79", seeds, 0.05, {}))
    low, high = margin
    inside = [k for k in range(seeds + 1) if max(binom.sf(k - 1, seeds, low), binom.cdf(k, seeds, high)) <= 0.025]
    assert found.supported == bool(inside)
    assert found.contradicted == (binom.cdf(0, seeds, low) <= 0.025)
    assert found.sentence == (
        f"supported by {inside[0]} to {inside[-1]} of {seeds} runs" if inside else "never supported"
    )
    assert margin != (0.001, 0.999) or "by 1 to 5 of 6" in found.sentence


@pytest.mark.parametrize("seeds", [6, 12, 20])
def test_the_effect_that_is_found_is_that_of_the_noncentral_t(seeds: int) -> None:
    """With equal arms Welch's test is nearly Student's, here at 3 / 5 of the level, as t tests are decided."""
    sd, level = 0.012, 0.05 * 3 / 5
    found = of(["S61c"], seeds, train_error_as_trained=sd)["S61c", seeds]
    assert found.detectable is not None
    df, shift = 2 * seeds - 2, found.detectable / (sd * math.sqrt(2 / seeds))
    power = nct.sf(t.isf(level / 2, df), df, shift)
    assert power == pytest.approx(0.8, abs=0.03)
    assert of(["S61c"], seeds, train_error_as_trained=2 * sd)["S61c", seeds].detectable == pytest.approx(
        2 * found.detectable
    )


def test_a_member_of_a_larger_family_needs_a_larger_effect() -> None:
    alone = of(["S61c"], 12, train_error_as_trained=0.012)["S61c", 12]
    shared = of(["S61c", "S30"], 12, train_error_as_trained=0.012, held_out_error=0.012)["S61c", 12]
    assert shared.level == pytest.approx(alone.level / 2)
    assert alone.detectable is not None
    assert shared.detectable is not None
    assert shared.detectable > alone.detectable


def test_what_can_come_out_only_one_way_is_said() -> None:
    (sentence,) = one_way(prospects(REGISTRY, ["S77"], 3, "fixed", {}))
    assert sentence.startswith("S77 can only come out inconclusive")
    (sentence,) = one_way(prospects(REGISTRY, ["S78"], 5, "fixed", {}))
    assert "S78 can come out" in sentence or "S78 can only come out" in sentence
    assert not one_way(prospects(REGISTRY, ["S61c"], 12, "fixed", {"train_error_as_trained": 0.01}))


@pytest.mark.parametrize(("statement", "able"), [("S84", False), ("S02", False), ("S68", False), ("S70", True)])
def test_a_limit_of_one_group_of_runs_needs_a_majority_and_averages_of_nets_do_not(statement: str, able: bool) -> None:
    """Six of six is a majority beyond chance at 5 %, not at the 2.5 % of each of two statements."""
    assert of([statement], 6)[statement, 6].supported
    assert of([statement, "S63"], 6)[statement, 6].supported == able


def test_without_a_spread_nothing_is_said_of_power() -> None:
    found = of(["S61c"], 12)["S61c", 12]
    assert found.detectable is None
    assert "no spread of train_error_as_trained is given" in found.sentence


def test_the_spread_of_an_evidence_is_that_of_its_runs() -> None:
    made = MadeUp(variants=("base", "no_weight_decay"), seeds=range(6), family=("S61c",))
    evidence = made.evidence()
    both = [
        stdev(float(run.scalars["held_out_error"]) for run in evidence.of(variant))
        for variant in ("base", "no_weight_decay")
    ]
    expected = math.sqrt((both[0] ** 2 + both[1] ** 2) / 2)
    assert spread_of(evidence, REGISTRY)["held_out_error"] == pytest.approx(expected)


@pytest.mark.parametrize("source", ["held_out_error=-1", "held_out_error=x", "nothing=0.1", "J=inf"])
def test_a_spread_that_is_none_is_refused_by_name(project: Path, source: str) -> None:
    with pytest.raises(UserError, match=r"--spread .*METRIC=SD"):
        decide_plan(Project(project), "towers", [source], lambda line: None)


def test_the_command_says_what_the_protocol_quotes(project: Path) -> None:
    """docs/protocol.md: S76 finds 0.191 after 6 and 0.113 after 12 seeds, S77 wants 11 of 12, S78 at most 7."""
    lines: list[str] = []
    decide_plan(Project(project), "towers", ["J=0.08"], lines.append)
    told = "\n".join(lines)
    for words in ("0.191", "0.113", "supported by 11 of 12 runs", "contradicted by at most 7"):
        assert words in told
