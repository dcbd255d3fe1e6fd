"""From a claim's samples and its registry entry to a finding: preconditions, gates, then the form's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Arms, EachAgainst, Ensemble, Ordered, Pairs, Runs, Samples, Towers, Views
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms.judge_arms import any_of, descending, direction, equivalent
from repro.verdicts.forms.judge_runs import absolute, measures, per_image
from repro.verdicts.forms.judge_speed import speed
from repro.verdicts.forms.judge_towers import towers
from repro.verdicts.judging.gates import shut_gate
from repro.verdicts.readings.readings import collapsed_runs, missing_runs
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.test_types import (
    AbsoluteTest,
    AnyOfTest,
    DescendingTest,
    DirectionTest,
    EquivalentTest,
    MeasuresTest,
    PerImageTest,
    SpeedTest,
    StatisticalTest,
    TowersTest,
)


def finding_on(
    evidence: Evidence, test: StatisticalTest, gates: Gates, samples: Samples, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    """What the test says on these seeds; not evaluated when runs are missing or a gate is shut.

    Raises ValueError when the claim picked other variants than its registry entry names.
    """
    if samples.variants not in (test.variants, test.otherwise):
        registered = " or ".join(", ".join(names) for names in (test.variants, test.otherwise) if names)
        raise ValueError(f"the claim reads {', '.join(samples.variants)}, its registry entry {registered}")
    variants = tuple(dict.fromkeys(samples.variants))
    if missing := missing_runs(evidence, variants, seeds):
        return missing
    if closed := shut_gate(evidence, gates, test, variants, seeds):
        return closed
    finding = _by_form(evidence, test, samples, seeds)
    if isinstance(finding, NotEvaluated):
        return finding
    collapsed = {variant: gone for variant in variants if (gone := collapsed_runs(evidence, variant, seeds))}
    if finding.minimum_n != test.minimum_n:
        finding = replace(finding, minimum_n=test.minimum_n)
    return finding.remarked("collapsed_runs", collapsed=collapsed) if collapsed else finding


def _by_form(
    evidence: Evidence, test: StatisticalTest, samples: Samples, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    if isinstance(test, DirectionTest) and isinstance(samples, Arms):
        return direction(evidence, test, samples, seeds)
    if isinstance(test, AnyOfTest) and isinstance(samples, EachAgainst):
        return any_of(evidence, test, samples, seeds)
    if isinstance(test, DescendingTest) and isinstance(samples, Ordered):
        return descending(evidence, test, samples, seeds)
    if isinstance(test, EquivalentTest) and isinstance(samples, Arms):
        return equivalent(evidence, test, samples, seeds)
    if isinstance(test, SpeedTest) and isinstance(samples, Pairs):
        return speed(evidence, test, samples, seeds)
    if isinstance(test, MeasuresTest) and isinstance(samples, Runs):
        return measures(evidence, test, samples, seeds)
    if isinstance(test, AbsoluteTest) and isinstance(samples, Runs):
        return absolute(evidence, test, samples, seeds)
    if isinstance(test, PerImageTest) and isinstance(samples, Views | Ensemble):
        return per_image(evidence, test, samples, seeds)
    if isinstance(test, TowersTest) and isinstance(samples, Towers):
        return towers(evidence, test, samples, seeds)
    raise ValueError(f"form {test.form} does not take {type(samples).__name__}")
