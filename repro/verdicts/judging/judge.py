"""From a claim's samples and its registry entry to a finding: preconditions, gates, then the form's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Samples
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms.table import form_of
from repro.verdicts.judging.gates import shut_gate
from repro.verdicts.readings.readings import collapsed_runs, missing_runs
from repro.verdicts.registry.gate_rules import Gates
from repro.verdicts.registry.test_types import StatisticalTest


def finding_on(
    evidence: Evidence, test: StatisticalTest, gates: Gates, samples: Samples, seeds: Sequence[int]
) -> Finding | NotEvaluated:
    """The finding of a claim's test on these seeds; NotEvaluated when runs are missing or a gate is shut.

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
    form = form_of(test)
    if not isinstance(samples, form.samples):
        raise ValueError(f"form {test.form} does not take {type(samples).__name__}")
    return form.judge(evidence, test, samples, seeds)
