"""What single runs came to, by variant: the numbers that a test's verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repro.evidence.directory import Evidence
from repro.evidence.division import division
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.readings.readings import metric_values
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.test_types import TowersTest
from repro.verdicts.telling.how_tested import names_in


@dataclass(frozen=True)
class RunValues:
    """One metric of one variant's recorded runs, in the order of the registered seeds."""

    variant: str
    metric: str
    unit: str
    seeds: Sequence[int]
    values: Sequence[float]


def values_of_runs(evidence: Evidence, test: Any) -> list[RunValues]:
    """Each run's value of each metric that a statistical test names, J for those on towers.

    Of all recorded runs, also those that a first look leaves out. Empty where the evidence has none of the variants.
    """
    if isinstance(test, TowersTest):
        return list(_divisions(evidence, test))
    registered = test.model_dump(mode="json")
    rows = []
    for metric in names_in({**registered, "variants": ()}, METRICS):
        for variant in names_in(registered, evidence.study.variants):
            seeds = [run.seed for run in evidence.of(variant)]
            values = metric_values(evidence, variant, seeds, metric) if seeds else []
            if values and not isinstance(values, NotEvaluated):
                rows.append(RunValues(variant, metric, METRICS[metric].unit, seeds, values))
    return rows


def _divisions(evidence: Evidence, test: TowersTest) -> Iterator[RunValues]:
    for variant in names_in(test.model_dump(mode="json"), evidence.study.variants):
        found = {}
        for run in evidence.of(variant):
            if evidence.has_array(run.identity, "conv1_chroma_response"):
                shares = evidence.array(run.identity, "conv1_chroma_response")
                live = evidence.array(run.identity, "conv1_live")
                found[run.seed] = division(shares, live, test.specific_above)
        if found:
            yield RunValues(variant, "J", "J", list(found), list(found.values()))
