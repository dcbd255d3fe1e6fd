"""The form of measures: conditions on metrics of the runs of one variant, all of which must hold on average."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from repro.evidence.directory import Evidence
from repro.verdicts.authoring.samples import Runs
from repro.verdicts.authoring.scale import paper_scale_only
from repro.verdicts.finding import NotEvaluated
from repro.verdicts.forms import two_arms
from repro.verdicts.forms.form import Form, Part, all_parts
from repro.verdicts.forms.one_arm import absolute
from repro.verdicts.forms.planning import with_majority
from repro.verdicts.readings.picture_outcomes import picture_variance_of_halves, pictures_of, variance_of_pictures
from repro.verdicts.readings.readings import guessing, metric_values
from repro.verdicts.registry.metrics import METRICS, Metric
from repro.verdicts.registry.tests_of_runs import Condition, MeasuresTest
from repro.verdicts.statistics.estimates import sd_floor


def _judge(evidence: Evidence, test: MeasuresTest, samples: Runs, seeds: Sequence[int]) -> Part:
    """Whether every condition holds on average over runs; two metrics of a run are compared run by run."""
    if test.at == "paper_scale" and (reduced := paper_scale_only(evidence)):
        return reduced
    conditions = {_in_words(condition): condition for condition in test.conditions}
    parts = all_parts(conditions, lambda name: _condition(evidence, conditions[name], samples.variant, seeds))
    return parts if isinstance(parts, NotEvaluated) else two_arms.every_part(parts)


def _in_words(condition: Condition) -> str:
    bound, title = condition.bound, METRICS[condition.metric].title
    said = f"{bound:g}" if isinstance(bound, float) else f"“{METRICS[bound].title}”"
    if condition.near is not None:
        return f"“{title}” within {condition.within:g} of {said}"
    side = "above" if condition.above is not None else "below"
    return f"“{title}” {side} {said}{' of chance' if condition.of_chance else ''}"


def _condition(evidence: Evidence, condition: Condition, variant: str, seeds: Sequence[int]) -> Part:
    values = metric_values(evidence, variant, seeds, condition.metric)
    if isinstance(values, NotEvaluated):
        return values
    if isinstance(condition.bound, float):
        return _against_number(evidence, condition, condition.bound, variant, seeds, values)
    others = metric_values(evidence, variant, seeds, condition.bound)
    if isinstance(others, NotEvaluated):
        return others
    return _against_metric(evidence, condition, condition.bound, variant, seeds, (values, others))


def _against_number(
    evidence: Evidence, condition: Condition, bound: float, variant: str, seeds: Sequence[int], values: list[float]
) -> Part:
    rule = METRICS[condition.metric]
    pictures = pictures_of(evidence, variant, seeds, condition.metric)
    if isinstance(pictures, NotEvaluated):
        return pictures
    if condition.of_chance:
        bound *= guessing(evidence, condition.metric) or 0.0
    limits = _limits(condition, bound)
    variance = None
    if rule.halves:
        variance = picture_variance_of_halves(evidence, variant, seeds, max(map(abs, limits.values())))
    elif pictures is not None and rule.range != (0.0, 1.0):
        # No share but a median of percentiles (S85): the bound of a mean in the same range stands in for its variance.
        variance = max(variance_of_pictures(condition.metric, limit, pictures) for limit in limits.values())
    return absolute(
        values,
        pictures,
        **limits,
        # One value carries half of the variance that a difference of two does.
        floor=sd_floor(step=rule.step) / 2**0.5,
        planned_effect=condition.planned_effect,
        picture_variance=variance,
        unit=rule.unit,
    )


def _against_metric(
    evidence: Evidence,
    condition: Condition,
    other: Metric,
    variant: str,
    seeds: Sequence[int],
    values: tuple[list[float], list[float]],
) -> Part:
    rule, counts = METRICS[condition.metric], []
    for metric in (condition.metric, other):
        pictures = pictures_of(evidence, variant, seeds, metric)
        if isinstance(pictures, NotEvaluated):
            return pictures
        counts.append(pictures)
    variance = None
    if condition.within is not None:
        # Two answers that differ in a share d of the pictures differ in their errors with variance d / N at least.
        variance = condition.within * (1 - condition.within) / counts[0] if counts[0] else None
    elif None not in counts:
        # Both are measured on the same pictures, and what makes a picture easy for one mostly makes it easy for the
        # other: then the sum of both variances is an upper bound of that of the difference.
        variance = sum(
            variance_of_pictures(metric, fmean(of), count)
            for metric, of, count in zip((condition.metric, other), values, counts, strict=True)
            if count is not None
        )
    return absolute(
        [value - against for value, against in zip(*values, strict=True)],
        None,
        **_limits(condition, 0.0),
        floor=sd_floor(step=max(rule.step, METRICS[other].step)),
        planned_effect=condition.planned_effect,
        picture_variance=variance,
        unit=rule.unit,
    )


def _limits(condition: Condition, bound: float) -> dict[Literal["lo", "hi"], float]:
    """Where the condition holds: above one number, below it, or within a margin of it."""
    if condition.within is not None:
        return {"lo": bound - condition.within, "hi": bound + condition.within}
    return {"lo": bound} if condition.above is not None else {"hi": bound}


MEASURES = Form(MeasuresTest, (Runs,), _judge, with_majority)
