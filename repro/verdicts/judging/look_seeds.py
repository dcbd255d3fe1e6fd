"""Which of a study's registered seeds a verdict rests on, where the study is looked at twice."""

from __future__ import annotations

from collections.abc import Sequence

from repro.evidence.directory import Evidence
from repro.verdicts.judging.decision import LOOKS
from repro.verdicts.readings.readings import missing_runs


def judged_seeds(evidence: Evidence, variants: Sequence[str], n: int | None = None) -> tuple[int, ...]:
    """All registered seeds; those of the first of two looks where the second still lacks runs of these variants, or
    where the verdict had been given then (on `n` seeds)."""
    seeds, (first, _) = evidence.study.seeds, LOOKS[0]
    if evidence.study.looks != "two" or len(seeds) <= first:
        return seeds
    early = seeds[:first]
    waits = missing_runs(evidence, variants, seeds) and not missing_runs(evidence, variants, early)
    return early if waits or (n is not None and n <= first) else seeds
