"""The promise: where statements lie on the edge of being true, any wrong verdict in at most 5 % of families.

A short, seeded version of `simulations/verdict_honesty.py`, on the project's own registry and claims.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from repro.randomness import generator
from repro.verdicts.judging import decision
from repro.verdicts.judging.claim_outcomes import study_outcomes
from repro.verdicts.registry.test_types import TowersTest
from repro.verdicts.statistics.estimates import T_CAUTION
from repro.verdicts.statistics.multiplicity import Corrected
from repro.verdicts.statistics.power import minimum_detectable_effect
from simulations import null_family
from simulations.null_evidence import SHAPES, NullStudy, Shape, noise
from simulations.null_family import (
    BY_FORM,
    EVERYTHING,
    FULL_SCALE,
    Design,
    asked,
    first_step,
    project,
    record_of,
    shares_supported,
    stated_power,
    wrong_families,
)
from simulations.null_world import Kind, Part, World, make_world

FAMILIES = 120
BOUND = 0.05 + 3 * math.sqrt(0.05 * 0.95 / FAMILIES)
SIX = Design(EVERYTHING, 6, "fixed")


@pytest.mark.parametrize(
    ("kind", "shape", "design"),
    [
        ("one", "normal", SIX),
        ("one", "t3", Design(EVERYTHING, 3, "fixed")),
        ("nothing", "collapse", Design(EVERYTHING, 10, "fixed")),
        ("one", "normal", Design(EVERYTHING, 12, "two")),
        ("one", "normal", Design(FULL_SCALE, 6, "fixed")),
    ],
)
def test_few_families_hold_a_wrong_verdict(kind: Kind, shape: Shape, design: Design) -> None:
    wrong = wrong_families(design, kind, shape, FAMILIES)
    assert wrong["any"] / FAMILIES <= BOUND, wrong


def test_the_simulation_would_see_a_decision_without_correction(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncorrected(p: Mapping[str, float], family: Sequence[str], *_: object) -> dict[str, Corrected]:
        return {name: Corrected(p.get(name, 1.0), 1) for name in family}

    monkeypatch.setattr(decision, "corrected", uncorrected)
    assert wrong_families(SIX, "one", "normal", 40)["any"] / 40 > 2 * BOUND


def test_true_effects_are_found_as_often_as_stated() -> None:
    level = 0.05 / first_step(SIX)
    detectable = minimum_detectable_effect(0.5, 6, level / T_CAUTION)
    assert stated_power(detectable, 0.5, 6, level) == pytest.approx(0.8, abs=1e-3)
    assert shares_supported(SIX, 0.5, 80, {"S38": detectable})["S38"] == pytest.approx(0.8, abs=0.14)
    assert shares_supported(SIX, 0.2, 10, {"S30": 1.7, "S38": 1.4}) == {"S30": 1.0, "S38": 1.0}


def test_a_bare_decision_decides_the_same() -> None:
    registry, claims = project()
    null = null_family.null_family(Design(EVERYTHING, 3, "fixed"), "one", "normal")
    evidence = null.study.draw(generator("bare"))
    bare, whole = (study_outcomes(registry, claims, evidence, bare=way) for way in (True, False))
    assert {name: (v.outcome, v.p_adjusted) for name, (v, _) in bare.items()} == {
        name: (v.outcome, v.p_adjusted) for name, (v, _) in whole.items()
    }


# ---- the worlds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nothing", "one"])
@pytest.mark.parametrize("study", [EVERYTHING, FULL_SCALE])
def test_most_statements_lie_on_an_edge(study: str, kind: Kind) -> None:
    registry, _ = project()
    right = null_family.null_family(Design(study, 6, "fixed"), kind, "normal").right
    assert len(right) >= 40
    towers = {name for name in right if isinstance(registry[name].test, TowersTest)}
    # Towers are drawn as whole nets; the statements on metrics are put on their edges.
    placed = {name: verdicts for name, verdicts in right.items() if name not in towers}
    assert sum(not verdicts for verdicts in placed.values()) >= 0.8 * len(placed)
    assert {registry[name].test.form for name in towers} == set(BY_FORM[kind])


def test_every_registered_statement_can_be_drawn_in_some_study() -> None:
    """Those on contests' pictures of other years, on the four-layer nets and on cats need studies of their own."""
    registry, _ = project()
    statistical = {entry.id for entry in registry if entry.scope == "statistical"}
    drawn: set[str] = set()
    for study in (EVERYTHING, FULL_SCALE):
        null = NullStudy(record_of(Design(study, 6, "fixed")), World("nothing"), "normal")
        drawn |= set(asked(null.draw(generator("drawn"))))
    assert statistical - drawn <= {"S02", "S21", "S39", "S74a", "S82"}


def test_a_world_puts_one_of_several_parameters_on_its_edge() -> None:
    parts = [Part((name, "held_out_error"), ("base", "held_out_error"), low=0.0) for name in ("a", "b", "c")]
    nothing, one = make_world("nothing", [parts]), make_world("one", [parts])
    assert [nothing.value(part) for part in parts] == pytest.approx([0.0, 0.0, 0.0])
    assert sorted(one.value(part) for part in parts) == pytest.approx([0.0, 0.4, 0.4])
    for world in (nothing, one):
        assert world.right_verdicts(parts) == frozenset()


@pytest.mark.parametrize(
    ("value", "right"),
    [(0.02, {"supported"}), (0.01, set()), (0.005, {"contradicted"}), (0.03, set()), (0.04, {"contradicted"})],
)
def test_what_is_true_of_a_margin(value: float, right: set[str]) -> None:
    world = World("nothing", {("base", "held_out_error"): value})
    assert world.right_verdicts([Part(("base", "held_out_error"), 0.0, 0.01, 0.03)]) == right


def test_an_effect_below_the_smallest_of_interest_may_be_contradicted() -> None:
    world = World("nothing", {("base", "held_out_error"): 0.005})
    part = Part(("base", "held_out_error"), 0.0, low=0.0, delta=0.01)
    assert world.right_verdicts([part]) == {"supported", "contradicted"}


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_has_mean_0_and_deviation_1(shape: Shape) -> None:
    drawn = noise(shape, (200_000,), generator("noise", shape))
    assert drawn.mean() == pytest.approx(0.0, abs=0.02)
    assert drawn.std() == pytest.approx(1.0, abs=0.15)


def test_drawn_runs_have_the_means_of_their_world() -> None:
    world = World("nothing", {("tanh", "held_out_error"): 0.5, ("tanh", "log_iterations"): math.log(5000)})
    study = NullStudy(record_of(Design(EVERYTHING, 20, "fixed")), world, "normal", deviation=0.5, pictures=20_000)
    evidence = study.draw(generator("means"))
    runs = evidence.of("tanh")
    assert np.mean([run.scalar("held_out_error") for run in runs]) == pytest.approx(0.5, abs=0.015)
    assert np.mean([np.log(run.curves["step"][2]) for run in runs]) == pytest.approx(math.log(5000), abs=0.05)
    errors = [run.scalar("held_out_error") for run in evidence.of("base")]
    right = [np.unpackbits(evidence.array(f"base-{seed}", "held_out_correct")).mean() for seed in range(20)]
    assert 1 - np.mean(right) == pytest.approx(np.mean(errors), abs=0.015)
