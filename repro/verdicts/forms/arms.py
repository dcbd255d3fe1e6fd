"""Forms that compare variants in a metric of each run: direction, any of, descending, equivalent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Arms, EachAgainst, Ordered
from repro.verdicts.authoring.scale import at_paper_scale
from repro.verdicts.finding import Finding, NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, all_parts
from repro.verdicts.forms.planning import of_differences
from repro.verdicts.readings.picture_outcomes import difference_floor, picture_variance
from repro.verdicts.readings.readings import metric_values
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.over_seeds import Larger, PaperScale
from repro.verdicts.registry.tests_of_arms import AnyOfTest, DescendingTest, DirectionTest, EquivalentTest
from repro.verdicts.statistics.estimates import sd_floor


def _judge_direction(evidence: Evidence, test: DirectionTest, samples: Arms, seeds: Sequence[int]) -> Part:
    """Whether one variant differs from another in the registered sense; at the paper's scale, by its margin."""
    finding = _difference(evidence, test, samples.first, samples.second, seeds, test.metric)
    return _with_second_readings(finding, evidence, test, samples, seeds)


def _judge_any_of(evidence: Evidence, test: AnyOfTest, samples: EachAgainst, seeds: Sequence[int]) -> Part:
    """Whether the difference holds for each of several variants, in each registered metric."""
    one_metric = not test.also
    cases = {
        first if one_metric else f"{first} in {metric}": (first, metric)
        for first, metric in product(samples.firsts, (test.metric, *test.also))
    }

    def part(name: str) -> Part:
        first, metric = cases[name]
        return _difference(evidence, test, first, samples.second, seeds, metric)

    parts = all_parts(cases, part)
    if isinstance(parts, NotEvaluated):
        return parts
    return two_arms.every_part(parts) if test.more_than and test.also else two_arms.any_of(parts)


def _judge_descending(evidence: Evidence, test: DescendingTest, samples: Ordered, seeds: Sequence[int]) -> Part:
    """Whether each variant's mean lies above the next one's."""

    steps = {f"{first} above {second}": (first, second) for first, second in pairwise(samples.names)}

    def part(name: str) -> Part:
        first, second = steps[name]
        return _compared(evidence, test.metric, first, second, seeds, "first", planned=test.planned_effect)

    parts = all_parts(steps, part)
    return parts if isinstance(parts, NotEvaluated) else two_arms.any_of(parts)


def _judge_equivalent(evidence: Evidence, test: EquivalentTest, samples: Arms, seeds: Sequence[int]) -> Part:
    """Whether two variants that were judged on different pictures differ by less than the margin."""
    a, b = (metric_values(evidence, name, seeds, test.metric) for name in (samples.first, samples.second))
    if isinstance(a, NotEvaluated):
        return a
    if isinstance(b, NotEvaluated):
        return b
    return two_arms.about(
        a,
        b,
        lo=-test.margin,
        hi=test.margin,
        larger="first",
        floor=sd_floor(step=METRICS[test.metric].step),
        picture_variance=sum(
            picture_variance(evidence, name, seeds, test.metric, test.margin)
            for name in (samples.first, samples.second)
        ),
        unit=test.unit,
    )


def _with_second_readings(
    finding: Part, evidence: Evidence, test: DirectionTest, samples: Arms, seeds: Sequence[int]
) -> Part:
    """The finding with the same comparison in further metrics, for readers: these decide nothing."""
    if isinstance(finding, NotEvaluated) or not test.beside:
        return finding
    readings: dict[str, Part] = {
        metric: _compared(evidence, metric, samples.first, samples.second, seeds, test.larger) for metric in test.beside
    }
    there = {metric: reading for metric, reading in readings.items() if isinstance(reading, Finding)}
    return finding.remarked(beside=two_arms.parts_in_numbers(there))


def _difference(
    evidence: Evidence,
    test: DirectionTest | AnyOfTest,
    first: str,
    second: str,
    seeds: Sequence[int],
    own: Metric,
) -> Part:
    """One variant against another as registered: the sign, or the paper's margins at its scale."""
    full = at_paper_scale(evidence)
    if not (test.margins and full):
        return _compared(
            evidence,
            own,
            first,
            second,
            seeds,
            test.larger,
            more_than=test.more_than if own == test.metric else 0.0,
            smallest=max(test.smallest_effect, test.smallest_effect_at_paper_scale if full else 0.0),
            planned=test.planned_effect,
        )

    margins: dict[str, PaperScale] = {margin.metric or own: margin for margin in test.margins}

    def part(name: str) -> Part:
        margin = margins[name]
        return _compared(evidence, margin.metric or own, first, second, seeds, test.larger, margin=margin)

    parts = all_parts(margins, part)
    return parts if isinstance(parts, NotEvaluated) else two_arms.every_part(parts)


def _compared(
    evidence: Evidence,
    metric: Metric,
    first: str,
    second: str,
    seeds: Sequence[int],
    larger: Larger,
    *,
    more_than: float = 0.0,
    smallest: float = 0.0,
    planned: float | None = None,
    margin: PaperScale | None = None,
) -> Part:
    a = metric_values(evidence, first, seeds, metric)
    b = metric_values(evidence, second, seeds, metric)
    if isinstance(a, NotEvaluated):
        return a
    if isinstance(b, NotEvaluated):
        return b
    unit, floor = METRICS[metric].unit, difference_floor(evidence, first, second, seeds, metric)
    if margin is not None and margin.upper is not None:
        return two_arms.about(a, b, lo=margin.lower, hi=margin.upper, larger=larger, floor=floor, unit=unit)
    return two_arms.direction(
        a,
        b,
        larger=larger,
        shift=more_than if margin is None else margin.lower,
        smallest_effect=smallest,
        planned_effect=planned,
        floor=floor,
        unit=unit,
    )


DIRECTION = Form(
    DirectionTest, (Arms,), _judge_direction, lambda test, plan: of_differences(test, plan, (test.metric,))
)
ANY_OF = Form(
    AnyOfTest,
    (EachAgainst,),
    _judge_any_of,
    lambda test, plan: of_differences(test, plan, (test.metric, *test.also), comparisons=len(test.variants) - 1),
)
DESCENDING = Form(
    DescendingTest,
    (Ordered,),
    _judge_descending,
    lambda test, plan: of_differences(test, plan, (test.metric,), comparisons=len(test.variants) - 1),
)
EQUIVALENT = Form(
    EquivalentTest,
    (Arms,),
    _judge_equivalent,
    lambda test, plan: of_differences(test, plan, (test.metric,), margin=test.margin),
)
