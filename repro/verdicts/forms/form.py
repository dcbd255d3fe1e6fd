"""What a form of claim is: how it is judged, what planned seeds can decide by it, which numbers of runs it reads.

A form's registered type stands in `repro/verdicts/registry/`, apart from its form: every command reads the
registry, and training notes it, so neither may import what judges or depend on it. All else about a form stands in
its module in this folder, and `table.py` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Samples
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms.planning import Plan, Prospect
from repro.verdicts.readings.readings import metric_values
from repro.verdicts.registry.metrics import METRICS
from repro.verdicts.registry.test_types import StatisticalTest, names_in

Part = Finding | NotEvaluated
Registered = TypeVar("Registered", bound=StatisticalTest)
Picked = TypeVar("Picked", bound=Samples)


@dataclass(frozen=True)
class RunValues:
    """One metric of one variant's recorded runs, in the order of the registered seeds."""

    variant: str
    metric: str
    unit: str
    seeds: Sequence[int]
    values: Sequence[float]


def values_of_metrics(evidence: Evidence, test: StatisticalTest) -> Iterator[RunValues]:
    """Each recorded run's value of each metric that the test names; nothing where the evidence has no such variant."""
    registered = test.model_dump(mode="json")
    for metric in names_in({**registered, "variants": ()}, METRICS):
        for variant in names_in(registered, evidence.study.variants):
            seeds = [run.seed for run in evidence.of(variant)]
            values = metric_values(evidence, variant, seeds, metric) if seeds else []
            if values and not isinstance(values, NotEvaluated):
                yield RunValues(variant, metric, METRICS[metric].unit, seeds, values)


@dataclass(frozen=True)
class Form(Generic[Registered, Picked]):
    """One form of statistical claim.

    test      its registered type
    samples   what a claim of this form may return
    judge     the finding on these seeds, whose runs are all there and whose gates are open
    prospect  what so many seeds can decide, before anything is trained
    values    single runs' numbers that the verdict rests on, for readers; of all recorded runs, also of those that a
              first look leaves out
    """

    test: type[Registered]
    samples: tuple[type[Picked], ...]
    judge: Callable[[Evidence, Registered, Picked, Sequence[int]], Part]
    prospect: Callable[[Registered, Plan], Prospect]
    values: Callable[[Evidence, Registered], Iterator[RunValues]] = values_of_metrics


def all_parts(names: Iterable[str], part: Callable[[str], Part]) -> dict[str, Finding] | NotEvaluated:
    """Each part's finding by its name, or the first that cannot be evaluated."""
    parts: dict[str, Finding] = {}
    for name in names:
        finding = part(name)
        if isinstance(finding, NotEvaluated):
            return finding
        parts[name] = finding
    return parts
